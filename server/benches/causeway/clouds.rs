//! One console with 2,000 peering connections, 500 in each of four clouds.
//!
//! The clouds are the look-alikes, in this process: the console's memory is its own, and what it asks for is counted
//! where it arrives. Everything is settled first with clocks that do not wait. Rules of the vendors hold: 5 connections
//! of a VPC, 25 of a peer's network, all active.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use app::domain::{Provider, Timestamp, connection::ConnectionState};
use clouds::http::{Http, Request};
use server::{clock, store::connections::ConnectionRow};
use tokio::time::sleep;

use super::{
    Scale,
    table::{Row, Samples, print, print_sizes, shown},
};

#[path = "clouds/peer.rs"]
mod peer;
#[path = "clouds/town.rs"]
mod town;

use town::Town;

/// Between two looks at the console's database.
const LOOK: Duration = Duration::from_millis(20);
const PATIENCE: Duration = Duration::from_secs(600);
/// What active connections rest between two looks, as `domain.md` 2.2 has it.
const REST: Duration = Duration::from_secs(600);
/// While changes of the peer's are measured.
const INTERVAL: Duration = Duration::from_secs(20);
/// As many steps as the console has under way at once.
const AT_ONCE: usize = 64;
const CALM: Duration = Duration::from_secs(5);

/// What `clouds.md` 5.2 knows of each vendor's limits: requests a minute for good, and at once.
const LIMITS: [(Provider, Option<(f64, f64)>); 4] = [
    (Provider::Aws, None),
    (Provider::Google, Some((1_500.0, 1_500.0))),
    (Provider::Azure, Some((25.0 * 60.0, 250.0))),
    (Provider::UpCloud, None),
];

pub async fn run(scale: Scale) -> Result<()> {
    let (vpcs, passes, changes) = (scale.of(100, 5), scale.of(5, 1), scale.of(16, 2));
    let began = Instant::now();
    let mut town = Town::found(vpcs).await?;
    town.settle().await?;
    let connections = town.connections().await?.len();
    println!("\nclouds: {connections} connections are active after {}", shown(began.elapsed()));

    let (mut durations, mut floors, mut asked) = (Vec::new(), Vec::new(), [0_u64; 4]);
    for _ in 0..passes {
        let before = town.calls();
        durations.push(pass(&mut town).await?);
        asked = town.calls_since(before);
        floors.push(floor(asked.iter().sum()).await?);
    }
    let row = Row {
        what: format!("{connections} connections of {} VPCs", 4 * vpcs),
        measured: Samples::new(durations.clone()),
        floor: Samples::new(floors),
        goal: "",
    };
    let as_many = format!("as many bare requests, {AT_ONCE} at once, to a bare axum handler");
    print("clouds: one pass over everything, from the first look to the last", &as_many, &[row]);
    requests("clouds: requests of the steady state, every VPC looked at each 600 s", asked, REST);
    at_once(asked, Samples::new(durations).p50());

    sleep(CALM).await;
    let resident = town.console.resident()? * 1024;
    let memory = format!("{}.{} MB", resident / 1_000_000, resident / 100_000 % 10);
    print_sizes(
        "clouds: VmRSS of the console's process",
        &[(format!("{connections} connections, settled"), memory, "")],
    );

    let refreshed = badges(&mut town, changes, true).await?;
    town.restart(Some(INTERVAL)).await?;
    sleep(CALM).await;
    let (before, since) = (town.calls(), Instant::now());
    let polled = badges(&mut town, changes, false).await?;
    let (asked, took) = (town.calls_since(before), since.elapsed());
    println!("\nclouds: from the peer's deletion to the badge, AWS, Google and Azure");
    told("Refresh VPC connections is asked for at once", &refreshed);
    told(&format!("nobody asks, reconcile.interval_ms is {}", INTERVAL.as_millis()), &polled);
    println!("  nobody asks, as it comes: what is active is looked at each {} s", REST.as_secs());
    requests(&format!("clouds: requests while everything is looked at each {} s", INTERVAL.as_secs()), asked, took);
    Ok(())
}

/// Everything is due at once, as after a long outage. The console starts for it.
async fn pass(town: &mut Town) -> Result<Duration> {
    town.console.end();
    town.make_due().await?;
    let since = clock::now();
    town.console.begin().await?;
    let end = Instant::now() + PATIENCE;
    loop {
        let looked: Vec<Option<Timestamp>> = town.looked_at().await?;
        let now = clock::now();
        let fresh: Vec<Timestamp> = looked.iter().flatten().copied().filter(|at| *at >= since).collect();
        if fresh.len() == looked.len() {
            let first = fresh.iter().min().context("there are VPCs")?;
            return Ok(Duration::from_millis(u64::try_from(now.0 - first.0)?));
        }
        ensure!(Instant::now() < end, "{} of {} VPCs were looked at", fresh.len(), looked.len());
        sleep(LOOK).await;
    }
}

