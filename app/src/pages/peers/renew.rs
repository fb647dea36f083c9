use leptos::prelude::*;

use super::{browser, handover::Handover};
use crate::{
    api::{
        ApiError,
        peers::{PeerReading, get_road_warrior_file},
    },
    components::{Block, ButtonLink, Fact, Facts, Glyph, Kind, Mark, Refusal, Tone},
    domain::{ProjectName, PublicKey, road_warrior::FileFacts},
    routes,
};

/// A road warrior's file after its making: what it reaches, how to get it again, and how to renew one around its private key.
#[component]
pub fn File(read: Signal<PeerReading>, project: ProjectName) -> impl IntoView {
    let (peer, id) = read.with_untracked(|read| (read.peer.clone(), read.peer.id.to_string()));
    let href = routes::peer_file(&project, peer.gateway, peer.id);
    let reaches = move || read.with(|read| super::named(read.peer.reaches.iter(), &read.network));
    let state = move || {
        read.with(|read| match (&read.peer.downloaded, super::outdated(&read.peer, &read.network)) {
            (None, _) => "not downloaded yet".into_any(),
            (Some(_), None) => "up to date".into_any(),
            (Some(_), Some(text)) => view! { <span class="again"><Mark tone=Tone::Wait/>{text}</span> }.into_any(),
        })
    };
    // The private key goes with the answer, never with the request.
    let ask = Action::new(move |private: &String| {
        let (file, private) = (get_road_warrior_file(project.to_string(), id.clone()), private.clone());
        async move { Ok::<_, ApiError>((file.await?, private)) }
    });
    let refused = RwSignal::new(None::<String>);
    let take = move |text: Result<String, &'static str>| {
        let found =
            text.map_err(ToOwned::to_owned).and_then(|text| private_key(&text, peer.public_key, peer.name.as_str()));
        refused.set(found.as_ref().err().cloned());
        if let Ok(private) = found {
            ask.dispatch(private);
        }
    };
    let (chosen, dropped) = (take.clone(), take);
    let error = Signal::derive(move || {
        let asked = ask
            .value()
            .with(|answer| answer.as_ref().and_then(|answer| answer.as_ref().err().map(ToString::to_string)));
        refused.get().or(asked)
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
                    <input
                        class="file"
                        type="file"
                        id="old-file"
                        accept=".conf,text/plain"
                        aria-describedby="old-file-refusal old-file-hint"
                        on:change=move |event| browser::read_chosen(&event, chosen.clone())
                    />
                    <Refusal id="old-file-refusal" error/>
                    <p class="hint" id="old-file-hint">"Choose or drop it. Its private key stays in this browser; the rest is made new around it."</p>
                </div>
            </div>
            {move || {
                let answer = ask.value().get().and_then(Result::ok);
                answer.map(|(facts, private_key)| view! { <Handover facts private_key saved=RwSignal::new(false)/> })
            }}
        </Block>
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
