//! "Build the lab network": the hosts of the lab, joined through the ordinary functions of the
//! console and ordinary agents. Nothing here reaches into the store.

use std::{
    io::Write,
    os::unix::fs::OpenOptionsExt,
    path::PathBuf,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use anyhow::{Context, anyhow};
use app::{
    api::{
        ApiError,
        lab::{LabHost, LabState},
    },
    backend::SharedBackend,
    domain::{
        CloudName, GatewayId, ProjectName, Refusal, VpcId,
        change::Topic,
        gateway::{GatewaySettings, GatewayStatus, NewGateway},
        peer::NewRoadWarrior,
        vpc::NewVpc,
    },
};
use async_trait::async_trait;
use tokio::sync::oneshot;

use super::{
    LabControl,
    command::start_agent,
    control::{Folder, enter},
    layout::{ALPHA, BETA, HOSTS, Site},
};
use crate::store::Feed;

/// The console's hand on the lab of its own machine.
#[derive(Clone)]
pub struct Demo(Arc<Inner>);

struct Inner {
    folder: Folder,
    /// The unix socket where agents of this machine reach the console.
    agents: PathBuf,
    feed: Arc<Feed>,
    stage: Mutex<Stage>,
    unavailable: Option<String>,
}

#[derive(Clone, Debug)]
enum Stage {
    Idle,
    Building { done: Vec<String>, now: String },
    Failed(String),
}

impl Demo {
    pub fn new(folder: Folder, agents: PathBuf, feed: Arc<Feed>) -> Self {
        Self(Arc::new(Inner {
            folder,
            agents,
            feed,
            stage: Mutex::new(Stage::Idle),
            unavailable: super::unavailable(),
        }))
    }

    fn stage(&self) -> Stage {
        self.0.stage.lock().expect("no holder of this lock panics").clone()
    }

    fn set(&self, stage: Stage) {
        *self.0.stage.lock().expect("no holder of this lock panics") = stage;
        self.0.feed.wake(None, &[Topic::Lab]);
    }

    /// Moves the step under way to the done ones.
    fn step(&self, now: &str) {
        let done = match self.stage() {
            Stage::Building { mut done, now } => {
                done.push(now);
                done
            }
            _ => Vec::new(),
        };
        self.set(Stage::Building { done, now: now.to_owned() });
    }

    async fn build_all(&self, project: &ProjectName, backend: &SharedBackend) -> anyhow::Result<()> {
        let folder = &self.0.folder;
        self.step("Starting seven hosts in network namespaces");
        folder.up().await?;

        self.step("Declaring lab-alpha and lab-beta, with a VPN gateway each");
        let cloud = backend
            .network(project)
            .await
            .map_err(said)?
            .locations
            .into_iter()
            .find(|location| location.vpn_gateway_enabled);
        let cloud = cloud.context("No location of this console has VPN gateways enabled")?.cloud;
        let alpha = self.gateway(project, backend, &ALPHA, &cloud).await?;
        let beta = self.gateway(project, backend, &BETA, &cloud).await?;

        self.step("Enrolling both gateway hosts");
        let console = format!("unix:{}", self.0.agents.display());
        for (site, gateway) in [(&ALPHA, alpha), (&BETA, beta)] {
            let enrolment = backend.issue_enrolment(project, gateway).await.map_err(said)?;
            start_agent(folder, site.gateway, &console, Some(&enrolment.token)).await?;
        }

        self.step("Waiting until both gateways are active");
        for (site, gateway) in [(&ALPHA, alpha), (&BETA, beta)] {
            self.active(project, backend, site, gateway).await?;
        }

        self.step("Creating the VPC peering");
        let peered = backend.network(project).await.map_err(said)?.peered(alpha, beta);
        if !peered {
            backend.create_peering(project, alpha, beta).await.map_err(said)?;
        }

        self.step("Giving the laptop access");
        self.laptop(project, backend, alpha).await?;
        for (name, host, address) in [("ping-vm", "vm-alpha", "10.0.0.100"), ("ping-laptop", "laptop", "10.0.0.100")] {
            folder.start(name, host, ["ping", "-q", "-i", "1", address].map(str::to_owned).to_vec()).await?;
        }
        Ok(())
    }

    async fn gateway(
        &self,
        project: &ProjectName,
        backend: &SharedBackend,
        site: &Site,
        cloud: &CloudName,
    ) -> anyhow::Result<GatewayId> {
        let vpcs = backend.vpcs(project).await.map_err(said)?;
        let known = vpcs.iter().find(|vpc| vpc.name.as_str() == site.vpc);
        if let Some(gateway) = known.and_then(|vpc| vpc.gateway.as_ref()) {
            return Ok(gateway.id);
        }
        let vpc: VpcId = match known {
            Some(vpc) => vpc.id,
            None => {
                let new = NewVpc::parse(site.vpc, &cloud.to_string(), site.cidr)?;
                backend.create_vpc(project, new).await.map_err(said)?
            }
        };
        let tunnel =
            backend.network(project).await.map_err(said)?.suggest_tunnel().context("No tunnel subnet is free")?;
        let settings = GatewaySettings {
            public_address: Some(site.public.parse()?),
            internet_egress: site.egress,
            ..GatewaySettings::default()
        };
        let new = NewGateway { name: site.gateway.parse()?, vpc, settings, tunnel };
        backend.create_gateway(project, new).await.map_err(said)
    }

    async fn active(
        &self,
        project: &ProjectName,
        backend: &SharedBackend,
        site: &Site,
        id: GatewayId,
    ) -> anyhow::Result<()> {
        let patience = Instant::now() + Duration::from_secs(60);
        loop {
            let gateway = backend.gateway(project, id).await.map_err(said)?;
            if gateway.status == GatewayStatus::Active {
                return Ok(());
            }
            if Instant::now() > patience {
                let words = self.0.folder.last_words(&format!("agent-{}", site.gateway));
                return Err(anyhow!("{} is {} after 60 s. {words}", site.gateway, gateway.status.word()));
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }

    /// The road warrior's key is made on the laptop, as a person would.
    async fn laptop(&self, project: &ProjectName, backend: &SharedBackend, gateway: GatewayId) -> anyhow::Result<()> {
        let folder = &self.0.folder;
        let peers = backend.peers(project, gateway).await.map_err(said)?;
        if let Some(old) = peers.iter().find(|peer| peer.name.as_str() == "laptop") {
            backend.delete_peer(project, old.id).await.map_err(said)?;
        }
        let private = self.inside("laptop", "wg genkey", "").await?;
        let public = self.inside("laptop", "wg pubkey", &private).await?;
        let new = NewRoadWarrior::parse("laptop", public.trim())?;
        let peer = backend.create_road_warrior(project, gateway, new).await.map_err(said)?;
        let file = backend.road_warrior_file(project, peer).await.map_err(said)?;

        let path = folder.laptop();
        std::fs::OpenOptions::new()
            .create(true)
            .write(true)
            .truncate(true)
            .mode(0o600)
            .open(&path)?
            .write_all(file.render(Some(private.trim())).as_bytes())?;
        folder.start("tunnel-laptop", "laptop", ["wireguard-go", "-f", "wg0"].map(str::to_owned).to_vec()).await?;
        let mut script = format!(
            "until [ -S /run/wireguard/wg0.sock ]; do sleep 0.05; done; wg-quick strip '{0}' | wg setconf wg0 /dev/stdin && ip addr add {1}/32 dev wg0 && ip link set wg0 mtu {2} up",
            path.display(),
            file.address,
            file.mtu
        );
        for range in &file.allowed_ips {
            script.push_str(&format!(" && ip route replace {range} dev wg0"));
        }
        self.inside("laptop", &script, "").await?;
        Ok(())
    }

    /// Runs a shell line in a host; its output.
    async fn inside(&self, host: &str, script: &str, input: &str) -> anyhow::Result<String> {
        use tokio::io::AsyncWriteExt;

        let status = self.0.folder.status().await.context("The lab is not up")?;
        let words = enter(&status, host).with_context(|| format!("The lab has no host {host}"))?;
        let mut child = tokio::process::Command::new(&words[0])
            .args(&words[1..])
            .args(["sh", "-c", script])
            .stdin(std::process::Stdio::piped())
            .stdout(std::process::Stdio::piped())
            .stderr(std::process::Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        child.stdin.take().expect("it is piped").write_all(input.as_bytes()).await?;
        let output = tokio::time::timeout(Duration::from_secs(15), child.wait_with_output()).await??;
        if !output.status.success() {
            return Err(anyhow!("On {host}: {}", String::from_utf8_lossy(&output.stderr).trim()));
        }
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    async fn remove_all(&self, project: &ProjectName, backend: &SharedBackend) -> anyhow::Result<()> {
        self.step("Deleting the gateways, so that their hosts clean up");
        let gateways = backend.gateways(project).await.map_err(said)?;
        let ours: Vec<GatewayId> = gateways
            .iter()
            .filter(|gateway| [ALPHA.vpc, BETA.vpc].contains(&gateway.vpc_name.as_str()))
            .map(|gateway| gateway.id)
            .collect();
        for id in &ours {
            match backend.delete_gateway(project, *id).await {
                Ok(()) | Err(ApiError::NotFound) => {}
                Err(error) => return Err(said(error)),
            }
        }
        let patience = Instant::now() + Duration::from_secs(30);
        while Instant::now() < patience {
            let left = backend.gateways(project).await.map_err(said)?;
            if !left.iter().any(|gateway| ours.contains(&gateway.id)) {
                break;
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        self.step("Deleting the VPCs");
        for vpc in backend.vpcs(project).await.map_err(said)? {
            if [ALPHA.vpc, BETA.vpc].contains(&vpc.name.as_str()) {
                backend.delete_vpc(project, vpc.id).await.map_err(said)?;
            }
        }
        self.step("Ending the hosts");
        self.0.folder.down().await
    }

    /// Takes the lab for one piece of work: of two who click at once, one is refused.
    fn begin(&self, now: &str) -> Result<(), ApiError> {
        if let Some(because) = &self.0.unavailable {
            return Err(Refusal::conflict("", because).into());
        }
        let mut stage = self.0.stage.lock().expect("no holder of this lock panics");
        if matches!(*stage, Stage::Building { .. }) {
            return Err(Refusal::conflict("", "The lab is being built or removed already.").into());
        }
        *stage = Stage::Building { done: Vec::new(), now: now.to_owned() };
        drop(stage);
        self.0.feed.wake(None, &[Topic::Lab]);
        Ok(())
    }

    fn finish(&self, result: anyhow::Result<()>, done: oneshot::Sender<()>) {
        match result {
            Ok(()) => {
                self.set(Stage::Idle);
                // Whoever asked may be gone with the console.
                let _ = done.send(());
            }
            Err(error) => {
                tracing::warn!(error = format!("{error:#}"), "the lab could not be built or removed");
                self.set(Stage::Failed(format!("{error:#}")));
            }
        }
    }
}

fn said(error: ApiError) -> anyhow::Error {
    anyhow!("{error}")
}

#[async_trait]
impl LabControl for Demo {
    async fn state(&self) -> LabState {
        if let Some(because) = &self.0.unavailable {
            return LabState::Unavailable { because: because.clone() };
        }
        match self.stage() {
            Stage::Building { done, now } => return LabState::Building { done, now },
            Stage::Failed(because) => return LabState::Failed { because },
            Stage::Idle => {}
        }
        let Some(status) = self.0.folder.status().await else { return LabState::Absent };
        let host = |host: &super::layout::Host| LabHost {
            name: host.name.to_owned(),
            role: host.role.to_owned(),
            address: host.address.to_owned(),
            enter: format!("{} sh", enter(&status, host.name).unwrap_or_default().join(" ")),
        };
        LabState::Up { hosts: HOSTS.iter().map(host).collect() }
    }

    async fn build(&self, project: &ProjectName, backend: SharedBackend) -> Result<oneshot::Receiver<()>, ApiError> {
        self.begin("Looking at this machine")?;
        let (demo, project, (done, built)) = (self.clone(), project.clone(), oneshot::channel());
        tokio::spawn(async move {
            let result = demo.build_all(&project, &backend).await;
            demo.finish(result, done);
        });
        Ok(built)
    }

    async fn remove(&self, project: &ProjectName, backend: SharedBackend) -> Result<oneshot::Receiver<()>, ApiError> {
        self.begin("Looking at what the lab made")?;
        let (demo, project, (done, removed)) = (self.clone(), project.clone(), oneshot::channel());
        tokio::spawn(async move {
            let result = demo.remove_all(&project, &backend).await;
            demo.finish(result, done);
        });
        Ok(removed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_sixteen_clicks_one_builds_the_lab() {
        let demo = Demo(Arc::new(Inner {
            folder: Folder("nowhere".into()),
            agents: PathBuf::new(),
            feed: Arc::new(Feed::new()),
            stage: Mutex::new(Stage::Idle),
            unavailable: None,
        }));
        let won = std::thread::scope(|scope| {
            let clicks: Vec<_> = (0..16).map(|_| scope.spawn(|| demo.begin("Looking").is_ok())).collect();
            clicks.into_iter().map(|click| click.join().expect("no panic")).filter(|won| *won).count()
        });
        assert_eq!(won, 1);
    }
}
