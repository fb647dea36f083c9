use leptos::prelude::*;

use crate::{
    components::{Fact, Facts, Prose, Way},
    domain::{ProjectName, access::Access},
    pages::here::{project_for_links, use_project},
    routes,
};

/// Each way drawn, and explained.
pub fn ways() -> impl IntoView {
    let project = use_project();
    view! { <div class="access-types">{Access::ALL.into_iter().map(|access| way(access, project)).collect_view()}</div> }
}

fn way(access: Access, project: Memo<String>) -> impl IntoView {
    let facts = access.explanation();
    let leads = pages(access).map(|(label, path): (&str, fn(&ProjectName) -> String)| {
        view! { <a href=move || path(&project_for_links(&project.get()))>{label}</a> }
    });
    // The page begins under its top bar: the section is what a link to it shows, not its heading alone.
    view! {
        <section class="block way-block" id=access.slug() aria-labelledby=heading(access)>
            <header>
                <h2 id=heading(access)>{access.label()}</h2>
                {leads}
            </header>
            <Way access/>
            <p><Prose text=facts.what/></p>
            <Facts>
                <Fact label="Take it when"><Prose text=facts.take_it/></Fact>
                <Fact label="Mind"><Prose text=facts.mind/></Fact>
                <Fact label="Cost"><Prose text=facts.cost/></Fact>
            </Facts>
        </section>
    }
}

/// What a link says, and where it leads.
type Link = (&'static str, fn(&ProjectName) -> String);

/// Where this console has it. Of static addresses and PrivateLink it has nothing yet.
fn pages(access: Access) -> Option<Link> {
    match access {
        Access::VpcPeering | Access::TransitGateway => Some(("Open VPCs", routes::vpcs)),
        Access::VpnGateway => Some(("Open VPN Gateways", routes::gateways)),
        Access::Public => Some(("Open services", routes::services)),
        Access::PrivateLink | Access::StaticIps => None,
    }
}

fn heading(access: Access) -> String {
    format!("h-{}", access.slug())
}
