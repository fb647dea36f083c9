//! The project's own build tool: everything between a fresh clone and a running, tested Causeway.
//!
//! It exists so that two commands are enough on a bare machine: `cargo xtask run` and `cargo xtask test`. It is compiled
//! by whatever cargo the person has, into a target folder of its own, and then chooses the one toolchain that compiles
//! the product for the server and for the browser. The libraries behind wasm-bindgen and the splitter are linked in,
//! pinned to the versions in `Cargo.lock`: a tool that is not installed can never mismatch.

mod browser;
mod command;
mod compress;
mod names;
mod order;
mod packages;
mod postgres;
mod product;
mod script;
mod setup;
mod site;
mod split;
mod style;
mod tally;
mod test;
mod toolchain;
mod tree;
mod vendors;
mod wasm_std;

use std::process::ExitCode;

use anyhow::{Result, bail};

const USAGE: &str = "\
usage: cargo xtask COMMAND

  run [--release] [OPTIONS]   set up what is missing, build, start the console on http://127.0.0.1:3000 with its data
                              in ./data; OPTIONS go to `causeway serve`
  test [--full]               everything: format, lints, Rust tests on SQLite and PostgreSQL, release build, browser tests
  clouds [OPTIONS]            the drivers and look-alikes of the clouds against the vendors' own clients; OPTIONS go to
                              the tests
  build                       target/release/causeway, one self-contained file
  e2e [OPTIONS]               release build, then the browser tests; OPTIONS go to `playwright test`
  bench [OPTIONS]             release build, then the benchmarks; OPTIONS go to the benchmark program
  site [--release]            only the site, in target/site
  setup                       only install what the commands above need
  env                         print the exports with which a plain `cargo` builds as the commands above do
";

fn main() -> ExitCode {
    match dispatch() {
        Ok(code) => code,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn dispatch() -> Result<ExitCode> {
    let mut args: Vec<String> = std::env::args().skip(1).collect();
    let command = if args.is_empty() { String::from("help") } else { args.remove(0) };
    match command.as_str() {
        "run" => {
            let release = take(&mut args, "--release");
            product::run(release, &args)?;
        }
        "test" => {
            let full = take(&mut args, "--full");
            refuse_rest(&args)?;
            return test::run(full);
        }
        "clouds" => return test::clouds(&args),
        "build" => {
            refuse_rest(&args)?;
            let file = product::build()?;
            println!("built {}", file.display());
        }
        "e2e" => {
            let tally = browser::run(&product::build_for_browser()?, &args)?;
            return Ok(tally.exit_code());
        }
        "bench" => product::bench(&args)?,
        "site" => {
            let release = take(&mut args, "--release");
            refuse_rest(&args)?;
            product::site(release)?;
        }
        "setup" => {
            refuse_rest(&args)?;
            setup::ensure(setup::Need::Everything)?;
            println!("everything is in place");
        }
        "env" => {
            refuse_rest(&args)?;
            print!("{}", setup::ensure(setup::Need::Compilers)?.exports());
        }
        "help" | "--help" | "-h" => print!("{USAGE}"),
        other => bail!("there is no command `{other}`\n\n{USAGE}"),
    }
    Ok(ExitCode::SUCCESS)
}

/// Removes a flag from the arguments and says whether it was there.
fn take(args: &mut Vec<String>, flag: &str) -> bool {
    let before = args.len();
    args.retain(|arg| arg != flag);
    args.len() != before
}

fn refuse_rest(args: &[String]) -> Result<()> {
    match args.first() {
        Some(arg) => bail!("unexpected argument `{arg}`\n\n{USAGE}"),
        None => Ok(()),
    }
}
