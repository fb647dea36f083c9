//! Signing in and out. These forms work before there is an actor, so they go through the [`crate::backend::Door`].

use leptos::prelude::*;

use super::{ApiError, wire::Reading};
use crate::domain::person::Viewer;

#[server(endpoint = "session/viewer", protocol = Reading)]
pub async fn get_viewer() -> Result<Viewer, ApiError> {
    crate::backend::backend()?.viewer().await
}

/// `next` is a path on this console to go to afterwards.
#[server(endpoint = "session/sign-in")]
pub async fn sign_in(email: String, password: String, #[server(default)] next: String) -> Result<(), ApiError> {
    use crate::domain::person::Password;

    let door = crate::backend::door();
    door.sign_in(&email, Password::tried(&password)).await?;
    leptos_axum::redirect(crate::routes::local_path(&next).unwrap_or(crate::routes::HOME));
    Ok(())
}

/// `token` is from the one-time set-up link.
#[server(endpoint = "session/set-up")]
pub async fn set_up(
    token: String,
    email: String,
    password: String,
    organization: String,
    project: String,
) -> Result<(), ApiError> {
    use crate::domain::person::SetUp;

    let wanted = SetUp::parse(&email, &password, &organization, &project)?;
    crate::backend::door().set_up(&token, wanted).await?;
    leptos_axum::redirect(crate::routes::HOME);
    Ok(())
}

/// Whether the set-up link is still good; the page says so before anybody types.
#[server(endpoint = "session/set-up-link", protocol = Reading)]
pub async fn check_set_up_link(token: String) -> Result<bool, ApiError> {
    crate::backend::door().set_up_link_is_good(&token).await
}

#[server(endpoint = "session/sign-out")]
pub async fn sign_out() -> Result<(), ApiError> {
    crate::backend::door().sign_out().await?;
    leptos_axum::redirect(crate::routes::SIGN_IN);
    Ok(())
}

/// Ends every session of this person.
#[server(endpoint = "session/sign-out-everywhere")]
pub async fn sign_out_everywhere() -> Result<(), ApiError> {
    crate::backend::backend()?.sign_out_everywhere().await?;
    leptos_axum::redirect(crate::routes::SIGN_IN);
    Ok(())
}
