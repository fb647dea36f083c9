use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::{LazyRoute, lazy_route};

use super::{parts::identifiers, ranges::Ranges, steps::steps, tone, trouble::Trouble, unlooked};
use crate::{
    api::ApiError,
    components::{
        Badge, Block, ButtonLink, Copy, Due, Fact, Facts, Glyph, Kind, Notice, PageHead, Prose, Time, Tone, once_past,
    },
    domain::{
        ConnectionId, ProjectName, Timestamp,
        connection::{Connection, ConnectionState, ConnectionType},
        guide::{AzureTyped, Guide, Ours},
        standing::Standing,
    },
    live::{Link, use_live},
    pages::{
        failure::Failure,
        fresh::living,
        here::{project_for_links, use_project, use_segment},
        support::SupportLine,
        vpcs::{Reading, VpcReading, reading, simulated},
    },
    routes,
};

pub struct ConnectionDetail;

#[lazy_route]
impl LazyRoute for ConnectionDetail {
    fn data() -> Self {
        Self
    }

    fn view(_page: Self) -> AnyView {
        let reading = reading();
        view! { <Detail reading titled=true/> }.into_any()
    }
}

/// The page itself; also what lies behind the question whether to delete it.
#[component]
pub fn Detail(reading: Reading, #[prop(optional)] titled: bool) -> impl IntoView {
    let (id, live) = (use_segment("connection"), use_live());
    living(reading, move |read| {
        // A look that changes nothing wakes no page: whoever is here asks when it was to be.
        let next = Memo::new(move |_| {
            let id = id.get().parse::<ConnectionId>().ok()?;
            read.with(|read| read.connection(id)?.next_look_at)
        });
        once_past(next.into(), move || {
            if live.link() == Link::Live {
                reading.refetch();
            }
        });
        let there = Memo::new(move |_| {
            let id = id.get().parse::<ConnectionId>().ok()?;
            read.with(|read| read.vpc.connections.iter().any(|one| one.id == id)).then_some(id)
        });
        (move || match there.get() {
            Some(id) => view! { <Shown read id titled/> }.into_any(),
            None => view! { <Failure error=ApiError::NotFound/> }.into_any(),
        })
        .into_any()
    })
}

#[component]
fn Shown(read: Signal<VpcReading>, id: ConnectionId, titled: bool) -> impl IntoView {
    let project = project_for_links(&use_project().get_untracked());
    // The last reading stands while the connection goes from under the page.
    let whole = Memo::new(move |before: Option<&Option<Connection>>| {
        read.with(|read| read.connection(id).cloned()).or_else(|| before.cloned().flatten())
    });
    let one = Memo::new(move |_| whole.with(|one| one.as_ref().map(unlooked)));
    let ours = Memo::new(move |_| read.with(VpcReading::ours));
    let read_at = Memo::new(move |_| read.with(|read| read.read_at));
    let guide = Memo::new(move |_| {
        one.with(|one| one.as_ref().map(|one| (Guide::of(one, &ours.read(), &AzureTyped::default()), one.clone())))
    });
    let vpc = read.with_untracked(|read| (read.vpc.name.to_string(), routes::vpc(&project, read.vpc.id)));
    let (name, kind) = one.with_untracked(|one| {
        one.as_ref().map_or_else(
            || (String::new(), ConnectionType::AwsVpcPeeringConnection),
            |one| (one.name().to_owned(), one.kind()),
        )
    });
    let (of_head, title) = (project.clone(), name.clone());
    view! {
        {titled.then(|| view! { <Title text=title/> })}
        {move || one.with(|one| one.as_ref().map(|one| head(one, &vpc, &of_head)))}
        {move || one.with(|one| one.as_ref().map(notices))}
        {move || guide.with(|guide| guide.as_ref().map(|(guide, one)| walk(guide, one)))}
        {move || whole.with(|one| one.as_ref().map(|one| overview(one, read_at.get(), &project)))}
        {move || guide.with(|guide| {
            let values = guide.as_ref().map(|(guide, _)| identifiers(&guide.identifiers));
            view! { <Block id="h-identifiers" title="Status details">{values}</Block> }
        })}
        <Ranges read id/>
        <Trouble one ours kind/>
    }
}

