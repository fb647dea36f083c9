//! The browser tests: Playwright against the release binary, in two projects, with and without WASM.

use std::{fs, path::Path, time::Duration};

use anyhow::Result;

use crate::{
    command::{command, lines},
    setup,
    tally::Tally,
    tree,
};

/// Longer than all browser tests together should ever take.
const LIMIT: Duration = Duration::from_secs(1500);

pub fn run(binary: &Path, options: &[String]) -> Result<Tally> {
    let report = tree::target().join("playwright.json");
    _ = fs::remove_file(&report);
    let mut npx = command("npx");
    npx.current_dir(tree::end2end());
    npx.env("CAUSEWAY_BINARY", binary).env("PLAYWRIGHT_JSON_OUTPUT_FILE", &report);
    if let Some(browser) = setup::browser() {
        npx.env("CAUSEWAY_CHROMIUM", browser);
    }
    npx.args(["--no-install", "playwright", "test"]).args(options);
    let succeeded = lines(&mut npx, LIMIT, |line| println!("{line}"))?;
    let tally = match fs::read_to_string(&report) {
        Ok(text) => Tally::from_playwright(&text)?,
        Err(_) => Tally::default(),
    };
    Ok(tally.with_outcome(succeeded))
}
