//! What hosts and their files get over HTTP, and what no log may hold.

use std::time::{Duration, Instant};

use super::serving::{self, Answer, Browser, Console, EMAIL, PASSWORD};

#[test]
fn over_https_the_cookie_is_bound_to_the_host_and_agents_are_served() {
    let console = Console::start_with(&[], &["--listen", "https://127.0.0.1:0"]);
    let port = console.https_port();
    let own = format!("https://127.0.0.1:{port}");
    let body = serving::form(&[("email", EMAIL), ("password", PASSWORD), ("next", "")]);
    let host = format!("127.0.0.1:{port}");
    let headers =
        [("host", host.as_str()), ("origin", own.as_str()), ("content-type", "application/x-www-form-urlencoded")];
    let (answer, digest) = Answer::over_tls(port, "POST", "/api/session/sign-in", &headers, body.as_bytes());
    assert_eq!(answer.status, 200, "{}", answer.body);
    let cookie = answer.header("set-cookie").expect("a session");
    assert!(cookie.starts_with("__Host-causeway=") && cookie.contains("; Secure"), "{cookie}");
    assert!(answer.header("strict-transport-security").is_some());
    assert_eq!(Answer::over_tls(port, "GET", "/agent/v1/document", &[("host", &host)], b"").0.status, 401);

    let mut browser = Browser::signed_in(&console);
    let gateway = create_gateway(&mut browser);
    let enrolment = browser.call("gateways/enrolment", &[("project", "default"), ("id", &gateway)]);
    assert!(enrolment.body.contains(&format!("{own}#sha256={digest}")), "{}", enrolment.body);
}

/// The first `id` in an answer, however it is wrapped.
fn find_id(value: &serde_json::Value) -> String {
    match value {
        serde_json::Value::Object(fields) => match fields.get("id") {
            Some(serde_json::Value::String(id)) => id.clone(),
            _ => fields.values().map(find_id).find(|id| !id.is_empty()).unwrap_or_default(),
        },
        serde_json::Value::Array(values) => values.iter().map(find_id).find(|id| !id.is_empty()).unwrap_or_default(),
        _ => String::new(),
    }
}

#[test]
fn a_road_warriors_file_is_a_download_for_those_who_may_see_it() {
    let console = Console::start();
    let mut browser = Browser::signed_in(&console);
    let gateway = create_gateway(&mut browser);
    enrol(&console, &mut browser, &gateway);
    let key = "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=";
    let fields = [("project", "default"), ("gateway", gateway.as_str()), ("name", "laptop"), ("public_key", key)];
    let made = browser.call("peers/create-road-warrior", &fields);
    assert_eq!(made.status, 200, "{}", made.body);
    let peer: String = serde_json::from_str(&made.body).expect("an id");
    let path = format!("/projects/default/gateways/{gateway}/peers/{peer}/file");
    let file = browser.get(&path);
    assert_eq!(file.status, 200, "{}", file.body);
    assert_eq!(file.header("content-disposition"), Some("attachment; filename=\"gw-alpha-laptop.conf\""));
    assert!(file.body.contains("Endpoint = 203.0.113.10:51820"), "{}", file.body);
    assert!(!file.body.contains("\nPrivateKey ="), "the console never had it: {}", file.body);
    let stranger = Browser::new(&console).get(&path);
    assert!(stranger.location().starts_with("/signin?next="), "{stranger:?}");
    assert_eq!(browser.get("/projects/default/gateways/x/peers/0197c1f2-5c1e-7a40-9b1d-3f2a6c8e4d10/file").status, 404);
}

/// `gw-alpha` for 10.20.0.0/16.
fn create_gateway(browser: &mut Browser) -> String {
    browser.create_vpc("alpha", "10.20.0.0/16");
    let list = serde_json::from_str(&browser.call("vpcs/list", &[("project", "default")]).body).expect("a list");
    let vpc = find_id(&list);
    let fields = [
        ("project", "default"),
        ("form[name]", "gw-alpha"),
        ("form[vpc]", vpc.as_str()),
        ("form[tunnel]", "10.200.1.0/24"),
    ];
    let made = browser.call("gateways/create", &fields);
    assert_eq!(made.status, 200, "{}", made.body);
    serde_json::from_str(&made.body).expect("an id")
}

