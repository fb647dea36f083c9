//! How long a text is in pixels, and how it is cut where there is no room.

/// A character of the mono face at 11.5 px, of the sans at 12 and at 12.5 semibold.
pub(super) const MONO: f64 = 6.9;
pub(super) const SANS: f64 = 6.3;
pub(super) const NAME: f64 = 7.2;

/// How many characters of a face fit; never fewer than a name can be told by.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a width in pixels, clamped to a few hundred"
)]
pub(super) fn letters(room: f64, width: f64) -> usize {
    (room / width).clamp(6.0, 200.0) as usize
}

pub(super) fn cut(text: &str, most: usize) -> String {
    if text.chars().count() <= most { text.to_owned() } else { text.chars().take(most - 1).chain(['…']).collect() }
}

/// "alpha – beta", the longer name cut first.
pub(super) fn pair(a: &str, b: &str, most: usize) -> String {
    let room = most.saturating_sub(3).max(8);
    let (long_a, long_b) = (a.chars().count(), b.chars().count());
    let half = room / 2;
    let (for_a, for_b) = if long_a + long_b <= room {
        (long_a, long_b)
    } else if long_a <= half {
        (long_a, room - long_a)
    } else if long_b <= half {
        (room - long_b, long_b)
    } else {
        (half, room - half)
    };
    format!("{} – {}", cut(a, for_a), cut(b, for_b))
}
