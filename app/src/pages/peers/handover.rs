use leptos::prelude::*;

use super::browser;
use crate::{
    components::{Button, Command, Glyph, Kind, Notice, QrCode, Tone},
    domain::road_warrior::FileFacts,
};

/// A road warrior's whole file, with the private key that only this browser knows: the text to keep, the button that saves it and the
/// code to photograph.
#[component]
pub fn Handover(
    facts: FileFacts,
    private_key: String,
    /// Whether the key was made just now, and is nowhere else.
    #[prop(optional)]
    made: bool,
    /// Set when the file was saved.
    saved: RwSignal<bool>,
) -> impl IntoView {
    let text = facts.render(Some(&private_key));
    let name = facts.file_name();
    let warning = made.then(|| {
        view! {
            <Notice
                tone=Tone::Wait
                title="Shown once"
                text="The private key was made in this browser and is nowhere else. Save the file or photograph the code before you close this; the console cannot show it again."
            />
        }
    });
    let code = browser::qr(&text).map(|(side, modules)| {
        view! { <QrCode side modules label=format!("The configuration of {} as a QR code", facts.peer)/> }
    });
    let (file, content) = (name.clone(), text.clone());
    let save = move |_| {
        browser::save(&file, &content);
        saved.set(true);
    };
    view! {
        {warning}
        <div class="handover">
            <Command text=text label="the configuration"/>
            {code}
        </div>
        <p class="tail">
            <Button kind=Kind::Primary kind_of="button" icon=Glyph::Download on:click=save>{format!("Download {name}")}</Button>
        </p>
    }
}
