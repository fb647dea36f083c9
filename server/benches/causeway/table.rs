//! Samples and the tables that show them.

use std::time::Duration;

/// Durations of one thing that was done again and again, in the order of the runs.
#[derive(Clone)]
pub struct Samples(Vec<Duration>);

impl Samples {
    pub fn new(durations: Vec<Duration>) -> Self {
        Self(durations)
    }

    pub fn count(&self) -> usize {
        self.0.len()
    }

    pub fn p50(&self) -> Duration {
        self.percentile(50)
    }

    pub fn p99(&self) -> Duration {
        self.percentile(99)
    }

    /// The nearest rank. Of fewer than 100 samples, 99 is the longest.
    fn percentile(&self, percent: usize) -> Duration {
        let mut sorted = self.0.clone();
        sorted.sort();
        let rank = (sorted.len() * percent).div_ceil(100).max(1);
        sorted.get(rank - 1).copied().unwrap_or_default()
    }

    /// One thing and then the other, run by run.
    pub fn then(&self, other: &Self) -> Self {
        Self(self.0.iter().zip(&other.0).map(|(one, two)| *one + *two).collect())
    }
}

/// A line of a table.
pub struct Row {
    pub what: String,
    pub measured: Samples,
    pub floor: Samples,
    pub goal: &'static str,
}

impl Row {
    fn ratio(&self) -> String {
        let (measured, floor) = (self.measured.p50().as_secs_f64(), self.floor.p50().as_secs_f64());
        if floor == 0.0 { "-".to_owned() } else { format!("{:.1}x", measured / floor) }
    }
}

/// A heading, what the floor is, and a line for each row.
pub fn print(title: &str, floor: &str, rows: &[Row]) {
    println!("\n{title}\n  floor: {floor}");
    println!(
        "  {:<34} {:>6} {:>10} {:>10}  {:>10} {:>10} {:>8}  goal",
        "", "N", "p50", "p99", "floor p50", "floor p99", "ratio"
    );
    for row in rows {
        let line = format!(
            "  {:<34} {:>6} {:>10} {:>10}  {:>10} {:>10} {:>8}  {}",
            row.what,
            row.measured.count(),
            shown(row.measured.p50()),
            shown(row.measured.p99()),
            shown(row.floor.p50()),
            shown(row.floor.p99()),
            row.ratio(),
            row.goal
        );
        println!("{}", line.trim_end());
    }
}

/// A heading, and what each thing weighs beside its goal.
pub fn print_sizes(title: &str, rows: &[(String, String, &str)]) {
    println!("\n{title}");
    for (what, size, goal) in rows {
        println!("{}", format!("  {what:<58} {size:>12}  {goal}").trim_end());
    }
}

pub fn shown(duration: Duration) -> String {
    let seconds = duration.as_secs_f64();
    match seconds {
        _ if seconds < 0.001 => format!("{:.1} µs", seconds * 1e6),
        _ if seconds < 1.0 => format!("{:.2} ms", seconds * 1e3),
        _ => format!("{seconds:.2} s"),
    }
}