fn head(one: &Connection, vpc: &(String, String), project: &ProjectName) -> impl IntoView + use<> {
    let crumbs = vec![("VPCs".to_owned(), routes::vpcs(project)), vpc.clone()];
    let (tone, word, fake, provider) = (tone(one), one.state.word(), one.simulated, one.peer.provider());
    let delete = routes::connection_delete(project, one.vpc, one.id);
    let going = (one.state == ConnectionState::Deleting).then(|| "It is being deleted.".to_owned());
    let badge = move || view! { <Badge tone word/> {fake.then(|| simulated(provider))} };
    let other = fake.then(|| {
        let href = routes::other_side(project, provider);
        view! { <ButtonLink href icon=Glyph::Users>"Act as the other side"</ButtonLink> }
    });
    view! {
        <PageHead title=one.name().to_owned() crumbs lead=one.state_info.message.clone() badge>
            {other}
            <ButtonLink href="#h-trouble" icon=Glyph::Flask>"Troubleshoot"</ButtonLink>
            <ButtonLink href=delete icon=Glyph::Trash kind=Kind::Danger reason=going>"Delete"</ButtonLink>
        </PageHead>
    }
}

fn notices(one: &Connection) -> impl IntoView + use<> {
    let warning = |message: String| view! { <Notice tone=Tone::Wait title="Warning" text=message/> };
    let warnings = one.state_info.warnings.iter().map(|warning| warning.message.clone()).map(warning).collect_view();
    let failed = (one.standing() == Standing::Failed).then(|| view! { <SupportLine/> });
    (warnings, failed)
}

/// The steps, unless there is nothing left but to delete it.
fn walk(guide: &Guide, one: &Connection) -> impl IntoView + use<> {
    let over = one.state.is_closed() || one.state == ConnectionState::Deleting;
    let done = guide.steps.iter().filter(|step| step.progress == crate::domain::guide::Progress::Done).count();
    let lead = match guide.current() {
        Some(_) => format!("{done} of {} done. The line moves by itself.", guide.steps.len()),
        None => "The console has nothing left to do; what is yours to check is marked.".to_owned(),
    };
    let (notices, walk) = (guide.notices.clone(), steps(guide, one.kind(), Some((tone(one), one.state.word()))));
    (!over).then(|| {
        view! {
            <Block id="h-steps" title="Steps" lead>
                {notices.into_iter().map(|text| view! { <p class="muted"><Prose text/></p> }).collect_view()}
                {walk}
            </Block>
        }
    })
}

fn overview(one: &Connection, read_at: Option<Timestamp>, project: &ProjectName) -> impl IntoView + use<> {
    let changes = format!("{}?object={}", routes::changes(project), one.id);
    let (theirs, kind, id, verbatim) = (theirs(one), one.kind().word(), one.id.to_string(), verbatim(one));
    let expires = one.expires_at.filter(|_| one.state == ConnectionState::PendingPeer);
    let (last, next, created, updated) = (one.last_look_at, one.next_look_at, one.created_at, one.updated_at);
    view! {
        <Block id="h-overview" title="Overview" aside=move || view! { <a href=changes>"Changes of this connection"</a> }>
            <div class="halves">
                {theirs}
                <Facts>
                    <Fact label="Kind">{kind}</Fact>
                    <Fact label="Internal ID"><Copy value=id/></Fact>
                    <Fact label="In the cloud's words">{verbatim}</Fact>
                    {last.map(|at| view! { <Fact label="Last look"><Time at/></Fact> })}
                    {next.map(|at| view! { <Fact label="Next look"><Due at read_at/></Fact> })}
                    {expires.map(|at| view! { <Fact label="Expires"><Time at/></Fact> })}
                    <Fact label="Requested"><Time at=created/></Fact>
                    <Fact label="Updated"><Time at=updated/></Fact>
                </Facts>
            </div>
        </Block>
    }
}

/// Who the other side is, in the names of its cloud's form.
fn theirs(one: &Connection) -> impl IntoView + use<> {
    let form = one.peer.form();
    let known = crate::domain::guide::form_fields(one.kind())
        .iter()
        .filter(|field| field.name != "user_peer_network_cidrs" && !field.of(&form).is_empty());
    let rows: Vec<(&'static str, String)> = known.map(|field| (field.label, field.of(&form).to_owned())).collect();
    let row = |(label, value): (&'static str, String)| view! { <Fact label=label><Copy value/></Fact> };
    let rows = rows.into_iter().map(row).collect_view();
    view! { <Facts>{rows}</Facts> }
}

fn verbatim(one: &Connection) -> impl IntoView + use<> {
    let state = one.cloud_state.clone();
    let message = Some(one.cloud_message.clone()).filter(|message| !message.trim().is_empty());
    match state {
        None => view! { <span class="quiet">"nothing said yet"</span> }.into_any(),
        Some(state) => view! {
            <span class="fact">{state}</span>
            {message.map(|message| view! { " " <q class="muted">{message}</q> })}
        }
        .into_any(),
    }
}

impl VpcReading {
    pub fn connection(&self, id: ConnectionId) -> Option<&Connection> {
        self.vpc.connections.iter().find(|one| one.id == id)
    }

    pub fn ours(&self) -> Ours {
        Ours::of(&self.vpc, self.network.offer(self.vpc.provider()))
    }
}
