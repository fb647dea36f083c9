//! How long to wait before trying again: from 50 ms to 5 s, anywhere below, so that a thousand agents do not come back at once.

use std::time::Duration;

const FIRST: Duration = Duration::from_millis(50);
const LONGEST: Duration = Duration::from_secs(5);

#[derive(Default)]
pub struct Backoff(u32);

impl Backoff {
    pub fn reset(&mut self) {
        self.0 = 0;
    }

    /// Full jitter: a random part of a limit that doubles.
    pub fn next(&mut self) -> Duration {
        let limit = FIRST.saturating_mul(1 << self.0.min(10)).min(LONGEST);
        self.0 += 1;
        limit.mul_f64(rand::random())
    }

    pub async fn wait(&mut self) {
        tokio::time::sleep(self.next()).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wait_grows_to_five_seconds_and_no_further() {
        let mut backoff = Backoff::default();
        assert!(backoff.next() <= FIRST);
        let longest = (0..1000).map(|_| backoff.next()).max().expect("a thousand");
        assert!(longest <= LONGEST && longest > LONGEST / 2, "{longest:?}");
        backoff.reset();
        assert!(backoff.next() <= FIRST);
    }
}
