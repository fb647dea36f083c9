//! The rule that a new VPC's range is asked for: in the form at every key, in the console in its transaction.

use std::{hint::black_box, net::Ipv4Addr, time::Instant};

use anyhow::{Context, Result, ensure};
use app::domain::{
    Cidr, CloudName, VpcId,
    network::{Network, VpcRange},
    vpc::VpcState,
};
use uuid::Uuid;

use super::{
    Scale,
    table::{Row, Samples, print},
};

const WARM_UP: usize = 20;

pub fn run(scale: Scale) -> Result<()> {
    let (ranges, runs) = (scale.of(100_000, 1_000), scale.of(500, 20));
    let cloud = CloudName::default_local();
    let range = |number: usize| -> Result<VpcRange> {
        let first = u32::from(Ipv4Addr::new(10, 0, 0, 0)) + u32::try_from(number)? * 16;
        Ok(VpcRange {
            id: VpcId::from_uuid(Uuid::from_u128(u128::try_from(number)?)),
            name: format!("vpc-{number}").parse()?,
            cloud: cloud.clone(),
            cidr: Cidr::around(first.into(), 28).context("28 is a prefix length")?,
            state: VpcState::Active,
            cloud_id: None,
        })
    };
    let network = Network { vpcs: (0..ranges).map(range).collect::<Result<_>>()?, ..Network::default() };
    let pairs: Vec<(u32, u32)> = network.vpcs.iter().map(|vpc| (vpc.cidr.first(), vpc.cidr.last())).collect();
    // Overlaps with none of them, so that every one is looked at.
    let wish: Cidr = "172.16.5.0/24".parse()?;
    let (mut rule, mut scan) = (Vec::with_capacity(runs), Vec::with_capacity(runs));
    for run in 0..WARM_UP + runs {
        let began = Instant::now();
        let answer = black_box(&network).admit_vpc_cidr(black_box(&cloud), black_box(wish));
        let asked = began.elapsed();
        ensure!(answer.is_ok(), "the range is free");

        let (first, last) = black_box((wish.first(), wish.last()));
        let began = Instant::now();
        let found = black_box(&pairs).iter().any(|(start, end)| *start <= last && *end >= first);
        let scanned = began.elapsed();
        ensure!(!black_box(found), "the range is free");
        if run >= WARM_UP {
            rule.push(asked);
            scan.push(scanned);
        }
    }
    let row = Row {
        what: format!("1 among {ranges}, no overlap"),
        measured: Samples::new(rule),
        floor: Samples::new(scan),
        goal: "",
    };
    print("overlap: one CIDR against every VPC of its location", "a scan of as many pairs of numbers", &[row]);
    Ok(())
}
