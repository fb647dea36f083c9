//! A long list as the server renders it.

use std::{net::Ipv4Addr, time::Instant};

use anyhow::{Context, Result, ensure};
use app::domain::{Cidr, CloudName, VpcId, vpc::NewVpc};
use axum::{Router, http::header::CONTENT_TYPE, routing::get};
use server::clock;
use uuid::Uuid;

use super::{
    Scale,
    console::{Console, PROJECT, send},
    table::{Row, Samples, print},
};

const WARM_UP: usize = 10;

pub fn path() -> String {
    format!("/projects/{PROJECT}/vpcs")
}

pub async fn run(scale: Scale) -> Result<()> {
    let (rows, runs) = (scale.of(500, 50), scale.of(200, 5));
    let mut console = Console::signed_in().await?;
    add_vpcs(&mut console, rows).await?;
    let page = console.get(&path()).await?;
    let last = format!("vpc-{rows:05}");
    ensure!(page.status == 200 && page.text().contains(&last), "the page has no row {last}");

    let bytes = page.body.clone();
    let size = bytes.len();
    let answer = get(move || async move { ([(CONTENT_TYPE, "text/html; charset=utf-8")], bytes.clone()) });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let port = listener.local_addr()?.port();
    let bare = tokio::spawn(async move { axum::serve(listener, Router::new().fallback(answer)).await });

    let (mut rendered, mut served) = (Vec::with_capacity(runs), Vec::with_capacity(runs));
    for run in 0..WARM_UP + runs {
        let began = Instant::now();
        let page = console.get(&path()).await?;
        let whole = began.elapsed();
        ensure!(page.status == 200, "the page was refused: {}", page.text());

        let began = Instant::now();
        let bytes = send(port, "GET", "/", &[], b"").await?.body;
        let bare = began.elapsed();
        ensure!(bytes.len() == size, "the bare answer is another one");
        if run >= WARM_UP {
            rendered.push(whole);
            served.push(bare);
        }
    }
    bare.abort();
    let row = Row {
        what: format!("{rows} rows, {} kB", size / 1000),
        measured: Samples::new(rendered),
        floor: Samples::new(served),
        goal: "",
    };
    print("page: the VPC list, one request after the other", "a bare axum handler with the same bytes", &[row]);
    Ok(())
}

/// `vpc-00001` and so on, behind the back of a console that does not run.
pub async fn add_vpcs(console: &mut Console, count: usize) -> Result<()> {
    console.end();
    let store = console.store().await?;
    let project = store.project_named(&PROJECT.parse()?).await?.context("the first project")?;
    let mut tx = store.begin(clock::now()).await?;
    for number in 1..=count {
        let first = u32::from(Ipv4Addr::new(10, 0, 0, 0)) + u32::try_from(number)? * 256;
        let cidr = Cidr::around(first.into(), 24).context("24 is a prefix length")?;
        let new = NewVpc { name: format!("vpc-{number:05}").parse()?, cloud: CloudName::default_local(), cidr };
        tx.insert_vpc(project.id, VpcId::from_uuid(Uuid::now_v7()), &new).await?;
    }
    tx.commit(()).await?;
    console.begin().await
}
