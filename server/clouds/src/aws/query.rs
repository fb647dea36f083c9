//! Asks EC2 and RAM: signed, paged, with the credentials renewed once where they have expired.

use aws_credential_types::Credentials;
use serde::{Deserialize, de::DeserializeOwned};

use super::{
    account::{AwsAccount, AwsEndpoints, Service},
    form::Form,
    keyring::{Keyring, no_region},
    refusal, signed, wire,
};
use crate::{Class, Failure, Outcome, http::Http};

/// More pages than any network fills.
const MOST_PAGES: usize = 200;

#[derive(Debug)]
pub(super) struct Query {
    keyring: Keyring,
    endpoints: AwsEndpoints,
    http: Http,
}

/// An invitation to something that another account shares.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(rename_all = "camelCase")]
pub(super) struct Invitation {
    pub resource_share_invitation_arn: String,
    #[serde(default)]
    pub sender_account_id: String,
    #[serde(default)]
    pub status: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Invitations {
    #[serde(default)]
    resource_share_invitations: Vec<Invitation>,
    #[serde(default)]
    next_token: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Offered {
    #[serde(default)]
    resources: Vec<Resource>,
    #[serde(default)]
    next_token: Option<String>,
}

#[derive(Deserialize)]
struct Resource {
    #[serde(default)]
    arn: String,
}

struct Asked<'a> {
    service: Service,
    region: &'a str,
    path: &'a str,
    content_type: &'static str,
    body: String,
}

impl Query {
    pub fn new(account: AwsAccount, endpoints: AwsEndpoints, http: Http) -> Self {
        let keyring = Keyring::new(account, endpoints.clone(), http.clone());
        Self { keyring, endpoints, http }
    }

    /// Reads, or makes a change that is the same when it is made twice.
    ///
    /// # Errors
    /// What EC2 refused, after as many attempts as the settings allow.
    pub async fn ec2(&self, region: &str, form: &Form) -> Outcome<String> {
        self.ask(&self.http, &Asked::form(region, form)).await
    }

    /// Makes something that would be there twice if it was asked for twice: sent a single time.
    ///
    /// # Errors
    /// What EC2 refused; or that the answer was lost, and then it may be there.
    pub async fn ec2_once(&self, region: &str, form: &Form) -> Outcome<String> {
        self.ask(&self.http.single(), &Asked::form(region, form)).await
    }

    /// Everything that a `Describe...` call finds.
    ///
    /// # Errors
    /// If one of the pages could not be read.
    pub async fn pages<T: DeserializeOwned>(&self, region: &str, form: Form) -> Outcome<Vec<T>> {
        let mut found = Vec::new();
        let mut next: Option<String> = None;
        for _ in 0..MOST_PAGES {
            let asked = next.iter().fold(form.clone(), |form, token| form.with("NextToken", token));
            let page: wire::Page<T> = wire::read(&self.ec2(region, &asked).await?, form.action())?;
            found.extend(page.set.item);
            let token = page.next_token.filter(|token| !token.is_empty());
            if token.is_none() || token == next {
                return Ok(found);
            }
            next = token;
        }
        Err(too_many(form.action()))
    }

    /// The same of Elastic Load Balancing: names there are unique, so that nothing can be made twice.
    ///
    /// # Errors
    /// What it refused, after as many attempts as the settings allow.
    pub async fn elb(&self, region: &str, form: &Form) -> Outcome<String> {
        self.ask(&self.http, &Asked { service: Service::Elb, ..Asked::form(region, form) }).await
    }

    /// # Errors
    /// What STS refused.
    pub async fn caller(&self) -> Outcome<String> {
        let form = Form::sts("GetCallerIdentity");
        let credentials = self.keyring.current().await?;
        let body = match self.keyring.sts(&credentials, &form).await {
            Err(failure) if refusal::is_expired(&failure) => {
                let Some(renewed) = self.keyring.renewed(&credentials).await? else { return Err(failure) };
                self.keyring.sts(&renewed, &form).await?
            }
            other => other?,
        };
        Ok(wire::read::<wire::CallerIdentity>(&body, "GetCallerIdentity")?.result.arn)
    }

