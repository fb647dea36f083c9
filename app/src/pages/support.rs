//! The operator's support, where the console's own words end; nothing where none is set (checklist 46).

use leptos::prelude::*;

use super::fresh::awaited;
use crate::{
    api::ApiError,
    domain::{person::Viewer, support::Support},
};

/// "Contact support", in a line of its own. Outside the frame nobody is known, and with them no support.
#[component]
pub fn SupportLine() -> impl IntoView {
    let viewer = use_context::<Resource<Result<Viewer, ApiError>>>()?;
    Some(awaited(move || async move {
        let support = viewer.await.ok().and_then(|viewer| viewer.support);
        support
            .map(|support| view! { <p class="muted">"Still stuck? " {link(&support, "Contact support")}</p> })
            .into_any()
    }))
}

/// Leads out of the console, so that its router has nothing to do with it.
pub fn link(support: &Support, word: &'static str) -> impl IntoView + use<> {
    view! { <a href=support.href() rel="external noreferrer" title=support.to_string()>{word}</a> }
}

#[cfg(all(test, feature = "ssr"))]
mod tests {
    use super::*;

    #[test]
    fn row_46_the_link_opens_a_page_or_writes_an_e_mail() {
        let html = |text: &str| {
            let support: Support = text.parse().expect("an address");
            Owner::new().with(|| link(&support, "Contact support").into_view().to_html())
        };
        assert!(html("https://support.example.com/new").contains(r#"href="https://support.example.com/new""#));
        let mail = html("help@example.com");
        assert!(mail.contains(r#"href="mailto:help@example.com""#) && mail.contains(">Contact support<"), "{mail}");
    }
}
