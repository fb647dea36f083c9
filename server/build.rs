//! A release embeds the site: another site is another binary. A debug build reads it from disk.

fn main() {
    if std::env::var("PROFILE").is_ok_and(|profile| profile == "release") {
        println!("cargo::rerun-if-changed=../target/site");
    }
    println!("cargo::rerun-if-changed=build.rs");
    // Migrations are embedded too.
    println!("cargo::rerun-if-changed=../migrations");
}