    /// Every invitation to a share that this account ever got.
    ///
    /// # Errors
    /// What RAM refused.
    pub async fn invitations(&self, region: &str) -> Outcome<Vec<Invitation>> {
        let page = |body: Invitations| (body.resource_share_invitations, body.next_token);
        self.ram_pages(region, "getresourceshareinvitations", &serde_json::json!({}), page).await
    }

    /// The ARNs of what an invitation that was not answered yet is about.
    ///
    /// # Errors
    /// What RAM refused.
    pub async fn offered(&self, region: &str, invitation: &str) -> Outcome<Vec<String>> {
        let page = |body: Offered| (body.resources, body.next_token);
        let asked = serde_json::json!({ "resourceShareInvitationArn": invitation });
        let resources = self.ram_pages(region, "listpendinginvitationresources", &asked, page).await?;
        Ok(resources.into_iter().map(|resource| resource.arn).collect())
    }

    /// Every page of one of RAM's lists.
    async fn ram_pages<B: DeserializeOwned, T>(
        &self,
        region: &str,
        path: &str,
        asked: &serde_json::Value,
        page: impl Fn(B) -> (Vec<T>, Option<String>),
    ) -> Outcome<Vec<T>> {
        let mut found = Vec::new();
        let mut next: Option<String> = None;
        for _ in 0..MOST_PAGES {
            let mut asked = asked.clone();
            asked["maxResults"] = 500.into();
            if let Some(token) = &next {
                asked["nextToken"] = token.as_str().into();
            }
            let body = self.ram(region, path, &asked).await?;
            let (items, token) = page(serde_json::from_str(&body).map_err(|error| {
                let message = format!("AWS's answer to {path} could not be read: {error}.");
                Failure::new(Class::Unexpected, "answer", message)
            })?);
            found.extend(items);
            let token = token.filter(|token| !token.is_empty());
            if token.is_none() || token == next {
                return Ok(found);
            }
            next = token;
        }
        Err(too_many(path))
    }

    /// # Errors
    /// What RAM refused; that it was accepted before is none.
    pub async fn accept_invitation(&self, region: &str, arn: &str) -> Outcome<()> {
        let asked = serde_json::json!({ "resourceShareInvitationArn": arn });
        match self.ram(region, "acceptresourceshareinvitation", &asked).await {
            Err(failure) if failure.code.contains("InvitationAlreadyAccepted") => Ok(()),
            other => other.map(drop),
        }
    }

    /// # Errors
    /// What RAM refused.
    pub async fn ram(&self, region: &str, path: &str, body: &serde_json::Value) -> Outcome<String> {
        let (content_type, body) = (signed::JSON, body.to_string());
        self.ask(&self.http, &Asked { service: Service::Ram, region, path, content_type, body }).await
    }

    async fn ask(&self, http: &Http, asked: &Asked<'_>) -> Outcome<String> {
        let told = async {
            let credentials = self.keyring.current().await?;
            match self.send(http, asked, &credentials).await {
                // A token that ran out long ago is not even known any longer.
                Err(failure) if failure.class == Class::Credentials => {
                    match self.keyring.renewed(&credentials).await? {
                        Some(renewed) => self.send(http, asked, &renewed).await,
                        None => Err(failure),
                    }
                }
                other => other,
            }
        };
        // A look at a VPC is dozens of calls, and each would be a part of its future: too much for a thread's stack.
        Box::pin(told).await
    }

    async fn send(&self, http: &Http, asked: &Asked<'_>, credentials: &Credentials) -> Outcome<String> {
        let Asked { service, region, path, content_type, body } = asked;
        let url = self.endpoints.of(*service, region).and_then(|url| url.join(path).ok());
        let url = url.ok_or_else(|| no_region(region))?;
        let build = || signed::post(credentials, *service, region, &url, content_type, body);
        Ok(http.send(build, refusal::judge).await?.body)
    }
}

impl<'a> Asked<'a> {
    fn form(region: &'a str, form: &Form) -> Self {
        Self { service: Service::Ec2, region, path: "", content_type: signed::FORM, body: form.encoded() }
    }
}

fn too_many(action: &str) -> Failure {
    Failure::new(Class::Unexpected, "answer", format!("AWS's answer to {action} does not end."))
}
