//! A project's CA: made once, kept sealed, and asked to sign for names of a service only.

use app::{
    backend::{Certificates, Services},
    domain::{
        ServiceId, ServiceName,
        certificate_authority::{CertificateAuthority, DnsName, ServiceCertificate},
        service::form::ServiceForm,
    },
};
use rcgen::{CertificateParams, KeyPair};
use server::{rotation, seal::Sealer};

use super::*;

on_both_engines! {
    sixteen_callers_get_one_ca_and_one_entry_in_the_log
    a_ca_is_a_projects_own_and_whoever_may_view_the_project_may_have_it
    a_certificate_is_issued_for_names_of_the_service_and_kept
    a_foreign_name_is_refused_and_nothing_is_kept
    the_key_is_sealed_and_follows_the_master_key
    another_services_names_are_foreign_and_one_that_goes_gets_none
    certificates_are_listed_until_a_while_after_their_end_and_by_no_stranger
}

/// What an operator's host makes: its key stays there.
fn request(names: &[&str]) -> String {
    let key = KeyPair::generate().expect("a key");
    let names: Vec<String> = names.iter().map(ToString::to_string).collect();
    let mut parameters = CertificateParams::new(names).expect("host names");
    parameters.distinguished_name = rcgen::DistinguishedName::new();
    parameters.serialize_request(&key).and_then(|request| request.pem()).expect("a request")
}

/// A service in public.
async fn service(stage: &Stage) -> (ServiceId, ServiceName) {
    let form = ServiceForm {
        name: "db".to_owned(),
        kind: "pg".to_owned(),
        plan: "business".to_owned(),
        place: "local-default".to_owned(),
        ..ServiceForm::default()
    };
    let new = form.parse().expect("a good form");
    (stage.ingrid.create_service(&stage.harbor, new).await.expect("a new service"), name("db"))
}

async fn issue(
    stage: &Stage,
    (id, _): &(ServiceId, ServiceName),
    request: &str,
) -> Result<ServiceCertificate, ApiError> {
    stage.ingrid.issue_certificate(&stage.harbor, *id, request).await
}

async fn kept(stage: &Stage, id: ServiceId) -> Vec<ServiceCertificate> {
    stage.store.snapshot().await.expect("a snapshot").service_certificates(id).await.expect("the store answers")
}

async fn sixteen_callers_get_one_ca_and_one_entry_in_the_log(stage: Stage) {
    // Two consoles that know nothing of each other: the database decides, not a lock in memory.
    let second = stage.elsewhere().await;
    let ask = |caller: usize| {
        let console = if caller.is_multiple_of(2) { &stage.ingrid } else { &second };
        console.certificate_authority(&stage.harbor)
    };
    let made: Vec<CertificateAuthority> =
        join_all((0..16).map(ask)).await.into_iter().map(|made| made.expect("a CA")).collect();
    assert!(made.iter().all(|one| *one == made[0]), "{made:?}");
    let filter = ChangeFilter { kind: Some(ChangeKind::ProjectCaCreate), limit: 10, ..ChangeFilter::default() };
    let log = stage.ingrid.changes(&stage.harbor, filter).await.expect("the log");
    assert_eq!(log.len(), 1, "{log:?}");
    assert_eq!(log[0].after.get("fingerprint"), Some(&made[0].fingerprint));
}

async fn a_ca_is_a_projects_own_and_whoever_may_view_the_project_may_have_it(stage: Stage) {
    let reader = stage.colleague("read_only").await;
    let harbor = reader.certificate_authority(&stage.harbor).await.expect("the CA");
    assert_eq!(stage.ingrid.certificate_authority(&stage.harbor).await.expect("the CA"), harbor);
    let tundra = stage.olaf.certificate_authority(&stage.tundra).await.expect("the CA");
    assert_ne!(tundra.fingerprint, harbor.fingerprint);
    assert_eq!(stage.olaf.certificate_authority(&stage.harbor).await, Err(ApiError::NotFound));
    let (id, _) = service(&stage).await;
    let refused = reader.issue_certificate(&stage.harbor, id, &request(&["a.example.com"])).await;
    assert!(matches!(refused, Err(ApiError::Forbidden { .. })), "{refused:?}");
}

async fn a_certificate_is_issued_for_names_of_the_service_and_kept(stage: Stage) {
    let service = service(&stage).await;
    let issued = issue(&stage, &service, &request(&["db-harbor.causeway.internal"])).await.expect("a certificate");
    assert_eq!(issued.names, [name::<DnsName>("db-harbor.causeway.internal")]);
    assert_eq!(kept(&stage, service.0).await, std::slice::from_ref(&issued));
    let authority = stage.ingrid.certificate_authority(&stage.harbor).await.expect("the CA");
    let chain = issued.chain(&authority);
    assert_eq!(chain.matches("-----BEGIN CERTIFICATE-----").count(), 2);
    assert!(chain.starts_with(&issued.certificate) && chain.ends_with(&authority.certificate));
    // One that has ended is forgotten when the next is issued.
    stage.execute("update service_certificate set not_after = 1").await;
    assert_eq!(kept(&stage, service.0).await, []);
    let next = issue(&stage, &service, &request(&["public-db-harbor.causeway.internal"])).await.expect("the next");
    stage.execute("update service_certificate set not_after = 9000000000000").await;
    let serials: Vec<String> = kept(&stage, service.0).await.into_iter().map(|one| one.serial).collect();
    assert_eq!(serials, [next.serial]);
}

