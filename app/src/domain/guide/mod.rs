//! What a person does on the other side of a connection, with the values filled in (domain 4.1 to 4.5).
//!
//! A guide is data: identifiers for the popup, and steps in two columns, what is typed here and what is done in the
//! cloud. Which step is the current one follows from the connection's state. Commands are made to be pasted into a
//! shell: every value goes through [`quote`], what is not known yet stands as `'<what it is>'`, and no command asks for
//! a secret on its own line.

mod aws;
mod azure;
mod fields;
mod google;
pub mod trouble;
mod upcloud;

use std::borrow::Cow;

use super::{
    Cidr, Provider, Timestamp,
    connection::{Connection, ConnectionForm, ConnectionState, ConnectionType},
    location::CloudOffer,
    vpc::Vpc,
};

pub use self::{
    azure::AzureTyped,
    fields::{FormField, form_fields, of_user_ranges},
    upcloud::{TRUST, dhcp_commands},
};

/// The console's side, as far as it is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ours {
    pub cidr: Cidr,
    /// As the provider names it.
    pub region: String,
    /// What the cloud calls our network.
    pub cloud_id: Option<String>,
    /// Who the console is in this cloud: AWS account, Google project, Azure application.
    pub identity: Option<String>,
}

impl Ours {
    pub fn of(vpc: &Vpc, offer: Option<&CloudOffer>) -> Self {
        Self {
            cidr: vpc.cidr,
            region: vpc.cloud.provider_region().into_owned(),
            cloud_id: vpc.cloud_id.clone(),
            identity: offer.and_then(|offer| offer.identity.clone()),
        }
    }
}

/// A value to copy; `None` until the console knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identifier {
    pub label: &'static str,
    pub value: Option<String>,
}

/// A piece of a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    Text(String),
    Value(Identifier),
    /// Lines for a shell, or a request; `note` says what they give, such as "appId → user_app_id".
    Command {
        text: String,
        note: Option<String>,
    },
    /// Ways to do the same, as tabs.
    Ways(Vec<(&'static str, Vec<Part>)>),
    Table {
        columns: &'static [&'static str],
        rows: &'static [&'static [&'static str]],
    },
}

impl Part {
    fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    fn command(text: impl Into<String>) -> Self {
        Self::Command { text: text.into(), note: None }
    }

    fn noted(text: impl Into<String>, note: impl Into<String>) -> Self {
        Self::Command { text: text.into(), note: Some(note.into()) }
    }

    fn value(label: &'static str, value: Option<&str>) -> Self {
        Self::Value(Identifier { label, value: value.map(str::to_owned) })
    }
}

/// Where a step stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Progress {
    Done,
    /// The one to do now.
    Now,
    Later,
    /// It happens where the console does not see it.
    Unseen,
}

impl Progress {
    pub fn word(self) -> &'static str {
        match self {
            Self::Done => "Done",
            Self::Now => "Now",
            Self::Later => "Later",
            Self::Unseen => "Yours to check",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    pub title: String,
    /// What you type here.
    pub here: Vec<Part>,
    /// What you do in your cloud.
    pub there: Vec<Part>,
    pub progress: Progress,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Guide {
    /// Over the right column.
    pub cloud: Provider,
    /// What the popup of "Pending peer" shows.
    pub identifiers: Vec<Identifier>,
    pub steps: Vec<Step>,
    /// To be read before anything is done.
    pub notices: Vec<String>,
}

impl Guide {
    /// While the form is filled in.
    pub fn before(kind: ConnectionType, form: &ConnectionForm, ours: &Ours, typed: &AzureTyped) -> Self {
        Draft { kind, form: form.clone(), connection: None, ours, typed, stage: Some(Stage::Typing) }.guide()
    }

    /// For a connection that is there.
    pub fn of(connection: &Connection, ours: &Ours, typed: &AzureTyped) -> Self {
        let mut form = connection.peer.form();
        form.user_peer_network_cidrs = connection.user_peer_network_cidrs.text();
        let (kind, stage) = (connection.kind(), Stage::of(connection));
        Draft { kind, form, connection: Some(connection), ours, typed, stage }.guide()
    }

    /// The steps up to the request: those that a form asks in.
    pub fn typing(&self) -> &[Step] {
        let sent = self.steps.iter().position(|step| step.title == SENDING).unwrap_or(self.steps.len());
        &self.steps[..sent]
    }

    /// The step to do now, counted from 0; `None` if there is nothing to do.
    pub fn current(&self) -> Option<usize> {
        self.steps.iter().position(|step| step.progress == Progress::Now)
    }
}

/// The console's own step, by which those before it are known.
const SENDING: &str = "The console creates its side";

/// How far a connection has come, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Stage {
    /// The form is not sent yet.
    Typing,
    /// The console is creating its side.
    Sending,
    /// The other side has to act.
    Theirs,
    /// It has, and the cloud is at work.
    Finishing,
    Up,
}

impl Stage {
    /// `None` once it is closed or going: there is nothing left to do but to delete it.
    fn of(connection: &Connection) -> Option<Self> {
        match connection.state {
            ConnectionState::Approved | ConnectionState::ApprovedPeerRequested | ConnectionState::Error => {
                Some(Self::Sending)
            }
            ConnectionState::PendingPeer if connection.cloud_state.as_deref() == Some("provisioning") => {
                Some(Self::Finishing)
            }
            ConnectionState::PendingPeer => Some(Self::Theirs),
            ConnectionState::Active => Some(Self::Up),
            _ => None,
        }
    }
}

/// What the guides are made of.
struct Draft<'a> {
    kind: ConnectionType,
    form: ConnectionForm,
    connection: Option<&'a Connection>,
    ours: &'a Ours,
    typed: &'a AzureTyped,
    stage: Option<Stage>,
}

