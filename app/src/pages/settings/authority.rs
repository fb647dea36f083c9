use leptos::prelude::*;

use crate::{
    api::certificate_authority::get_certificate_authority,
    components::{Block, Copy, Fact, Facts, Glyph, Icon, exact},
    domain::{
        Timestamp,
        certificate_authority::{CertificateAuthority, NOT_PUBLIC},
    },
    pages::{
        failure::settle,
        fresh::awaited,
        here::{project_for_links, use_project},
    },
    routes,
};

/// A CA lasts for years: a date says more than an age.
#[component]
fn Day(at: Timestamp) -> impl IntoView {
    view! { <time class="nowrap" datetime=at.to_string()>{exact(at)}</time> }
}

/// The project's CA, to be given to clients.
#[component]
pub fn Authority() -> impl IntoView {
    let project = use_project();
    let authority = Resource::new(move || project.get(), get_certificate_authority);
    awaited(move || async move {
        let project = project_for_links(&project.get_untracked());
        settle(authority.await, |authority| {
            let CertificateAuthority { fingerprint, not_before, not_after, .. } = authority;
            view! {
                <Block id="h-ca" title="Project CA" lead=format!("Signs certificates for services of {project}.")>
                    <Facts>
                        <Fact label="SHA-256"><Copy value=fingerprint/></Fact>
                        <Fact label="Valid from"><Day at=not_before/></Fact>
                        <Fact label="Valid until"><Day at=not_after/></Fact>
                    </Facts>
                    <p class="muted said">{NOT_PUBLIC}</p>
                    // Not a page: fetched as a file.
                    <div class="flow">
                        <a class="button" href=routes::ca_pem(&project) download=format!("{project}-ca.pem") rel="external">
                            <Icon glyph=Glyph::Download/>
                            "Download CA certificate"
                        </a>
                    </div>
                </Block>
            }
            .into_any()
        })
    })
}
