//! The credentials that AWS's own clients would find: environment, profile, web identity, container, instance.
//!
//! `aws-config` knows where to look. It comes without an HTTPS client of its own, which would bring a second
//! library of cryptography: it sends through this one.

use std::{fmt, time::Duration};

use aws_config::{BehaviorVersion, Region};
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider};
use aws_smithy_runtime_api::{
    client::{
        http::{HttpConnector, HttpConnectorFuture, SharedHttpClient, SharedHttpConnector, http_client_fn},
        orchestrator::{HttpRequest, HttpResponse},
        result::ConnectorError,
    },
    http::StatusCode,
};
use aws_smithy_types::body::SdkBody;
use tokio::sync::OnceCell;

use crate::{Class, Failure, Outcome};

#[derive(Debug)]
pub(super) struct Chain {
    region: String,
    found: OnceCell<SharedCredentialsProvider>,
}

impl Chain {
    pub fn new(region: &str) -> Self {
        Self { region: region.to_owned(), found: OnceCell::new() }
    }

    /// # Errors
    /// If nothing was found, with the places that were looked at.
    pub async fn credentials(&self) -> Outcome<aws_credential_types::Credentials> {
        let provider = self.found.get_or_try_init(|| self.look()).await?;
        provider.provide_credentials().await.map_err(|error| nothing(&error))
    }

    async fn look(&self) -> Outcome<SharedCredentialsProvider> {
        let config = aws_config::defaults(BehaviorVersion::latest())
            .region(Region::new(self.region.clone()))
            .http_client(client()?)
            .load()
            .await;
        config.credentials_provider().ok_or_else(|| nothing(&std::io::Error::other("no provider")))
    }
}

fn nothing(error: &(dyn std::error::Error + 'static)) -> Failure {
    let mut words = vec![error.to_string()];
    let mut cause = error.source();
    while let Some(error) = cause {
        words.push(error.to_string());
        cause = error.source();
    }
    let message = format!("The environment has no credentials for AWS: {}.", words.join(": "));
    Failure::new(Class::Credentials, "credentials", message)
}

/// Without the guard of [`crate::http::Http`]: the addresses of an instance's own metadata speak plain http.
fn client() -> Outcome<SharedHttpClient> {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(Duration::from_secs(3))
        .timeout(Duration::from_secs(15))
        .build()
        .map_err(|error| Failure::new(Class::Operator, "transport", error.to_string()))?;
    Ok(http_client_fn(move |_, _| SharedHttpConnector::new(Sender(client.clone()))))
}

struct Sender(reqwest::Client);

impl fmt::Debug for Sender {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Sender")
    }
}

impl HttpConnector for Sender {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let client = self.0.clone();
        HttpConnectorFuture::new(async move {
            let request = request.try_into_http1x().map_err(|error| ConnectorError::user(error.into()))?;
            let (parts, body) = request.into_parts();
            let body = body.bytes().map(<[u8]>::to_vec).unwrap_or_default();
            let request = reqwest::Request::try_from(http::Request::from_parts(parts, body))
                .map_err(|error| ConnectorError::user(error.into()))?;
            let answer = client.execute(request).await.map_err(failed)?;
            let status = StatusCode::try_from(answer.status().as_u16())
                .map_err(|error| ConnectorError::other(error.into(), None))?;
            let headers = answer.headers().clone();
            let body = answer.bytes().await.map_err(failed)?;
            let mut response = HttpResponse::new(status, SdkBody::from(body.to_vec()));
            for (name, value) in &headers {
                if let Ok(value) = value.to_str() {
                    response.headers_mut().append(name.as_str().to_owned(), value.to_owned());
                }
            }
            Ok(response)
        })
    }
}

fn failed(error: reqwest::Error) -> ConnectorError {
    if error.is_timeout() { ConnectorError::timeout(error.into()) } else { ConnectorError::io(error.into()) }
}
