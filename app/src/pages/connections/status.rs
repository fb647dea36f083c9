//! A connection's badge, which opens its status details: on hover, on focus, by a press, and without a script.

use leptos::prelude::*;

use super::{parts::identifiers, tone};
use crate::{
    components::{Popover, Prose, Tone},
    domain::{
        ProjectName,
        connection::{Connection, ConnectionState},
        guide::Guide,
    },
    routes,
};

/// Why it is what it is, and every value that the other side asks for.
pub fn status(connection: &Connection, guide: &Guide, project: &ProjectName) -> impl IntoView + use<> {
    let title = match guide.current() {
        Some(at) if connection.state == ConnectionState::PendingPeer => guide.steps[at].title.clone(),
        _ => "Status details".to_owned(),
    };
    let steps = routes::connection(project, connection.vpc, connection.id);
    let link = match connection.state {
        ConnectionState::PendingPeer => "Follow the steps",
        _ => "Open the connection",
    };
    let (said, identifiers) = (connection.state_info.message.clone(), identifiers(&guide.identifiers));
    view! {
        <Popover tone=tone(connection) word=connection.state.word() title end=true>
            <p class="muted"><Prose text=said/></p>
            {identifiers}
            <a class="strong" href=steps>{link}</a>
        </Popover>
    }
}

/// What is to be known of it beside its state, a line each.
pub fn warnings(connection: &Connection) -> impl IntoView + use<> {
    let lines = connection.state_info.warnings.iter().map(|warning| warning.message.clone()).collect::<Vec<_>>();
    match lines.len() {
        0 => view! { <span class="quiet">"none"</span> }.into_any(),
        count => {
            let said = lines.join(" ");
            let word = if count == 1 { "1 warning".to_owned() } else { format!("{count} warnings") };
            view! {
                <Popover tone=Tone::Wait word title="Warnings" end=true>
                    <p><Prose text=said/></p>
                </Popover>
            }
            .into_any()
        }
    }
}
