//! A static address: what the console wants of a cloud, and what it learns (domain 1.9, 2.5).

use std::{collections::BTreeMap, net::Ipv4Addr};

use uuid::Uuid;

use crate::{Reference, Want};

/// A static IPv4 address as it should be.
#[derive(Clone, Debug)]
pub struct AddressWish {
    /// The address's id; names and tags in the cloud are made of it, so that a lost answer is found again.
    pub id: Uuid,
    /// What people call it, for the cloud's own console.
    pub name: String,
    /// In the provider's own form, as a network's region.
    pub region: String,
    /// `false`: it should be released.
    pub present: bool,
    /// Whose it should be; `None`: nobody's yet. An instance of the account in the cloud's own form: `i-…` in AWS,
    /// `zone/name` in Google, the id of a network interface in Azure, a server's UUID in UpCloud.
    pub instance: Option<String>,
    pub reference: Reference,
    /// When it was first asked for: absence shortly afterwards is "not visible yet".
    pub asked_at: Option<i64>,
    pub now: i64,
}

/// What a call about an address is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum AddressPart {
    Address,
    /// A second one that was made when an answer was lost.
    Surplus,
}

impl Want for AddressWish {
    type Part = AddressPart;
    type Report = AddressReport;
}

impl AddressWish {
    /// What it is called in clouds where addresses have names.
    pub fn named(&self) -> String {
        crate::named("address", self.id)
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AddressStanding {
    /// The cloud has nothing of it.
    #[default]
    Absent,
    /// It is being made or unmade.
    Partial,
    /// It is the account's, and on no instance.
    Reserved,
    /// An instance has it.
    Attached,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct AddressReport {
    pub standing: AddressStanding,
    /// Once the cloud has told it.
    pub address: Option<Ipv4Addr>,
    /// Whose it is, in the form of [`AddressWish::instance`].
    pub instance: Option<String>,
    /// The cloud's own words, by the names that it gives them.
    pub words: BTreeMap<String, String>,
    /// Asked for moments ago and not visible yet: no reason to think that it is gone.
    pub settling: bool,
    pub reference: Reference,
}
