//! The firewall of a service's node: worked out, loaded, and found to be right already.

use std::{
    hint::black_box,
    io::Write,
    net::Ipv4Addr,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use app::domain::{
    AddressRange, Cidr, NodeId,
    gateway::DriftPolicy,
    plan::Surroundings,
    service::{
        Component, IpFilter, Node, NodeState, Place,
        firewall::{Around, Peered, Way, effective, node_firewall},
        ip_filter::IpFilterEntry,
        member::NodeSettings,
    },
    tunnel::Document,
};
use server::agent::host::nft;
use uuid::Uuid;

use super::{
    Scale, inside,
    table::{Row, Samples, print},
};

const WARM_UP: usize = 2;
const VPC: Cidr = Cidr::literal([172, 16, 0, 0], 16);

/// A service in a VPC with public access: as many filter entries, as many peered ranges, three nodes.
struct Scene {
    components: Vec<Component>,
    peered: Vec<Peered>,
    filter: IpFilter,
    nodes: Vec<Node>,
}

impl Scene {
    fn new(entries: usize, peered: usize) -> Result<Self> {
        // Every second range, so that nothing is merged.
        let range = |first: u8, number: usize, prefix: u8, stride: u32| -> Result<Cidr> {
            let base = u32::from(Ipv4Addr::new(first, 0, 0, 0)) + u32::try_from(number)? * 2 * stride;
            Cidr::around(base.into(), prefix).context("a prefix length")
        };
        let entry = |number| -> Result<IpFilterEntry> {
            let network = AddressRange::from(range(10, number, 26, 64)?);
            Ok(IpFilterEntry { network, description: String::new() })
        };
        let peer = |number| -> Result<Peered> {
            Ok(Peered { by: Way::Connection, name: format!("pcx-{number}"), range: range(10, number, 24, 256)? })
        };
        let component = |name: &str, port| -> Result<Component> {
            let name = name.parse()?;
            Ok(Component { name, port, public_access: true, private_access: false, privatelink_access: false })
        };
        let node = |number: u8| -> Result<Node> {
            Ok(Node {
                id: NodeId::from_uuid(Uuid::from_u128(u128::from(number))),
                name: format!("orders-{number}").parse()?,
                state: NodeState::Running,
                place: Place { cloud: app::domain::CloudName::default_local(), vpc: None },
                settings: NodeSettings {
                    enforced: true,
                    private_address: None,
                    public_address: None,
                    translated: false,
                },
                private_address: Some([172, 16, 0, number].into()),
                public_address: Some(Ipv4Addr::new(203, 0, 113, number).into()),
                replaces: None,
                removed: false,
                host_name: None,
                last_seen: None,
                sync: None,
                trouble: None,
                drift: Vec::new(),
            })
        };
        let entries = (0..entries).map(entry).collect::<Result<_>>()?;
        Ok(Self {
            components: vec![component("pg", 5432)?, component("pgbouncer", 6432)?],
            peered: (0..peered).map(peer).collect::<Result<_>>()?,
            filter: IpFilter::new(entries, 0)?,
            nodes: (1..=3).map(node).collect::<Result<_>>()?,
        })
    }

    fn document(&self) -> Result<Document> {
        let firewall = effective(&Around {
            private: Some(VPC),
            components: &self.components,
            peered: &self.peered,
            filter: &self.filter,
            nodes: &self.nodes,
            integrations: &[],
        });
        let service = "orders".parse()?;
        let told = node_firewall(&firewall, &service, Some(VPC), &self.nodes[0], DriftPolicy::Repair, 0);
        Ok(Document::of_node(told))
    }
}

pub fn run(scale: Scale) -> Result<()> {
    let (entries, peered, runs) = (scale.of(8_000, 200), scale.of(500, 20), scale.of(50, 5));
    let scene = Scene::new(entries, peered)?;
    let (mut compute, mut merge) = (Vec::new(), Vec::new());
    for run in 0..WARM_UP + runs {
        let began = Instant::now();
        let hash = black_box(scene.document()?.hash());
        let computed = began.elapsed();
        let began = Instant::now();
        let all = scene.filter.networks().chain(scene.peered.iter().map(|peered| peered.range.into()));
        let merged = black_box(AddressRange::merge(all));
        let floor = began.elapsed();
        ensure!(!hash.0.is_empty() && !merged.is_empty(), "something was worked out");
        if run >= WARM_UP {
            compute.push(computed);
            merge.push(floor);
        }
    }

    let (services, rounds) = (scale.of(1_000, 50), scale.of(5, 2));
    let small = Scene::new(10, peered)?;
    let (mut all, mut one) = (Vec::new(), Vec::new());
    for round in 0..1 + rounds {
        let began = Instant::now();
        for _ in 0..services {
            black_box(small.document()?.hash());
        }
        let computed = began.elapsed();
        let began = Instant::now();
        for _ in 0..services {
            black_box(AddressRange::merge(small.peered.iter().map(|peered| peered.range.into())));
        }
        if round >= 1 {
            all.push(computed);
            one.push(began.elapsed());
        }
    }
    let row = |what: String, measured: Vec<Duration>, floor: Vec<Duration>| Row {
        what,
        measured: Samples::new(measured),
        floor: Samples::new(floor),
        goal: "",
    };
    print(
        &format!("firewall: a service with {entries} filter entries and {peered} peered ranges, worked out and hashed"),
        "the same ranges merged",
        &[
            row("one service".to_owned(), compute, merge),
            row(format!("{services} services, one peering changed"), all, one),
        ],
    );

    if let Some(because) = server::lab::unavailable() {
        println!("\nfirewall on a host is skipped: {because}");
        return Ok(());
    }
    let (entries, peered, runs) = (entries.to_string(), peered.to_string(), scale.of(20, 3).to_string());
    let output = Command::new("unshare")
        .arg("--net")
        .arg(std::env::current_exe()?)
        .args([inside::WORD, inside::FIREWALL, &entries, &peered, &runs])
        .stdin(Stdio::null())
        .output()?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr).trim());
    let lists: Vec<Vec<u64>> = serde_json::from_slice(&output.stdout)?;
    let lists: Vec<Vec<Duration>> =
        lists.into_iter().map(|list| list.into_iter().map(Duration::from_nanos).collect()).collect();
    let [apply, set, noop, listing] = <[_; 4]>::try_from(lists).ok().context("four lists")?;
    print(
        "firewall on the host: the whole table in one transaction, and read back with nothing to do",
        "`nft -f` of one set with as many elements; `nft -j list table` alone",
        &[row("applied".to_owned(), apply, set), row("nothing to do".to_owned(), noop, listing)],
    );
    Ok(())
}