impl Draft<'_> {
    fn guide(&self) -> Guide {
        let (identifiers, mut steps, notices) = match self.kind {
            ConnectionType::AwsVpcPeeringConnection => aws::peering(self),
            ConnectionType::AwsTgwVpcAttachment => aws::transit_gateway(self),
            ConnectionType::GoogleVpcPeering => google::peering(self),
            ConnectionType::AzureVnetPeering => azure::peering(self),
            ConnectionType::UpcloudVpcPeering => upcloud::peering(self),
        };
        // One thing at a time: of the steps that could be done now, the first.
        let later = steps.iter_mut().filter(|step| step.progress == Progress::Now).skip(1);
        later.for_each(|step| step.progress = Progress::Later);
        Guide { cloud: self.kind.provider(), identifiers, steps, notices }
    }

    /// A step that is done while a connection is at `stage`.
    fn step(&self, stage: Stage, title: &str, here: Vec<Part>, there: Vec<Part>) -> Step {
        let progress = match self.stage {
            Some(now) if now > stage => Progress::Done,
            // Routes and firewalls of the other side.
            Some(Stage::Up) => Progress::Unseen,
            Some(now) if now == stage => Progress::Now,
            _ => Progress::Later,
        };
        Step { title: title.to_owned(), here, there, progress }
    }

    /// The step that is the console's own.
    fn sending(&self) -> Step {
        let text = match self.stage {
            Some(Stage::Typing) => "After you have sent the form, the console creates its side.",
            Some(Stage::Sending) => "The console is creating its side. Nothing to do for you yet.",
            _ => "The console has created its side.",
        };
        self.step(Stage::Sending, SENDING, vec![Part::text(text)], Vec::new())
    }

    /// An identifier that the cloud has given.
    fn learnt(&self, key: &str) -> Option<&str> {
        self.connection.and_then(|connection| connection.identifier(key))
    }

    /// What the peering is called in the other cloud, after our own side's name.
    fn name(&self) -> String {
        match self.connection {
            // As the drivers name our own side.
            Some(connection) => format!("console-{}", &connection.id.to_string()[24..]),
            None => "console-peering".to_owned(),
        }
    }

    fn expires(&self) -> Option<Timestamp> {
        self.connection.and_then(|connection| connection.expires_at)
    }

    /// What has been typed into a field, as the right column shows it.
    fn typed(&self, fields: &[&'static str]) -> Vec<Part> {
        let all = form_fields(self.kind);
        let known = all.iter().filter(|field| fields.contains(&field.name));
        let value = |field: &FormField| match some(field.of(&self.form)) {
            // Left empty, it is the region of the VPC itself.
            None if field.name == "peer_region" => Part::value(field.label, Some(&self.ours.region)),
            value => Part::value(field.label, value),
        };
        known.map(value).collect()
    }
}

type Drawn = (Vec<Identifier>, Vec<Step>, Vec<String>);

fn some(text: &str) -> Option<&str> {
    Some(text.trim()).filter(|text| !text.is_empty())
}

/// A value for a shell; what is not known yet is named in angle brackets, which the shell passes on unread.
fn filled(value: Option<&str>, what: &str) -> String {
    match value {
        Some(value) => quote(value).into_owned(),
        None => quote(&format!("<{what}>")).into_owned(),
    }
}

/// One word for a POSIX shell, whatever it holds.
pub fn quote(text: &str) -> Cow<'_, str> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_@%+=:,./-".contains(c);
    // A leading dash would be read as an option, in quotes or not; identifiers of clouds have none.
    if !text.is_empty() && text.chars().all(plain) {
        return Cow::Borrowed(text);
    }
    // A line break would end the command in a terminal that pastes line by line.
    let line: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    Cow::Owned(format!("'{}'", line.replace('\'', r"'\''")))
}

#[cfg(test)]
#[path = "guide_tests.rs"]
mod tests;
