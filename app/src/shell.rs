//! The document, the providers and the routes.

use std::pin::Pin;

use leptos::{nonce::use_nonce, prelude::*};
use leptos_meta::{MetaTags, Title, provide_meta_context};
use leptos_router::{
    ChooseView, LazyRoute, SsrMode,
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
                <Waking options/>
                <MetaTags/>
            </head>
            <body>
                <App/>
            </body>
        </html>
    }
}

/// Fetches the scripts early and starts them. Leptos' own would have them preloaded by links that carry the nonce in the
/// wrong attribute, and that a browser without scripts refuses loudly; a script that is not run is not fetched either.
#[component]
fn Waking(options: LeptosOptions) -> impl IntoView {
    let (nonce, base) = (use_nonce(), format!("/{}/{}", options.site_pkg_dir, options.output_name));
    let start =
        format!("import wake,{{hydrate}}from\"{base}.js\";await wake({{module_or_path:\"{base}.wasm\"}});hydrate()");
    view! {
        <link rel="preload" href=format!("{base}.wasm") r#as="fetch" r#type="application/wasm" crossorigin="anonymous"/>
        <script type="module" nonce=nonce.clone() src=format!("{base}.js")></script>
        <script type="module" nonce=nonce inner_html=start></script>
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
                <Route ssr=SsrMode::Async path=path!("/signin") view={lazy::<pages::SignIn>()}/>
                <Route ssr=SsrMode::Async path=path!("/setup") view={lazy::<pages::SetUp>()}/>
                <ParentRoute ssr=SsrMode::Async path=path!("/projects/:project") view=pages::frame::Frame>
                    <Route ssr=SsrMode::Async path=path!("") view={lazy::<pages::Overview>()}/>
                    <Route ssr=SsrMode::Async path=path!("map") view={lazy::<pages::MapPage>()}/>
                    <Route ssr=SsrMode::Async path=path!("networking") view={lazy::<pages::NetworkingOverview>()}/>
                    <Route ssr=SsrMode::Async path=path!("find") view={lazy::<pages::FindPage>()}/>
                    <Route ssr=SsrMode::Async path=path!("planner") view={lazy::<pages::PlannerPage>()}/>
                    <Route ssr=SsrMode::Async path=path!("changes") view={lazy::<pages::Changes>()}/>
                    <Route ssr=SsrMode::Async path=path!("reconcilers") view={lazy::<pages::Reconcilers>()}/>
                    <Route ssr=SsrMode::Async path=path!("settings") view={lazy::<pages::Settings>()}/>
                    <Route ssr=SsrMode::Async path=path!("accounts") view={lazy::<pages::AccountList>()}/>
                    <Route ssr=SsrMode::Async path=path!("accounts/new") view={lazy::<pages::AccountNew>()}/>
                    <Route ssr=SsrMode::Async path=path!("accounts/:account") view={lazy::<pages::AccountEdit>()}/>
                    <Route ssr=SsrMode::Async path=path!("accounts/:account/delete") view={lazy::<pages::AccountDelete>()}/>
                    <Route ssr=SsrMode::Async path=path!("other-side/:cloud") view={lazy::<pages::OtherSide>()}/>
                    <Route ssr=SsrMode::Async path=path!("vpcs") view=pages::VpcList/>
                    <Route ssr=SsrMode::Async path=path!("vpcs/new") view={lazy::<pages::VpcNew>()}/>
                    <Route ssr=SsrMode::Async path=path!("vpcs/:vpc") view={lazy::<pages::VpcDetail>()}/>
                    <Route ssr=SsrMode::Async path=path!("vpcs/:vpc/delete") view={lazy::<pages::VpcDelete>()}/>
                    <Route ssr=SsrMode::Async path=path!("vpcs/:vpc/connections/new") view={lazy::<pages::ConnectionNew>()}/>
                    <Route ssr=SsrMode::Async path=path!("vpcs/:vpc/connections/:connection") view={lazy::<pages::ConnectionDetail>()}/>
                    <Route ssr=SsrMode::Async path=path!("vpcs/:vpc/connections/:connection/delete") view={lazy::<pages::ConnectionDelete>()}/>
                    <Route ssr=SsrMode::Async path=path!("gateways") view={lazy::<pages::GatewayList>()}/>
                    <Route ssr=SsrMode::Async path=path!("gateways/new") view={lazy::<pages::GatewayNew>()}/>
                    <Route ssr=SsrMode::Async path=path!("gateways/:gateway") view={lazy::<pages::GatewayDetail>()}/>
                    <Route ssr=SsrMode::Async path=path!("gateways/:gateway/enrol") view={lazy::<pages::GatewayEnrol>()}/>
                    <Route ssr=SsrMode::Async path=path!("gateways/:gateway/settings") view={lazy::<pages::GatewaySettings>()}/>
                    <Route ssr=SsrMode::Async path=path!("gateways/:gateway/revoke") view={lazy::<pages::GatewayRevoke>()}/>
                    <Route ssr=SsrMode::Async path=path!("gateways/:gateway/delete") view={lazy::<pages::GatewayDelete>()}/>
                    <Route ssr=SsrMode::Async path=path!("gateways/:gateway/peerings/new") view={lazy::<pages::PeeringNew>()}/>
                    <Route ssr=SsrMode::Async path=path!("gateways/:gateway/peers/new") view={lazy::<pages::RoadWarriorNew>()}/>
                    <Route ssr=SsrMode::Async path=path!("gateways/:gateway/peers/new-site") view={lazy::<pages::SiteNew>()}/>
                    <Route ssr=SsrMode::Async path=path!("gateways/:gateway/peers/:peer") view={lazy::<pages::PeerDetail>()}/>
                    <Route ssr=SsrMode::Async path=path!("gateways/:gateway/peers/:peer/delete") view={lazy::<pages::PeerDelete>()}/>
                    <Route ssr=SsrMode::Async path=path!("services") view={lazy::<pages::ServiceList>()}/>
                    <Route ssr=SsrMode::Async path=path!("services/new") view={lazy::<pages::ServiceNew>()}/>
                    <Route ssr=SsrMode::Async path=path!("services/:service") view={lazy::<pages::ServiceDetail>()}/>
                    <Route ssr=SsrMode::Async path=path!("services/:service/firewall") view={lazy::<pages::ServiceFirewall>()}/>
                    <Route ssr=SsrMode::Async path=path!("services/:service/settings") view={lazy::<pages::ServiceSettings>()}/>
                    <Route ssr=SsrMode::Async path=path!("services/:service/settings/access") view={lazy::<pages::ServiceAccess>()}/>
                    <Route ssr=SsrMode::Async path=path!("services/:service/settings/ip-filter") view={lazy::<pages::ServiceIpFilter>()}/>
                    <Route ssr=SsrMode::Async path=path!("services/:service/certificates/new") view={lazy::<pages::CertificateNew>()}/>
                    <Route ssr=SsrMode::Async path=path!("services/:service/settings/migrate") view={lazy::<pages::ServiceMigrate>()}/>
                    <Route ssr=SsrMode::Async path=path!("services/:service/migration") view={lazy::<pages::ServiceMigration>()}/>
                    <Route ssr=SsrMode::Async path=path!("services/:service/migration/switch") view={lazy::<pages::ServiceSwitch>()}/>
                    <Route ssr=SsrMode::Async path=path!("services/:service/migration/return") view={lazy::<pages::ServiceReturn>()}/>
                    <Route ssr=SsrMode::Async path=path!("services/:service/migration/finish") view={lazy::<pages::ServiceFinish>()}/>
                    <Route ssr=SsrMode::Async path=path!("services/:service/delete") view={lazy::<pages::ServiceDelete>()}/>
                    <Route ssr=SsrMode::Async path=path!("services/:service/nodes/:node") view={lazy::<pages::NodeDetail>()}/>
                    <Route ssr=SsrMode::Async path=path!("services/:service/nodes/:node/remove") view={lazy::<pages::NodeRemove>()}/>
                    <Route ssr=SsrMode::Async path=path!("services/:service/nodes/:node/revoke") view={lazy::<pages::NodeRevoke>()}/>
                    <Route ssr=SsrMode::Async path=path!("peerings") view={lazy::<pages::PeeringList>()}/>
                </ParentRoute>
            </Routes>
        </Router>
    }
}

/// A page that is fetched when somebody goes there. Leptos' own `Lazy` is a type per page, and all that the router does
/// with it is then sent once per page.
#[derive(Clone, Copy)]
struct LazyPage {
    fetch: fn() -> Pin<Box<dyn Future<Output = ()>>>,
    view: fn() -> Pin<Box<dyn Future<Output = AnyView>>>,
}

fn lazy<Page: LazyRoute>() -> LazyPage {
    LazyPage { fetch: || Box::pin(Page::preload()), view: || Box::pin(Page::view(Page::data())) }
}

impl ChooseView for LazyPage {
    async fn choose(self) -> AnyView {
        (self.view)().await
    }

    async fn preload(&self) {
        (self.fetch)().await;
    }
}
