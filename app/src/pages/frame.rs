//! The frame of every page in a project: where you are, how the project stands, where you can go.

use leptos::prelude::*;
use leptos_router::{
    components::{Outlet, Redirect},
    hooks::use_location,
};

use super::{failure::Failure, here::{project_for_links, use_project}};
use crate::{
    api::{
        ApiError,
        session::{SignOut, get_viewer},
    },
    components::{Button, Glyph, Icon, Kind, Logo, Mark, Time, Toasts, Tone, grouped},
    domain::{ProjectName, change::Topic, person::Viewer},
    live::{Link, listen, use_live},
    routes,
};

/// `/`: on to the first project.
#[component]
pub fn Home() -> impl IntoView {
    let viewer = Resource::new(|| (), |()| get_viewer());
    view! {
        <Suspense>
            {move || Suspend::new(async move {
                match viewer.await {
                    Ok(viewer) => {
                        let path = viewer.projects.first().map_or_else(|| routes::SIGN_IN.to_owned(), routes::overview);
                        view! { <Redirect path/> }.into_any()
                    }
                    Err(ApiError::Unauthenticated) => view! { <Redirect path=routes::SIGN_IN/> }.into_any(),
                    Err(error) => view! { <main class="page"><Failure error/></main> }.into_any(),
                }
            })}
        </Suspense>
    }
}

#[component]
pub fn Frame() -> impl IntoView {
    let live = use_live();
    listen();
    let viewer = Resource::new(move || live.version(Topic::People), |_| get_viewer());
    provide_context(viewer);
    let project = use_project();

    view! {
        <div class="app">
            <a class="skip" href="#content">"Skip to the content"</a>
            <header class="side" id="side">
                <a class="brand" href=routes::HOME>
                    <Logo/>
                    "Causeway"
                </a>
                <Transition>
                    {move || Suspend::new(async move {
                        let viewer = viewer.await.ok();
                        let name = project_for_links(&project.get());
                        view! { <Navigation name viewer/> }
                    })}
                </Transition>
            </header>
            <div class="top" role="region" aria-label="Tools">
                <a class="icon-button burger" href="#side" aria-label="Menu">
                    <Icon glyph=Glyph::Menu/>
                </a>
                <Transition>
                    {move || Suspend::new(async move {
                        let organization = viewer.await.map(|viewer| viewer.organization).unwrap_or_default();
                        let name = project_for_links(&project.get());
                        view! {
                            <div class="where flow nowrap">
                                <span class="quiet">{organization}</span>
                                <span class="quiet">"/"</span>
                                <a class="strong" href=routes::overview(&name)>{name.to_string()}</a>
                            </div>
                        }
                    })}
                </Transition>
                <ThemeSwitch/>
            </div>
            <main class="page" id="content" tabindex="-1">
                <Outlet/>
            </main>
            <Transition>
                {move || Suspend::new(async move {
                    viewer.await.ok().map(|viewer| view! { <StatusLine viewer/> })
                })}
            </Transition>
        </div>
        <Toasts/>
    }
}

#[component]
fn Navigation(name: ProjectName, viewer: Option<Viewer>) -> impl IntoView {
    let path = use_location().pathname;
    let sign_out = ServerAction::<SignOut>::new();
    let overview = routes::overview(&name);
    let item = move |href: String, label: &'static str| {
        let exact = href == overview;
        let target = href.clone();
        let current = move || {
            path.with(|path| path == &target || (!exact && path.strip_prefix(&target).is_some_and(|rest| rest.starts_with('/'))))
        };
        view! {
            <a href=href aria-current=move || current().then_some("page")>
                {label}
                <i></i>
                <span class="fact"></span>
            </a>
        }
    };
    view! {
        <nav class="nav" aria-label="Project">
            {item(routes::overview(&name), "Overview")}
            {item(routes::map(&name), "Map")}
            <h2>"Networking"</h2>
            {item(routes::vpcs(&name), "VPCs")}
            {item(routes::gateways(&name), "VPN Gateways")}
            {item(routes::peerings(&name), "VPC peerings")}
            {item(routes::planner(&name), "CIDR planner")}
            <h2>"Record"</h2>
            {item(routes::changes(&name), "Changes")}
            {item(routes::reconcilers(&name), "Reconcilers")}
        </nav>
        <nav class="nav" aria-label="You">
            {item(routes::settings(&name), "Settings")}
            {viewer.map(|viewer| view! {
                <p class="who"><span class="quiet nowrap">{viewer.email.to_string()}</span></p>
            })}
            <ActionForm action=sign_out>
                <Button kind=Kind::Quiet icon=Glyph::LogOut small=true>"Sign out"</Button>
            </ActionForm>
        </nav>
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
        <footer class="status-line" data-tone=move || matches!(live.link(), Link::Broken | Link::Ended).then_some("bad") role="status">
            <span class="flow nowrap">
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
    let system_is_dark = window().match_media("(prefers-color-scheme: dark)").ok().flatten().is_some_and(|query| query.matches());
    let dark = root.get_attribute("data-theme").map_or(system_is_dark, |theme| theme == "dark");
    let next = if dark { "light" } else { "dark" };
    // Both fail only where the browser forbids storage; then the choice lasts as long as the page.
    let _ = root.set_attribute("data-theme", next);
    if let Ok(Some(storage)) = window().local_storage() {
        let _ = storage.set_item("theme", next);
    }
}
