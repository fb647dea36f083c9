//! How the browser's own code reads: whatever a function answers is an answer, not a failed request.
//!
//! A program hears of a refusal by its HTTP status. A browser writes every 4xx of a request into its console as an
//! error, and that a thing was deleted a moment ago is none. So our own client asks for the *outcome* by `Accept`: always
//! 200, and the body says `{"Ok":…}` or `{"Err":…}`, as `server::http::status` puts it. A page carries what it was
//! rendered from in the same JSON, so one decoder per type serves both; what does not depend on the type is here once.

use http::Method;
use serde::{Serialize, de::DeserializeOwned};
use server_fn::{
    Protocol,
    client::Client,
    codec::{FromReq, IntoRes, Json, PostUrl},
    request::{ClientReq, Req},
    response::ClientRes,
};
// On its own: the test of the rooms reads a nested `server::` as this workspace's.
use server_fn::server::Server;

use super::ApiError;

/// The media type of an outcome, by which it is asked for.
pub const OUTCOME: &str = "application/vnd.causeway.outcome+json";

const JSON: &str = "application/json";

/// The protocol of functions that read: JSON or a form in, JSON out. Functions that write are forms, and mostly keep to
/// Leptos' own protocol, which `ActionForm` asks for.
pub struct Reading;

impl<Input, Output, C, S> Protocol<Input, Output, C, S, ApiError> for Reading
where
    Input: Serialize + DeserializeOwned + Send,
    Output: Serialize + DeserializeOwned + Send,
    C: Client<ApiError>,
    S: Server<ApiError>,
{
    const METHOD: Method = Method::POST;

    async fn run_server<F, Fut>(request: S::Request, function: F) -> Result<S::Response, ApiError>
    where
        F: Fn(Input) -> Fut + Send,
        Fut: Future<Output = Result<Output, ApiError>> + Send,
    {
        let is_json = request.to_content_type().is_some_and(|kind| kind.starts_with(JSON));
        let input: Input = if is_json {
            <Input as FromReq<Json, S::Request, ApiError>>::from_req(request).await?
        } else {
            <Input as FromReq<PostUrl, S::Request, ApiError>>::from_req(request).await?
        };
        <Output as IntoRes<Json, S::Response, ApiError>>::into_res(function(input).await?).await
    }

    async fn run_client(path: &str, input: Input) -> Result<Output, ApiError> {
        let told = ask::<C>(path, serde_json::to_string(&input)).await?;
        serde_json::from_str(&told).unwrap_or_else(|error| Err(unreadable(&error)))
    }
}

/// The outcome of a function as it was told.
async fn ask<C: Client<ApiError>>(path: &str, input: serde_json::Result<String>) -> Result<String, ApiError> {
    let input = input.map_err(|error| unreadable(&error))?;
    let response = C::send(C::Request::try_new_post(path, JSON, OUTCOME, input)?).await?;
    let status = response.status();
    let told = response.try_into_string().await?;
    if status == 200 {
        return Ok(told);
    }
    // It did not get as far as the function.
    Err(serde_json::from_str(&told).unwrap_or_else(|_| ApiError::Transport(format!("status {status}"))))
}

#[cold]
fn unreadable(error: &serde_json::Error) -> ApiError {
    ApiError::Transport(error.to_string())
}
