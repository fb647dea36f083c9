//! Attributes that change, of one type.
//!
//! Whatever Leptos does with an attribute is compiled, and sent to every browser, once for each type of value. A closure
//! is a type of its own; a signal of words is the same wherever it stands.

use leptos::prelude::*;

/// A word, or the attribute is not there.
pub fn word(word: impl Fn() -> Option<&'static str> + Send + Sync + 'static) -> Signal<Option<&'static str>> {
    Signal::derive(word)
}