async fn a_foreign_name_is_refused_and_nothing_is_kept(stage: Stage) {
    let service = service(&stage).await;
    let foreign = request(&["db-harbor.causeway.internal", "bank.example.com"]);
    assert_eq!(
        refused(issue(&stage, &service, &foreign).await),
        "bank.example.com is not a host name of db. Its names: db-harbor.causeway.internal, private-db-harbor.causeway.internal, public-db-harbor.causeway.internal."
    );
    let error = issue(&stage, &service, "not a request").await.expect_err("it is none");
    assert!(error.at("request").is_some_and(|sentence| sentence.starts_with("Paste one")), "{error:?}");
    assert_eq!(kept(&stage, service.0).await, []);
}

async fn the_key_is_sealed_and_follows_the_master_key(stage: Stage) {
    let service = service(&stage).await;
    let before = issue(&stage, &service, &request(&["db-harbor.causeway.internal"])).await.expect("a certificate");
    let texts = stage.every_text().await;
    assert!(texts.contains(&before.serial) && texts.contains("v1."), "the tables are looked at");
    assert!(!texts.contains("PRIVATE KEY"), "nothing of a key lies open");
    let next = Sealer::new([9; 32]);
    let rotated = rotation::reseal(&stage.store, &stage.shared.sealer, &next).await.expect("a new master key");
    assert_eq!(rotated.authority_keys, 1);
    let refused =
        issue(&stage, &service, &request(&["db-harbor.causeway.internal"])).await.expect_err("the former key");
    let ApiError::Internal(reference) = &refused else { panic!("{refused:?}") };
    assert_eq!(reference.len(), 36, "a reference, and not a word of the key");
    rotation::reseal(&stage.store, &next, &stage.shared.sealer).await.expect("the former again");
    let after = issue(&stage, &service, &request(&["db-harbor.causeway.internal"])).await.expect("a certificate");
    assert_ne!(after.serial, before.serial);
}

async fn another_services_names_are_foreign_and_one_that_goes_gets_none(stage: Stage) {
    let (id, called) = service(&stage).await;
    let form = ServiceForm {
        name: "mail".to_owned(),
        kind: "pg".to_owned(),
        plan: "business".to_owned(),
        place: "local-default".to_owned(),
        ..ServiceForm::default()
    };
    let mail = stage.ingrid.create_service(&stage.harbor, form.parse().expect("a good form")).await.expect("a service");
    let own = request(&["private-db-harbor.causeway.internal", "public-db-harbor.causeway.internal"]);
    let said = refused(stage.ingrid.issue_certificate(&stage.harbor, mail, &own).await);
    assert!(said.starts_with("private-db-harbor.causeway.internal is not a host name of mail."), "{said}");
    issue(&stage, &(id, called.clone()), &own).await.expect("the names of routes that are switched off too");
    // The id decides, not the project that is named beside it.
    assert_eq!(stage.olaf.issue_certificate(&stage.tundra, id, &own).await, Err(ApiError::NotFound));
    let token = stage.ingrid.service(&stage.harbor, id).await.expect("a service").nodes[0].id;
    stage
        .execute(&format!(
            "insert into credential (digest, host_id, role, created_at, used_at) values ('x', '{token}', 'node', 1, 1)"
        ))
        .await;
    stage.ingrid.delete_service(&stage.harbor, id).await.expect("a deleted service");
    assert_eq!(refused(issue(&stage, &(id, called), &own).await), "Service db is being deleted.");
}

async fn certificates_are_listed_until_a_while_after_their_end_and_by_no_stranger(stage: Stage) {
    let service = service(&stage).await;
    let issued = issue(&stage, &service, &request(&["db-harbor.causeway.internal"])).await.expect("a certificate");
    let reader = stage.colleague("read_only").await;
    assert_eq!(reader.service_certificates(&stage.harbor, service.0).await, Ok(vec![issued.clone()]));
    let all = reader.project_certificates(&stage.harbor).await.expect("all of them");
    assert_eq!(all, BTreeMap::from([(service.0, vec![issued])]));
    assert_eq!(stage.olaf.service_certificates(&stage.harbor, service.0).await, Err(ApiError::NotFound));
    assert_eq!(stage.olaf.service_certificates(&stage.tundra, service.0).await, Err(ApiError::NotFound));
    let ended = clock::now().plus_seconds(-29 * 86_400).0;
    stage.execute(&format!("update service_certificate set not_after = {ended}")).await;
    let listed = reader.service_certificates(&stage.harbor, service.0).await.expect("a list");
    assert_eq!(listed.len(), 1, "whoever looks is told that it has ended");
    stage.execute(&format!("update service_certificate set not_after = {}", ended - 2 * 86_400_000)).await;
    assert_eq!(reader.service_certificates(&stage.harbor, service.0).await, Ok(Vec::new()));
    assert_eq!(reader.project_certificates(&stage.harbor).await, Ok(BTreeMap::new()));
}