/// A host joins by the agents' socket, as the agent does it; gives the token that it used up.
fn enrol(console: &Console, browser: &mut Browser, gateway: &str) -> String {
    join(console, browser, gateway).0
}

/// The same; gives its credential.
fn enrolled(console: &Console, browser: &mut Browser, gateway: &str) -> String {
    join(console, browser, gateway).1
}

fn join(console: &Console, browser: &mut Browser, gateway: &str) -> (String, String) {
    let answer = browser.call("gateways/enrolment", &[("project", "default"), ("id", gateway)]);
    let enrolment: serde_json::Value = serde_json::from_str(&answer.body).expect("an enrolment");
    let facts = serde_json::json!({
        "agent_version": "0.1.0", "host_name": "gw-alpha", "wireguard": "uapi", "wan": "eth0",
        "interfaces": [{"name": "eth0", "addresses": ["203.0.113.10"]}],
    });
    let request = serde_json::json!({
        "token": enrolment["token"], "public_key": "AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI=", "facts": facts,
    });
    let joined = Answer::over_socket(
        &console.data().join("agent.sock"),
        "POST",
        "/agent/v1/enrol",
        request.to_string().as_bytes(),
    );
    assert_eq!(joined.status, 200, "{}", joined.body);
    let again = Answer::over_socket(
        &console.data().join("agent.sock"),
        "POST",
        "/agent/v1/enrol",
        request.to_string().as_bytes(),
    );
    assert!((400..500).contains(&again.status), "a token is good once: {}", again.body);
    let joined: serde_json::Value = serde_json::from_str(&joined.body).expect("an answer");
    let text = |value: &serde_json::Value| value.as_str().expect("a text").to_owned();
    (text(&enrolment["token"]), text(&joined["credential"]))
}

#[test]
fn no_secret_is_in_the_log() {
    let console = Console::start_with(&[("CAUSEWAY_LOG", "trace"), ("CAUSEWAY_METRICS_TOKEN", "open sesame")], &[]);
    let mut browser = Browser::new(&console);
    browser.sign_in(EMAIL, "a wrong password");
    browser.submit(
        "session/sign-in",
        "/signin",
        &[("email", EMAIL), ("password", "another wrong password"), ("next", "")],
    );
    let session = browser.sign_in(EMAIL, PASSWORD);
    let id =
        session.header("set-cookie").and_then(|cookie| cookie.split(['=', ';']).nth(1)).expect("a session").to_owned();
    browser.get("/setup?token=token-of-a-link");
    let gateway = create_gateway(&mut browser);
    let token = enrol(&console, &mut browser, &gateway);
    browser.get("/projects/default/vpcs");
    browser.send("GET", "/metrics", &[("authorization", "Bearer open sesame")], b"");
    let key = std::fs::read_to_string(console.data().join("master.key")).expect("the master key");
    let log = console.stop();
    assert!(log.contains("/projects/default/vpcs"), "the log tells of requests: {log}");
    for secret in [
        "a wrong password",
        "another wrong password",
        PASSWORD,
        &id,
        &token,
        "token-of-a-link",
        "open sesame",
        key.trim(),
        "$argon2id$",
    ] {
        assert!(!log.contains(secret), "{secret} is in the log");
    }
}

