//! A caller that signs by itself: with the vendor's signing code, and nothing else of ours.

use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_sigv4::{
    http_request::{SignableBody, SignableRequest, SigningSettings, sign},
    sign::v4::SigningParams,
};
use clouds::lookalike::aws::Keys;

#[derive(Clone)]
pub struct Caller {
    pub account: String,
    base: String,
    pub key: String,
    pub secret: String,
    pub token: Option<String>,
    region: String,
    /// How far its clock is behind.
    pub behind: Duration,
    client: reqwest::Client,
}

#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub body: String,
    /// What says that it is simulated.
    pub mark: Option<String>,
    pub retry_after: Option<String>,
}

pub fn client() -> reqwest::Client {
    // Whoever came first has chosen, and chose the same.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::new()
}

impl Answer {
    /// The first element of this name; the call has to have succeeded.
    pub fn ok(&self, name: &str) -> String {
        assert_eq!(self.status, 200, "{}", self.body);
        self.text(name).unwrap_or_else(|| panic!("no {name} in {}", self.body))
    }

    pub fn text(&self, name: &str) -> Option<String> {
        self.texts(name).into_iter().next()
    }

    pub fn texts(&self, name: &str) -> Vec<String> {
        let (open, close) = (format!("<{name}>"), format!("</{name}>"));
        let parts = self.body.split(&open).skip(1);
        parts.filter_map(|part| Some(part.split_once(&close)?.0.to_owned())).collect()
    }

    /// Status and code of a refusal.
    pub fn refused(&self) -> (u16, String) {
        assert_ne!(self.status, 200, "{}", self.body);
        (self.status, self.text("Code").unwrap_or_else(|| panic!("no code in {}", self.body)))
    }

    pub fn code(&self) -> String {
        self.refused().1
    }
}

impl Caller {
    pub fn new(base: &str, keys: &Keys, region: &str) -> Self {
        Self {
            account: keys.account_id.clone(),
            base: base.to_owned(),
            key: keys.access_key_id.clone(),
            secret: keys.secret_access_key.expose().to_owned(),
            token: None,
            region: region.to_owned(),
            behind: Duration::ZERO,
            client: client(),
        }
    }

    pub fn at(&self, region: &str) -> Self {
        Self { region: region.to_owned(), ..self.clone() }
    }

    pub async fn ec2(&self, action: &str, fields: &[(&str, &str)]) -> Answer {
        self.query("ec2", "2016-11-15", action, fields).await.expect("it answers")
    }

    pub async fn sts(&self, action: &str, fields: &[(&str, &str)]) -> Answer {
        self.query("sts", "2011-06-15", action, fields).await.expect("it answers")
    }

    pub async fn query(
        &self,
        service: &str,
        version: &str,
        action: &str,
        fields: &[(&str, &str)],
    ) -> reqwest::Result<Answer> {
        let pairs = [("Action", action), ("Version", version)].into_iter().chain(fields.iter().copied());
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
        self.send(service, "/", "application/x-www-form-urlencoded; charset=utf-8", &body, &body).await
    }

    pub async fn ram(&self, path: &str, body: &serde_json::Value) -> Answer {
        let body = body.to_string();
        self.send("ram", path, "application/json", &body, &body).await.expect("it answers")
    }

    /// Signs one body and sends another.
    pub async fn send(
        &self,
        service: &str,
        path: &str,
        content_type: &str,
        signed: &str,
        sent: &str,
    ) -> reqwest::Result<Answer> {
        let uri = format!("{}{path}", self.base);
        let identity = Credentials::new(&*self.key, &*self.secret, self.token.clone(), None, "test").into();
        let parameters = SigningParams::builder()
            .identity(&identity)
            .region(&self.region)
            .name(service)
            .time(SystemTime::now() - self.behind)
            .settings(SigningSettings::default())
            .build()
            .expect("all of it is given")
            .into();
        let headers = [("content-type", content_type)];
        let signable = SignableRequest::new("POST", &uri, headers.into_iter(), SignableBody::Bytes(signed.as_bytes()));
        let (instructions, _) = sign(signable.expect("a request"), &parameters).expect("it signs").into_parts();
        let mut request = self.client.post(&uri).header("content-type", content_type).body(sent.to_owned());
        for (name, value) in instructions.headers() {
            request = request.header(name, value);
        }
        let response = request.send().await?;
        let text = |name: &str| {
            response.headers().get(name).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
        };
        let (status, mark, retry_after) =
            (response.status().as_u16(), text("x-causeway-simulated"), text("retry-after"));
        Ok(Answer { status, mark, retry_after, body: response.text().await? })
    }

    pub async fn vpc(&self, cidr: &str) -> String {
        self.ec2("CreateVpc", &[("CidrBlock", cidr)]).await.ok("vpcId")
    }
}
