//! What is a person's own: theme and sessions; and what the project's clients need to trust its services.

mod authority;

use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::{LazyRoute, lazy_route};

use super::{failure::settle, frame::ThemeSwitch};
use crate::{
    api::session::{SignOutEverywhere, get_viewer},
    components::{Block, Button, Copy, Fact, Facts, Glyph, Kind, PageHead},
    domain::person::Viewer,
};

pub struct Settings;

#[lazy_route]
impl LazyRoute for Settings {
    fn data() -> Self {
        Self
    }

    fn view(_page: Self) -> AnyView {
        let viewer = Resource::new(|| (), |()| get_viewer());
        view! {
            <Title text="Settings"/>
            <PageHead title="Settings" lead="Yours on this console, and the project's CA."/>
            <Suspense>
                {move || Suspend::new(async move { settle(viewer.await, |viewer| view! { <You viewer/> }.into_any()) })}
            </Suspense>
            <authority::Authority/>
        }
        .into_any()
    }
}

#[component]
fn You(viewer: Viewer) -> impl IntoView {
    let everywhere = ServerAction::<SignOutEverywhere>::new();
    let projects = viewer.projects.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    view! {
        <Block id="h-you" title="You">
            <Facts>
                <Fact label="E-mail"><Copy value=viewer.email.to_string()/></Fact>
                <Fact label="Organization">{viewer.organization}</Fact>
                <Fact label="Projects">{projects}</Fact>
            </Facts>
        </Block>
        <Block id="h-look" title="Look">
            <div class="flow"><ThemeSwitch/><span>"Light or dark. This browser remembers it; until you choose, the system decides."</span></div>
        </Block>
        <Block id="h-sessions" title="Sessions">
            <p>"Ends every session of yours at once, this one too: on other browsers, on machines you have lost. Open pages stop following the network."</p>
            <ActionForm action=everywhere>
                <Button kind=Kind::Danger icon=Glyph::LogOut busy=everywhere.pending()>"Sign out everywhere"</Button>
            </ActionForm>
        </Block>
    }
}