#[test]
fn an_agent_that_hangs_up_while_it_waits_is_not_counted_any_more() {
    let console = Console::start_with(&[("CAUSEWAY_METRICS_TOKEN", "open sesame")], &[]);
    let mut browser = Browser::signed_in(&console);
    let gateway = create_gateway(&mut browser);
    let credential = enrolled(&console, &mut browser, &gateway);
    let mut waiting = std::os::unix::net::UnixStream::connect(console.data().join("agent.sock")).expect("the socket");
    // The first document is taken before, so that the second question waits.
    let first = Answer::over_socket_as(&console.data().join("agent.sock"), &credential, "/agent/v1/document?wait=5");
    let version =
        serde_json::from_str::<serde_json::Value>(&first.body).expect("a delivery")["full"]["version"].clone();
    let question = format!(
        "GET /agent/v1/document?wait=50&epoch={}&generation={}&hash={} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {credential}\r\n\r\n",
        version["epoch"],
        version["generation"],
        version["hash"].as_str().expect("a hash")
    );
    std::io::Write::write_all(&mut waiting, question.as_bytes()).expect("it is sent");
    let mut connected = |count: u32| {
        let end = Instant::now() + Duration::from_secs(10);
        let line = format!("causeway_agents_connected {count}\n");
        while Instant::now() < end {
            let figures = browser.send("GET", "/metrics", &[("authorization", "Bearer open sesame")], b"");
            if figures.body.contains(&line) {
                return true;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        false
    };
    assert!(connected(1), "it waits");
    drop(waiting);
    assert!(connected(0), "it has hung up");
}

#[test]
fn a_certificate_of_the_operators_own_is_known_by_its_issuer_and_may_be_renewed() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name).to_str().expect("text").to_owned();
    let issuer_key = rcgen::KeyPair::generate().expect("a key");
    let mut issuer = rcgen::CertificateParams::new(Vec::new()).expect("an issuer");
    issuer.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    std::fs::write(path("issuer.pem"), issuer.self_signed(&issuer_key).expect("a certificate").pem()).expect("written");
    let own_key = rcgen::KeyPair::generate().expect("a key");
    let own = rcgen::CertificateParams::new(vec!["localhost".to_owned()]).expect("names");
    let issuer = rcgen::Issuer::new(issuer, &issuer_key);
    std::fs::write(path("own.pem"), own.signed_by(&own_key, &issuer).expect("a certificate").pem()).expect("written");
    std::fs::write(path("key.pem"), own_key.serialize_pem()).expect("written");

    let (own, key) = (path("own.pem"), path("key.pem"));
    let options = ["--listen", "https://127.0.0.1:0", "--tls-certificate", &own, "--tls-key", &key];
    let console = Console::start_with(&[], &options);
    let mut browser = Browser::signed_in(&console);
    let gateway = create_gateway(&mut browser);
    let answer = browser.call("gateways/enrolment", &[("project", "default"), ("id", &gateway)]);
    let enrolment: serde_json::Value = serde_json::from_str(&answer.body).expect("an enrolment");
    assert!(!answer.body.contains("sha256="), "the operator renews it: {}", answer.body);

    // A host that trusts the issuer needs nothing but the address.
    let address = format!("https://localhost:{}", console.https_port());
    let run = |authorities: &str| {
        let mut agent = std::process::Command::new(env!("CARGO_BIN_EXE_causeway"));
        agent.args(["agent", "--console", &address, "--host", "recording:203.0.113.10", "--state", &path("state")]);
        agent.env("CAUSEWAY_TOKEN", enrolment["token"].as_str().expect("a token"));
        agent.env("SSL_CERT_FILE", authorities).stderr(std::process::Stdio::null()).spawn().expect("the agent")
    };
    let mut agent = run(&path("issuer.pem"));
    let end = Instant::now() + Duration::from_secs(20);
    let mut key = String::new();
    while key.is_empty() && Instant::now() < end {
        let shown = browser.call("gateways/get", &[("project", "default"), ("id", &gateway)]);
        let shown: serde_json::Value = serde_json::from_str(&shown.body).expect("a gateway");
        key = shown["public_key"].as_str().unwrap_or_default().to_owned();
        std::thread::sleep(Duration::from_millis(50));
    }
    agent.kill().expect("it runs");
    _ = agent.wait();
    assert!(!key.is_empty(), "the host has enrolled");
}

#[test]
fn row_88_whoever_opens_the_confirmation_and_cancels_deletes_nothing() {
    let console = Console::start();
    let mut browser = Browser::signed_in(&console);
    let gateway = create_gateway(&mut browser);
    let page = format!("/projects/default/gateways/{gateway}/delete");
    let dialog = browser.get(&page);
    assert_eq!(dialog.status, 200);
    let cancel = dialog.body.split("<a ").find(|link| link.contains(">Cancel<")).expect("a way out");
    let href = cancel.split("href=\"").nth(1).and_then(|rest| rest.split('"').next()).expect("it leads somewhere");
    assert_eq!(browser.get(href).status, 200);
    let fields = [("project", "default"), ("id", gateway.as_str())];
    assert_eq!(browser.call("gateways/get", &fields).status, 200, "it is still there");
    let done = browser.submit("gateways/delete", &page, &fields);
    assert_eq!(done.status, 303, "{}", done.body);
    assert_eq!(browser.call("gateways/get", &fields).status, 404);
}
