//! What went wrong, whose it is, and what to do: in the same frame as everything else.

use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_location;

use super::support::SupportLine;
use crate::{
    api::ApiError,
    components::{Button, ButtonLink, Copy, Fact, Facts, Glyph, Kind, Mark, Prose, Tone},
    routes,
};

/// Shows what was loaded, or why it was not.
pub fn settle<T>(loaded: Result<T, ApiError>, view: impl FnOnce(T) -> AnyView) -> AnyView {
    match loaded {
        Ok(loaded) => view(loaded),
        Err(error) => view! { <Failure error/> }.into_any(),
    }
}

/// A page that could not be shown. Sets the HTTP status when the server renders it.
#[component]
pub fn Failure(error: ApiError) -> impl IntoView {
    set_status(error.status());
    let (title, meaning, todo) = words(&error);
    // Nothing broke where nothing is.
    let tone = if error == ApiError::NotFound { Tone::Off } else { Tone::Bad };
    let reference = match &error {
        ApiError::Internal(reference) => Some(reference.clone()),
        _ => None,
    };
    let sentence = match &error {
        ApiError::Internal(_) => "Something went wrong on our side; nothing was changed.".to_owned(),
        other => other.to_string(),
    };
    let ours = matches!(error, ApiError::Internal(_)).then(|| view! { <SupportLine/> });
    let path = use_location();
    let again = {
        let next = move || format!("{}{}", path.pathname.get_untracked(), path.search.get_untracked());
        if error == ApiError::Unauthenticated {
            let href = format!("{}?next={}", routes::SIGN_IN, encode(&next()));
            view! { <ButtonLink kind=Kind::Primary href>"Sign in"</ButtonLink> }.into_any()
        } else {
            view! {
                <form method="get" action=next()>
                    <Button kind=Kind::Primary icon=Glyph::Refresh>"Try again"</Button>
                </form>
            }
            .into_any()
        }
    };
    view! {
        <Title text=title/>
        <section class="block failure" data-tone=tone.as_str()>
            <header>
                <h1 class="flow">
                    <Mark tone/>
                    {title}
                </h1>
            </header>
            <Facts>
                <Fact label="What"><Prose text=sentence/></Fact>
                <Fact label="Meaning">{meaning}</Fact>
                <Fact label="Do">{todo}</Fact>
                {reference.map(|reference| view! { <Fact label="Reference"><Copy value=reference/></Fact> })}
            </Facts>
            <div class="flow tail">
                {again}
                <ButtonLink kind=Kind::Quiet href=routes::HOME>"Back to the overview"</ButtonLink>
            </div>
            {ours}
        </section>
    }
}

/// Title, meaning and what to do.
fn words(error: &ApiError) -> (&'static str, &'static str, &'static str) {
    const RUNS_ON: &str =
        "Your networks keep running: gateways hold their last configuration and need no console for it.";
    match error {
        ApiError::Unauthenticated => (
            "Sign in to go on",
            "Sessions end after a while, or when you end them everywhere.",
            "Sign in; you come back to this page.",
        ),
        ApiError::Forbidden { .. } => (
            "You may not do this",
            "You may look, and somebody else may act.",
            "Ask an administrator of the organization for the permission named above.",
        ),
        ApiError::NotFound => (
            "There is nothing here",
            "It may have been deleted, or it belongs to a project that you are not in.",
            "Check the address, or look for it with the search above.",
        ),
        ApiError::TooMany { .. } => {
            ("Too many attempts", "The console slows down whoever tries too often.", "Wait a moment, then try again.")
        }
        ApiError::Refused(_) | ApiError::Malformed(_) => {
            ("The request was refused", "Nothing was changed.", "Correct what is named above and try again.")
        }
        ApiError::Internal(_) => (
            "The page could not be read",
            RUNS_ON,
            "Try again. If it stays, give the reference to whoever runs this console; the log has the story under it.",
        ),
        ApiError::Transport(_) => {
            ("The console did not answer", RUNS_ON, "Check your connection to the console and try again.")
        }
    }
}

/// An address that is no page.
#[component]
pub fn NoSuchPage() -> impl IntoView {
    view! {
        <main class="page gate">
            <Failure error=ApiError::NotFound/>
        </main>
    }
}

/// For a query parameter.
pub fn encode(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte);
    text.bytes().map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}

/// The status of the page that the server is rendering; nothing in the browser.
pub fn set_status(status: u16) {
    #[cfg(feature = "ssr")]
    if let (Some(response), Ok(status)) =
        (use_context::<leptos_axum::ResponseOptions>(), http::StatusCode::from_u16(status))
    {
        response.set_status(status);
    }
    #[cfg(not(feature = "ssr"))]
    let _ = status;
}
