//! The project's CA as a download.

use super::*;

#[test]
fn row_48_the_projects_ca_is_downloaded_as_pem_by_whoever_may_view_the_project_and_no_log_has_its_key() {
    let console = Console::start();
    let stranger = Browser::new(&console).get("/projects/default/ca.pem");
    assert_eq!(stranger.status, 303, "to sign in");
    let mut browser = Browser::signed_in(&console);
    let file = browser.get("/projects/default/ca.pem");
    assert_eq!(file.status, 200);
    assert_eq!(file.header("content-type"), Some("application/x-pem-file"));
    assert_eq!(file.header("content-disposition"), Some("attachment; filename=\"default-ca.pem\""));
    assert!(file.body.starts_with("-----BEGIN CERTIFICATE-----") && !file.body.contains("PRIVATE"), "{}", file.body);
    let told = browser.call("certificate-authority/get", &[("project", "default")]);
    assert!(told.body.contains("fingerprint") && !told.body.contains("PRIVATE"), "{}", told.body);
    assert_eq!(browser.get("/projects/default/ca.pem").body, file.body, "it is made once");
    assert_eq!(browser.get("/projects/tundra/ca.pem").status, 404);
    let log = console.stop();
    assert!(!log.contains("PRIVATE KEY") && !log.contains("sealed_key"), "{log}");
}
