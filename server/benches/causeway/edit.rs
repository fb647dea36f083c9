//! From the moment when a form is sent to the moment when the console knows that the gateway has it.
//!
//! Real: the console's process with its SQLite, the agent's process, wireguard-go. What the
//! console knows is read from its database once a millisecond.

use std::time::Duration;

use anyhow::Result;
use tokio::time::sleep;

use super::{
    Scale, inside,
    lab::Lab,
    table::{Row, Samples, print, shown},
};

const WARM_UP: usize = 5;

pub async fn run(scale: Scale, lab: &mut Lab) -> Result<()> {
    let sizes = [10, scale.of(1_000, 50), scale.of(10_000, 200)];
    let runs = scale.of(100, 5);
    let mut rows = Vec::new();
    let mut applied = Vec::new();
    for size in sizes {
        let at_size = measure(lab, size, runs).await?;
        applied.push(at_size[1].measured.p50());
        rows.extend(at_size);
    }
    print(
        &format!("edit: a road warrior is added to a gateway, {WARM_UP} edits before as a warm-up"),
        "for the answer, a bare commit of the same row in a copy of the database; else that and one `wg set` of one peer on the same device",
        &rows,
    );
    let [few, .., many] = applied[..] else { return Ok(()) };
    println!(
        "  applied p50 at {} peers is {} and at {} peers {}: {:.2}x (goal: flat)",
        sizes[0],
        shown(few),
        sizes[2],
        shown(many),
        many.as_secs_f64() / few.as_secs_f64()
    );
    Ok(())
}

async fn measure(lab: &mut Lab, size: usize, runs: usize) -> Result<[Row; 3]> {
    lab.gateway.fill(size).await?;
    let (mut answered, mut applied, mut verified) = (Vec::new(), Vec::new(), Vec::new());
    for run in 0..WARM_UP + runs {
        // At another moment of the agent's period each time.
        sleep(Duration::from_millis(rand::random_range(50..350))).await;
        let edit = lab.gateway.edit().await?;
        lab.gateway.take_back(&edit).await?;
        if run >= WARM_UP {
            answered.push(edit.answered);
            applied.push(edit.applied);
            verified.push(edit.verified);
        }
    }
    lab.stop_agent().await?;
    let set = lab.inside(&[inside::WG_SET, &runs.to_string()]).await?.swap_remove(0);
    let commits = Samples::new(lab.gateway.commits(runs).await?);
    lab.start_agent("")?;
    let both = commits.then(&Samples::new(set));
    let row = |what: &str, measured: Vec<Duration>, floor: &Samples, goal| Row {
        what: format!("{size} peers, {what}"),
        measured: Samples::new(measured),
        floor: floor.clone(),
        goal,
    };
    Ok([
        row("answered", answered, &commits, ""),
        row("applied", applied, &both, "p50 ≤ 50 ms"),
        row("verified", verified, &both, "≤ 1 s"),
    ])
}