/// Inside a network namespace of its own: apply, the bare set, a check that finds nothing to do, the bare listing.
pub async fn on_a_host(entries: usize, peered: usize, runs: usize) -> Result<Vec<Vec<Duration>>> {
    let document = Scene::new(entries, peered)?.document()?;
    let firewall = nft::ruleset(&document, &Surroundings::default()).context("a node's document")?;
    let elements: Vec<String> = Scene::new(entries, peered)?.filter.networks().map(|range| range.to_string()).collect();
    let bare = format!(
        "table inet floor {{\n  set ranges {{\n    type ipv4_addr; flags interval;\n    elements = {{ {} }}\n  }}\n}}\n",
        elements.join(", ")
    );
    let mut lists = vec![Vec::new(); 4];
    for run in 0..WARM_UP + runs {
        let began = Instant::now();
        nft::ensure_table(&firewall).await?;
        let applied = began.elapsed();
        let began = Instant::now();
        tool(&["-f", "-"], &bare)?;
        let set = began.elapsed();
        tool(&["delete", "table", "inet", "floor"], "")?;
        let began = Instant::now();
        let (found, _) = nft::read_table().await?.context("the table is there")?;
        let same = found == firewall;
        let checked = began.elapsed();
        ensure!(same, "the table that was loaded reads back as another one");
        let began = Instant::now();
        tool(&["-j", "list", "table", "inet", "causeway"], "")?;
        let listed = began.elapsed();
        if run >= WARM_UP {
            for (list, duration) in lists.iter_mut().zip([applied, set, checked, listed]) {
                list.push(duration);
            }
        }
    }
    Ok(lists)
}

fn tool(arguments: &[&str], input: &str) -> Result<()> {
    let mut child = Command::new("nft")
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::inherit())
        .spawn()?;
    child.stdin.take().context("a piped standard input")?.write_all(input.as_bytes())?;
    ensure!(child.wait()?.success(), "nft failed");
    Ok(())
}
