//! How many tests passed and failed, read from what the test programs say about themselves.

use std::{fmt, ops::AddAssign, process::ExitCode};

use anyhow::{Context, Result};
use serde_json::Value;

#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Tally {
    pub passed: u64,
    pub failed: u64,
    pub skipped: u64,
}

impl Tally {
    pub const FAILURE: Self = Self { passed: 0, failed: 1, skipped: 0 };

    /// From one line of a Rust test program; None if the line is no result.
    pub fn from_rust(line: &str) -> Option<Self> {
        let counts = line.trim().strip_prefix("test result: ")?.split_once(". ")?.1;
        let mut tally = Self::default();
        for part in counts.split(';') {
            let mut words = part.split_whitespace();
            let (Some(count), Some(what)) = (words.next().and_then(|word| word.parse().ok()), words.next()) else {
                continue;
            };
            match what {
                "passed" => tally.passed = count,
                "failed" => tally.failed = count,
                "ignored" => tally.skipped = count,
                _ => {}
            }
        }
        Some(tally)
    }

    /// From the report of Playwright's json reporter. A test that passed at the second attempt has passed.
    pub fn from_playwright(report: &str) -> Result<Self> {
        let report: Value = serde_json::from_str(report)?;
        let count = |name: &str| {
            report["stats"][name].as_u64().with_context(|| format!("Playwright's report has no count `{name}`"))
        };
        let errors = report["errors"].as_array().map_or(0, Vec::len) as u64;
        Ok(Self {
            passed: count("expected")? + count("flaky")?,
            failed: count("unexpected")? + errors,
            skipped: count("skipped")?,
        })
    }

    /// A program that failed has failed, even if no test of it says so: it did not compile, or it was ended.
    pub fn with_outcome(mut self, succeeded: bool) -> Self {
        if !succeeded && self.failed == 0 {
            self.failed = 1;
        }
        self
    }

    pub fn exit_code(self) -> ExitCode {
        if self.failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
    }
}

/// The line that closes a test run.
impl fmt::Display for Tally {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        write!(formatter, "{} passed, {} failed", self.passed, self.failed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_result_of_a_rust_test_program_is_read() {
        let ok = "test result: ok. 12 passed; 0 failed; 1 ignored; 0 measured; 3 filtered out; finished in 0.02s";
        assert_eq!(Tally::from_rust(ok), Some(Tally { passed: 12, failed: 0, skipped: 1 }));
        let failed = "test result: FAILED. 1 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out";
        assert_eq!(Tally::from_rust(failed), Some(Tally { passed: 1, failed: 2, skipped: 0 }));
        assert_eq!(Tally::from_rust("test domain::cidr::tests::parses ... ok"), None);
    }

    #[test]
    fn the_report_of_playwright_is_read() {
        let report = r#"{"stats": {"expected": 5, "flaky": 1, "unexpected": 2, "skipped": 3}, "errors": []}"#;
        assert_eq!(Tally::from_playwright(report).unwrap(), Tally { passed: 6, failed: 2, skipped: 3 });
        let broken = r#"{"stats": {"expected": 0, "flaky": 0, "unexpected": 0, "skipped": 0}, "errors": [{}]}"#;
        assert_eq!(Tally::from_playwright(broken).unwrap().failed, 1);
        assert!(Tally::from_playwright("{}").is_err());
    }

    #[test]
    fn a_program_that_ended_badly_counts_as_a_failure() {
        assert_eq!(Tally::default().with_outcome(false), Tally::FAILURE);
        let one = Tally { passed: 3, failed: 1, skipped: 0 };
        assert_eq!(one.with_outcome(false), one);
    }

    #[test]
    fn the_closing_line_is_plain() {
        assert_eq!(Tally { passed: 41, failed: 0, skipped: 2 }.to_string(), "41 passed, 0 failed");
    }
}
