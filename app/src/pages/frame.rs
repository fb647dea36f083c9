//! The frame of every page in a project: where you are, how the project stands, where you can go.

use leptos::{prelude::*, server_fn::ServerFn};
use leptos_router::{
    components::{Outlet, Redirect},
    hooks::use_location,
};

use super::{
    failure::Failure,
    fresh::awaited,
    here::{project_for_links, use_project},
    palette::Jump,
    support::link,
};
use crate::{
    api::{
        ApiError,
        attention::get_summary,
        session::{SignOut, get_viewer},
    },
    components::{Annunciator, Button, Glyph, Icon, Kind, Logo, Mark, Time, Toasts, Tone, grouped},
    domain::{
        ProjectName,
        attention::{Severity, Summary, Tally},
        change::Topic,
        person::Viewer,
    },
    live::{Link, listen, use_live},
    routes,
};

/// What the counts of the frame are about.
const TOPICS: [Topic; 5] = [Topic::Vpcs, Topic::Gateways, Topic::Peers, Topic::Services, Topic::Plan];

/// Who is looking at the page.
fn viewer() -> Resource<Result<Viewer, ApiError>> {
    let live = use_live();
    Resource::new(move || live.version(Topic::People), |_| get_viewer())
}

/// `/`: on to the first project.
#[component]
pub fn Home() -> impl IntoView {
    let viewer = viewer();
    awaited(move || async move {
        match viewer.await {
            Ok(viewer) => {
                let path = viewer.projects.first().map_or_else(|| routes::SIGN_IN.to_owned(), routes::overview);
                view! { <Redirect path/> }.into_any()
            }
            Err(ApiError::Unauthenticated) => view! { <Redirect path=routes::SIGN_IN.to_owned()/> }.into_any(),
            Err(error) => view! { <main class="page"><Failure error/></main> }.into_any(),
        }
    })
}

#[component]
pub fn Frame() -> impl IntoView {
    let live = use_live();
    listen();
    let viewer = viewer();
    provide_context(viewer);
    let project = use_project();
    let summary = Resource::new(
        move || (project.get(), TOPICS.map(|topic| live.version(topic))),
        |(project, _)| get_summary(project),
    );

    view! {
        <a class="skip" href="#content">"Skip to the content"</a>
        <div class="app">
            <header class="side" id="side">
                <a class="brand" href=routes::HOME>
                    <Logo/>
                    "Causeway"
                </a>
                {awaited(move || async move {
                    let viewer = viewer.await.ok();
                    let name = project_for_links(&project.get_untracked());
                    let summary = summary.await.unwrap_or_default();
                    view! { <Navigation name viewer summary/> }.into_any()
                })}
            </header>
            <div class="top" role="region" aria-label="Tools">
                <a class="icon-button burger" href="#side" aria-label="Menu">
                    <Icon glyph=Glyph::Menu/>
                </a>
                {awaited(move || async move {
                        let organization = viewer.await.map(|viewer| viewer.organization).unwrap_or_default();
                        let name = project_for_links(&project.get_untracked());
                        view! {
                            <div class="where flow nowrap">
                                <span class="quiet">{organization}</span>
                                <span class="quiet">"/"</span>
                                <a class="strong" href=routes::overview(&name)>{name.to_string()}</a>
                            </div>
                        }
                        .into_any()
                    })}
                <Jump/>
                {awaited(move || async move {
                        let href = routes::overview(&project_for_links(&project.get_untracked()));
                        summary.await.ok().map(|summary| {
                            let count = |number: usize| Signal::stored(number as u64);
                            view! {
                                <Annunciator failed=count(summary.failed) waiting=count(summary.your_turn) moving=count(summary.moving) good=count(summary.as_asked) href/>
                            }
                        })
                        .into_any()
                    })}
                <ThemeSwitch/>
            </div>
            <main class="page" id="content" tabindex="-1">
                <Outlet/>
            </main>
            {awaited(move || async move {
                viewer.await.ok().map(|viewer| view! { <StatusLine viewer/> }).into_any()
            })}
        </div>
        <Toasts/>
    }
}