/// The same number of requests by the same client, which mean nothing.
async fn floor(requests: u64) -> Result<Duration> {
    use futures::StreamExt;

    let router = axum::Router::new().fallback(|| async { "x".repeat(2_000) });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let url: url::Url = format!("http://{}", listener.local_addr()?).parse()?;
    let served = tokio::spawn(async move { axum::serve(listener, router).await });
    let http = Http::new(1)?;
    let began = Instant::now();
    let answers = futures::stream::iter(0..requests).map(|_| {
        let build = || {
            let (method, headers) = (axum::http::Method::GET, axum::http::HeaderMap::new());
            Ok(Request { method, url: url.clone(), headers, body: String::new() })
        };
        http.send(build, |_| None)
    });
    let mut answers = std::pin::pin!(answers.buffer_unordered(AT_ONCE));
    while let Some(answer) = answers.next().await {
        ensure!(answer?.is_success(), "the bare handler refused");
    }
    let took = began.elapsed();
    served.abort();
    Ok(took)
}

fn requests(title: &str, asked: [u64; 4], within: Duration) {
    let rows: Vec<(String, String, &str)> = LIMITS
        .iter()
        .zip(asked)
        .map(|((cloud, limit), asked)| {
            let a_minute = asked as f64 * 60.0 / within.as_secs_f64();
            let beside = limit.map_or("no limit is published".to_owned(), |(steady, _)| {
                format!("{:.2}x of {steady:.0} a minute", a_minute / steady)
            });
            (format!("{cloud}, {beside}"), format!("{a_minute:.0} a minute"), "")
        })
        .collect();
    print_sizes(title, &rows);
}

/// A pass over everything is the most that is ever asked at once.
fn at_once(asked: [u64; 4], within: Duration) {
    let rows: Vec<_> = LIMITS
        .iter()
        .zip(asked)
        .map(|((cloud, limit), asked)| {
            let beside = limit.map_or("no limit is published".to_owned(), |(steady, bucket)| {
                let room = bucket + steady / 60.0 * within.as_secs_f64();
                format!("{:.2}x of {room:.0} that may come then", asked as f64 / room)
            });
            (format!("{cloud}, {beside}"), format!("{asked} in {}", shown(within)), "")
        })
        .collect();
    print_sizes("clouds: requests of one pass over everything", &rows);
}

/// The peers take connections away, one after the other; how long until the console knows of each.
async fn badges(town: &mut Town, of_each: usize, refresh: bool) -> Result<Vec<Duration>> {
    let chosen = town.to_take_away(of_each).await?;
    let count = u32::try_from(chosen.len())?.max(1);
    let mut open: Vec<(ConnectionRow, Instant)> = Vec::new();
    let (mut told, mut left) = (Vec::new(), chosen.into_iter());
    let mut next = Instant::now();
    let end = next + PATIENCE;
    let mut more = true;
    while more || !open.is_empty() {
        if more && next <= Instant::now() {
            match left.next() {
                None => more = false,
                Some(row) => {
                    town.take_away(&row).await?;
                    let at = Instant::now();
                    if refresh {
                        town.console.call::<()>("connections/refresh", &[("vpc", &row.vpc.to_string())]).await?;
                    }
                    open.push((row, at));
                    next = at + if refresh { Duration::from_millis(300) } else { INTERVAL / count };
                }
            }
        }
        let states = town.states().await?;
        open.retain(|(row, at)| {
            let over = states.get(&row.id) == Some(&ConnectionState::DeletedByPeer);
            if over {
                told.push(at.elapsed());
            }
            !over
        });
        ensure!(Instant::now() < end, "{} changes of the peer's were not seen", open.len());
        sleep(LOOK).await;
    }
    Ok(told)
}

fn told(what: &str, samples: &[Duration]) {
    let (least, most) = (samples.iter().min().copied(), samples.iter().max().copied());
    let median = Samples::new(samples.to_vec()).p50();
    println!(
        "  {what:<58} N {:>3}  min {:>10}  median {:>10}  max {:>10}",
        samples.len(),
        shown(least.unwrap_or_default()),
        shown(median),
        shown(most.unwrap_or_default())
    );
}
