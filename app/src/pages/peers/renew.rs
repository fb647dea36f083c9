use leptos::prelude::*;

use super::{browser, handover::Handover};
use crate::{
    api::{ApiError, peers::get_road_warrior_file},
    components::{Block, ButtonLink, Fact, Facts, Glyph, Kind, Mark, Refusal, Tone},
    domain::{Network, ProjectName, PublicKey, peer::Peer, road_warrior::FileFacts},
    routes,
};

/// A road warrior's file after its making: what it reaches, how to get it again, and how to renew one around its private key.
#[component]
pub fn File(peer: Peer, network: Network, project: ProjectName, renewed: Renewal) -> impl IntoView {
    let outdated = super::outdated(&peer, &network);
    let reaches = super::named(peer.reaches.iter(), &network);
    let state = match (&peer.downloaded, outdated) {
        (None, _) => view! { "not downloaded yet" }.into_any(),
        (Some(_), None) => view! { "up to date" }.into_any(),
        (Some(_), Some(text)) => view! { <span class="again"><Mark tone=Tone::Wait/>{text}</span> }.into_any(),
    };
    let href = routes::peer_file(&project, peer.gateway, peer.id);
    let (id, key, name) = (peer.id.to_string(), peer.public_key, peer.name.to_string());
    let take = move |text: Result<String, &'static str>| {
        let found = text.map_err(ToOwned::to_owned).and_then(|text| private_key(&text, key, &name));
        match found {
            Ok(private) => {
                renewed.error.set(None);
                renewed.ask.dispatch((project.to_string(), id.clone(), private));
            }
            Err(sentence) => renewed.error.set(Some(sentence)),
        }
    };
    let (chosen, dropped) = (take.clone(), take);
    let error = Signal::derive(move || {
        let asked = renewed.ask.value().with(|answer| answer.as_ref().and_then(|answer| answer.as_ref().err().map(ToString::to_string)));
        renewed.error.get().or(asked)
    });
    view! {
        <Block id="h-file" title="Configuration file">
            <div class="instruments">
                <Facts>
                    <Fact label="Reaches">{reaches}</Fact>
                    <Fact label="Last download">{state}</Fact>
                </Facts>
                <div class="field">
                    <p><ButtonLink href icon=Glyph::Download kind=Kind::Primary attr:download="">"Download configuration"</ButtonLink></p>
                    <p class="hint">"With a comment in the place of the private key, which only the device has. Fill it in there, or renew the old file here."</p>
                </div>
                <div
                    class="field live-only"
                    on:dragover=|event| event.prevent_default()
                    on:drop=move |event| {
                        event.prevent_default();
                        browser::read_dropped(&event, dropped.clone());
                    }
                >
                    <label for="old-file">"Renew an old file"</label>
                    <input class="file" type="file" id="old-file" accept=".conf,text/plain" aria-describedby="old-file-refusal old-file-hint" on:change=move |event| browser::read_chosen(&event, chosen.clone())/>
                    <Refusal id="old-file-refusal" error/>
                    <p class="hint" id="old-file-hint">"Choose or drop it. Its private key stays in this browser; the rest is made new around it."</p>
                </div>
            </div>
            {move || {
                let answer = renewed.ask.value().get().and_then(Result::ok);
                answer.map(|(facts, private)| view! { <Handover facts private_key=Some(private) saved=RwSignal::new(false)/> })
            }}
        </Block>
    }
}

/// What outlives a reading of the page: the renewal that somebody began.
#[derive(Clone, Copy)]
pub struct Renewal {
    ask: Action<(String, String, String), Result<(FileFacts, String), ApiError>>,
    error: RwSignal<Option<String>>,
}

impl Renewal {
    pub fn new() -> Self {
        // The private key goes with the answer, never with the request.
        let ask = Action::new(|(project, id, private): &(String, String, String)| {
            let (file, private) = (get_road_warrior_file(project.clone(), id.clone()), private.clone());
            async move { Ok((file.await?, private)) }
        });
        Self { ask, error: RwSignal::new(None) }
    }
}

/// The private key of an old file, if it is this peer's.
fn private_key(text: &str, wanted: PublicKey, name: &str) -> Result<String, String> {
    let Some(private) = FileFacts::private_key_of(text) else {
        return Err("This file holds no private key. Choose the one that the device uses.".to_owned());
    };
    if browser::public_of(private) == Some(wanted) {
        Ok(private.to_owned())
    } else {
        Err(format!("The private key in this file is not that of {name}. Choose this device's own file."))
    }
}