#[component]
fn Navigation(name: ProjectName, viewer: Option<Viewer>, summary: Summary) -> impl IntoView {
    let path = use_location().pathname;
    let overview = routes::overview(&name);
    let item = move |href: String, label: &'static str, tally: Option<Tally>| {
        let exact = href == overview;
        let target = href.clone();
        let current = move || {
            path.with(|path| {
                path == &target || (!exact && path.strip_prefix(&target).is_some_and(|rest| rest.starts_with('/')))
            })
        };
        let mark = match tally.and_then(|tally| tally.worst) {
            Some(worst) => view! { <Mark tone=severity_tone(worst) label=severity_word(worst)/> }.into_any(),
            None => view! { <i></i> }.into_any(),
        };
        let count = tally.filter(|tally| tally.count > 0).map(|tally| tally.count.to_string());
        view! {
            <a href=href aria-current=move || current().then_some("page")>
                {label}
                {mark}
                <span class="fact">{count}</span>
            </a>
        }
    };
    view! {
        <nav class="nav" aria-label="Project">
            {item(routes::overview(&name), "Overview", None)}
            {item(routes::map(&name), "Map", None)}
            <h2>"Networking"</h2>
            {item(routes::networking(&name), "Networking overview", None)}
            {item(routes::vpcs(&name), "VPCs", Some(summary.vpcs))}
            {item(routes::gateways(&name), "VPN Gateways", Some(summary.gateways))}
            {item(routes::peerings(&name), "VPC peerings", Some(summary.peerings))}
            {item(routes::services(&name), "Services", Some(summary.services))}
            {item(routes::planner(&name), "CIDR planner", Some(summary.plan))}
            {item(routes::accounts(&name), "Cloud accounts", None)}
            <h2>"Record"</h2>
            {item(routes::changes(&name), "Changes", None)}
            {item(routes::reconcilers(&name), "Reconcilers", None)}
        </nav>
        <nav class="nav" aria-label="You">
            {item(routes::settings(&name), "Settings", None)}
            {viewer.as_ref().and_then(|viewer| viewer.support.as_ref()).map(|support| link(support, "Support"))}
            {viewer.map(|viewer| view! {
                <p class="who quiet">{viewer.email.to_string()}</p>
            })}
            // Without an action: whoever leaves takes nothing of the page along.
            <form class="who" method="post" action=SignOut::PATH>
                <Button kind=Kind::Quiet icon=Glyph::LogOut small=true>"Sign out"</Button>
            </form>
        </nav>
    }
}

pub fn severity_tone(severity: Severity) -> Tone {
    match severity {
        Severity::Failed => Tone::Bad,
        Severity::YourTurn => Tone::Wait,
        Severity::Moving => Tone::Move,
    }
}

fn severity_word(severity: Severity) -> &'static str {
    match severity {
        Severity::Failed => "failed",
        Severity::YourTurn => "waiting for you",
        Severity::Moving => "in progress",
    }
}

/// Live or not, the last change, and how old the page's reading is.
#[component]
fn StatusLine(viewer: Viewer) -> impl IntoView {
    let live = use_live();
    live.starts_at(viewer.seq);
    let tone = move || match live.link() {
        Link::Live => Tone::Good,
        Link::Waiting => Tone::Off,
        Link::Broken | Link::Ended => Tone::Bad,
    };
    let words = move || match live.link() {
        Link::Live => "Live",
        Link::Waiting => "As loaded",
        Link::Broken => "The console does not answer; trying again. What you see is as it was.",
        Link::Ended => "Your session has ended. Load the page again to sign in.",
    };
    let seq = viewer.seq;
    view! {
        <footer class="status-line" data-tone=move || matches!(live.link(), Link::Broken | Link::Ended).then_some("bad")>
            <span class="flow nowrap" role="status">
                {move || view! { <Mark tone=tone()/> }}
                {words}
            </span>
            <span class="nowrap">"change " <span class="fact">{move || grouped(live.seq().max(seq))}</span></span>
            <span class="nowrap">"read " <Time at=viewer.now/></span>
        </footer>
    }
}

/// Light or dark. Remembered by this browser; without a script the system decides.
#[component]
pub fn ThemeSwitch() -> impl IntoView {
    view! {
        <button class="icon-button live-only" type="button" aria-label="Switch between light and dark" title="Switch between light and dark" on:click=|_| toggle_theme()>
            <Icon glyph=Glyph::SunMoon/>
        </button>
    }
}

fn toggle_theme() {
    let Some(root) = document().document_element() else { return };
    let system_is_dark =
        window().match_media("(prefers-color-scheme: dark)").ok().flatten().is_some_and(|query| query.matches());
    let dark = root.get_attribute("data-theme").map_or(system_is_dark, |theme| theme == "dark");
    let next = if dark { "light" } else { "dark" };
    // Both fail only where the browser forbids storage; then the choice lasts as long as the page.
    let _ = root.set_attribute("data-theme", next);
    if let Ok(Some(storage)) = window().local_storage() {
        let _ = storage.set_item("theme", next);
    }
}
