//! A host that only remembers what it was told. For tests: no packet ever passes, and the console says so.

use std::{
    collections::BTreeMap,
    net::Ipv4Addr,
    sync::{Mutex, PoisonError},
};

use anyhow::Result;
use app::domain::{
    PublicKey,
    host::{HostFacts, Interface, WireGuardKind},
    plan::{HostState, Step},
    service::node::NodeReport,
};
use async_trait::async_trait;

use super::{Host, Question, Reading, host_name};

pub struct RecordingHost {
    key: PublicKey,
    addresses: Vec<Ipv4Addr>,
    state: Mutex<HostState>,
}

impl RecordingHost {
    /// The first address is on `eth0`, the way out; the next on `eth1` and so on.
    pub fn new(key: PublicKey, addresses: Vec<Ipv4Addr>) -> Self {
        Self { key, addresses, state: Mutex::default() }
    }

    /// Does something to the host behind the agent's back.
    pub fn tamper(&self, with: impl FnOnce(&mut HostState)) {
        with(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

#[async_trait]
impl Host for RecordingHost {
    async fn read(&self, question: &Question) -> Result<Reading> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner).clone();
        state.sysctls = (question.sysctls.iter())
            .map(|key| (key.clone(), state.sysctls.get(key).cloned().unwrap_or_else(|| "recorded".to_owned())))
            .collect::<BTreeMap<_, _>>();
        let interfaces: Vec<Interface> = (self.addresses.iter().enumerate())
            .map(|(number, address)| Interface { name: format!("eth{number}"), addresses: vec![*address] })
            .collect();
        let facts = HostFacts {
            agent_version: env!("CARGO_PKG_VERSION").to_owned(),
            host_name: host_name(),
            wireguard: WireGuardKind::Recording,
            wan: interfaces.first().map(|interface| interface.name.clone()),
            interfaces,
        };
        Ok(Reading { state, facts, node: NodeReport::default() })
    }

    async fn perform(&self, step: &Step) -> Result<()> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.perform(step);
        if let (Step::SetDevice { key: true, .. }, Some(device)) = (step, &mut state.device) {
            device.public_key = Some(self.key);
        }
        Ok(())
    }
}
