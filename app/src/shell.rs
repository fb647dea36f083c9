//! The document, the providers and the routes.

use leptos::{nonce::use_nonce, prelude::*};
use leptos_meta::{MetaTags, Title, provide_meta_context};
use leptos_router::{
    Lazy, SsrMode,
    components::{ParentRoute, Route, Router, Routes},
    path,
};

use crate::{
    components::{provide_clock, provide_toaster},
    live::provide_live,
    pages,
};

/// Sets the chosen theme before anything is painted.
const THEME: &str = "{const t=localStorage.theme;if(t)document.documentElement.dataset.theme=t}";

pub fn shell(options: LeptosOptions) -> impl IntoView {
    view! {
        <!DOCTYPE html>
        <html lang="en" translate="no">
            <head>
                <meta charset="utf-8"/>
                <meta name="viewport" content="width=device-width, initial-scale=1"/>
                <meta name="color-scheme" content="light dark"/>
                <link rel="icon" href="/favicon.svg" type="image/svg+xml"/>
                <link rel="preload" href="/fonts/ibm-plex-sans.woff2" r#as="font" type="font/woff2" crossorigin="anonymous"/>
                <link rel="preload" href="/fonts/ibm-plex-mono.woff2" r#as="font" type="font/woff2" crossorigin="anonymous"/>
                <link rel="stylesheet" id="leptos" href="/pkg/causeway.css"/>
                <script nonce=use_nonce() inner_html=THEME></script>
                <HydrationScripts options/>
                <MetaTags/>
            </head>
            <body>
                <App/>
            </body>
        </html>
    }
}

#[component]
pub fn App() -> impl IntoView {
    provide_meta_context();
    provide_live();
    provide_clock();
    provide_toaster();

    view! {
        <Title formatter=|page: String| if page.is_empty() { "Causeway".to_owned() } else { format!("{page} · Causeway") }/>
        <Router>
            <Routes fallback=pages::failure::NoSuchPage>
                <Route ssr=SsrMode::Async path=path!("/") view=pages::frame::Home/>
                <Route ssr=SsrMode::Async path=path!("/signin") view={Lazy::<pages::SignIn>::new()}/>
                <Route ssr=SsrMode::Async path=path!("/setup") view={Lazy::<pages::SetUp>::new()}/>
                <ParentRoute ssr=SsrMode::Async path=path!("/projects/:project") view=pages::frame::Frame>
                    <Route ssr=SsrMode::Async path=path!("") view={Lazy::<pages::Overview>::new()}/>
                    <Route ssr=SsrMode::Async path=path!("map") view={Lazy::<pages::MapPage>::new()}/>
                    <Route ssr=SsrMode::Async path=path!("find") view={Lazy::<pages::FindPage>::new()}/>
                    <Route ssr=SsrMode::Async path=path!("planner") view={Lazy::<pages::PlannerPage>::new()}/>
                    <Route ssr=SsrMode::Async path=path!("changes") view={Lazy::<pages::Changes>::new()}/>
                    <Route ssr=SsrMode::Async path=path!("reconcilers") view={Lazy::<pages::Reconcilers>::new()}/>
                    <Route ssr=SsrMode::Async path=path!("settings") view={Lazy::<pages::Settings>::new()}/>
                    <Route ssr=SsrMode::Async path=path!("vpcs") view={Lazy::<pages::VpcList>::new()}/>
                    <Route ssr=SsrMode::Async path=path!("vpcs/new") view={Lazy::<pages::VpcNew>::new()}/>
                    <Route ssr=SsrMode::Async path=path!("vpcs/:vpc") view={Lazy::<pages::VpcDetail>::new()}/>
                    <Route ssr=SsrMode::Async path=path!("vpcs/:vpc/delete") view={Lazy::<pages::VpcDelete>::new()}/>
                    <Route ssr=SsrMode::Async path=path!("vpcs/:vpc/connections/new") view={Lazy::<pages::ConnectionNew>::new()}/>
                    <Route ssr=SsrMode::Async path=path!("vpcs/:vpc/connections/:connection") view={Lazy::<pages::ConnectionDetail>::new()}/>
                    <Route ssr=SsrMode::Async path=path!("vpcs/:vpc/connections/:connection/delete") view={Lazy::<pages::ConnectionDelete>::new()}/>
                    <Route ssr=SsrMode::Async path=path!("gateways") view={Lazy::<pages::GatewayList>::new()}/>
                    <Route ssr=SsrMode::Async path=path!("gateways/new") view={Lazy::<pages::GatewayNew>::new()}/>
                    <Route ssr=SsrMode::Async path=path!("gateways/:gateway") view={Lazy::<pages::GatewayDetail>::new()}/>
                    <Route ssr=SsrMode::Async path=path!("gateways/:gateway/enrol") view={Lazy::<pages::GatewayEnrol>::new()}/>
                    <Route ssr=SsrMode::Async path=path!("gateways/:gateway/settings") view={Lazy::<pages::GatewaySettings>::new()}/>
                    <Route ssr=SsrMode::Async path=path!("gateways/:gateway/revoke") view={Lazy::<pages::GatewayRevoke>::new()}/>
                    <Route ssr=SsrMode::Async path=path!("gateways/:gateway/delete") view={Lazy::<pages::GatewayDelete>::new()}/>
                    <Route ssr=SsrMode::Async path=path!("gateways/:gateway/peerings/new") view={Lazy::<pages::PeeringNew>::new()}/>
                    <Route ssr=SsrMode::Async path=path!("gateways/:gateway/peers/new") view={Lazy::<pages::RoadWarriorNew>::new()}/>
                    <Route ssr=SsrMode::Async path=path!("gateways/:gateway/peers/new-site") view={Lazy::<pages::SiteNew>::new()}/>
                    <Route ssr=SsrMode::Async path=path!("gateways/:gateway/peers/:peer") view={Lazy::<pages::PeerDetail>::new()}/>
                    <Route ssr=SsrMode::Async path=path!("gateways/:gateway/peers/:peer/delete") view={Lazy::<pages::PeerDelete>::new()}/>
                    <Route ssr=SsrMode::Async path=path!("peerings") view={Lazy::<pages::PeeringList>::new()}/>
                </ParentRoute>
            </Routes>
        </Router>
    }
}
