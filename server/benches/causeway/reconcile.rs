//! The agent's periodic check of a large gateway that is as it should be.

use anyhow::{Context, Result};

use super::{
    Scale, inside,
    lab::Lab,
    table::{Row, Samples, print},
};

pub async fn run(scale: Scale, lab: &mut Lab) -> Result<()> {
    let (peers, runs) = (scale.of(10_000, 200), scale.of(50, 5));
    lab.gateway.fill(peers).await?;
    lab.stop_agent().await?;
    let state = lab.state();
    let state = state.to_str().context("a temporary folder with a plain name")?;
    let lists = lab.inside(&[inside::CHECK, &runs.to_string(), state]).await?;
    lab.start_agent("")?;
    let [check, listing] = <[_; 2]>::try_from(lists).ok().context("two lists")?;
    let row = Row {
        what: format!("{peers} peers, nothing to do"),
        measured: Samples::new(check),
        floor: Samples::new(listing),
        goal: "≤ 2x",
    };
    print(
        "reconcile: the agent reads the whole host and plans",
        "`wg show wg0 dump` and `nft list table inet causeway`",
        &[row],
    );
    Ok(())
}
