//! The real binary on a port of its own with a real SQLite file: what browsers, strangers and hostile pages get.

mod accounts;
mod agents;
mod certificates;
mod hostile;
mod keys;
mod migrations;
mod serving;
mod sessions;

use std::time::{Duration, Instant};

use serving::{Answer, Browser, Console, EMAIL, PASSWORD};

const WRONG: &str = "The e-mail address or the password is not right.";

#[test]
fn another_sites_page_cannot_write() {
    let console = Console::start();
    let mut browser = Browser::signed_in(&console);
    let body = serving::form(&[
        ("project", "default"),
        ("name", "alpha"),
        ("cloud", "local-default"),
        ("cidr", "10.20.0.0/16"),
    ]);
    let mut attempt = |headers: &[(&str, &str)]| browser.send("POST", "/api/vpcs/create", headers, body.as_bytes());
    for foreign in [
        &[("sec-fetch-site", "cross-site")][..],
        &[("sec-fetch-site", "same-site")],
        &[("origin", "https://evil.example")],
        &[("origin", "null")],
        &[],
        // The proxy's word is believed from a proxy only.
        &[("origin", "https://evil.example"), ("x-forwarded-host", "evil.example")],
    ] {
        let answer = attempt(foreign);
        assert_eq!(answer.status, 403, "{foreign:?}");
        assert!(answer.body.contains("another site"), "{}", answer.body);
    }
    assert_eq!(browser.call("vpcs/list", &[("project", "default")]).body.matches("alpha").count(), 0);
    let own = format!("http://127.0.0.1:{}", console.port);
    assert_eq!(browser.send("POST", "/api/vpcs/create", &[("origin", &own)], body.as_bytes()).status, 200);
}

#[test]
fn a_page_that_many_open_at_once_is_there_for_everybody() {
    let console = Console::start();
    let mut browser = Browser::signed_in(&console);
    let fields = [("project", "default"), ("name", "alpha"), ("cloud", "local-default"), ("cidr", "10.20.0.0/16")];
    let vpc = browser.call("vpcs/create", &fields).body;
    // A page that is called by what it shows: the server writes the title last.
    let path = format!("/projects/default/vpcs/{}", vpc.trim_matches('"'));
    let mut colleagues: Vec<Browser> = (0..8).map(|_| Browser::signed_in(&console)).collect();
    let open = &|colleague: &mut Browser| (0..25).filter(|_| colleague.get(&path).status != 200).count();
    let failed: usize = std::thread::scope(|scope| {
        let all: Vec<_> = colleagues.iter_mut().map(|colleague| scope.spawn(move || open(colleague))).collect();
        all.into_iter().map(|one| one.join().expect("a colleague")).sum()
    });
    assert_eq!(failed, 0, "of 200 pages: {}", console.log());
    assert!(browser.get(&path).body.contains("alpha · Causeway"));
}

#[test]
fn a_name_that_is_not_ours_is_not_answered() {
    let console = Console::start();
    let mut browser = Browser::signed_in(&console);
    let answer = browser.send("GET", "/projects/default/vpcs", &[("host", "evil.example")], b"");
    assert_eq!(answer.status, 421);
    assert!(answer.body.contains("evil.example"), "{}", answer.body);
}

#[test]
fn a_refused_form_comes_back_with_its_values_and_without_the_password() {
    let console = Console::start();
    let mut browser = Browser::new(&console);
    let fields = [("email", EMAIL), ("password", "a wrong password"), ("next", "")];
    let answer = browser.submit("session/sign-in", "/signin?next=%2F&flash=old", &fields);
    assert_eq!(answer.status, 303);
    let id = answer
        .location()
        .strip_prefix("/signin?next=%2F&flash=")
        .expect("back to its page, the old flash replaced")
        .to_owned();
    let flash = browser.call("flash/get", &[("id", &id)]);
    assert!(flash.body.contains(EMAIL) && flash.body.contains(WRONG), "{}", flash.body);
    assert!(!flash.body.contains("a wrong password"), "{}", flash.body);
    assert_eq!(Browser::new(&console).call("flash/get", &[("id", &id)]).body, "null", "another browser sees nothing");

    let page = browser.get(answer.location());
    assert!(
        page.body.contains(EMAIL) && page.body.contains(WRONG),
        "the page shows what was typed and why it was refused"
    );
}

#[test]
fn the_stream_tells_of_changes_and_resumes_after_the_last_one_seen() {
    let console = Console::start();
    let mut browser = Browser::signed_in(&console);
    let mut stream = browser.events(None);
    let seen = number(&stream.next_event(Duration::from_secs(5)).expect("a greeting"));
    browser.create_vpc("alpha", "10.20.0.0/16");
    // Reconcilers tell of themselves in between.
    let word = std::iter::from_fn(|| stream.next_event(Duration::from_secs(5)))
        .find(|word| word.contains("\"topic\":\"vpcs\""));
    assert!(number(&word.expect("a word of VPCs")) > seen);
    drop(stream);

    browser.create_vpc("beta", "10.30.0.0/16");
    let mut resumed = browser.events(Some(seen + 1));
    let words: Vec<String> = std::iter::from_fn(|| resumed.next_event(Duration::from_millis(500))).take(20).collect();
    assert!(words[0].contains("event: hello"), "{words:?}");
    assert!(words.iter().any(|word| word.contains("\"topic\":\"vpcs\"")), "what was missed is told: {words:?}");

    let last = number(words.last().expect("a greeting at least"));
    let mut current = browser.events(Some(last));
    current.next_event(Duration::from_secs(5)).expect("a greeting");
    let words: Vec<String> = std::iter::from_fn(|| current.next_event(Duration::from_millis(300))).take(20).collect();
    assert!(
        !words.iter().any(|word| word.contains("\"topic\":\"vpcs\"")),
        "nothing was missed, nothing is told: {words:?}"
    );
}

/// The number of the last change, of an event.
fn number(event: &str) -> u64 {
    event.lines().find_map(|line| line.strip_prefix("id: ")?.parse().ok()).expect("every event has a number")
}

#[test]
fn an_open_stream_does_not_keep_the_console_from_stopping() {
    let console = Console::start();
    let mut stream = Browser::signed_in(&console).events(None);
    stream.next_event(Duration::from_secs(5)).expect("a greeting");
    let started = Instant::now();
    let log = console.stop();
    assert!(started.elapsed() < Duration::from_secs(3), "{log}");
    assert!(!log.contains("did not finish"), "{log}");
}

#[test]
fn figures_have_a_listener_of_their_own_if_one_is_set() {
    let port =
        std::net::TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr()).expect("a free port").port();
    let console = Console::start_with(&[], &["--metrics-listen", &format!("127.0.0.1:{port}"), "--log-format", "json"]);
    assert_eq!(Browser::new(&console).get("/metrics").status, 404, "not for whoever reaches the console");
    let figures = Answer::over_tcp(port, "GET", "/metrics", &[("host", "127.0.0.1")], b"").expect("it listens");
    assert!(figures.body.contains("causeway_database_up 1"), "{}", figures.body);
    Browser::new(&console).get("/signin");
    let log = console.stop();
    let lines: Vec<serde_json::Value> =
        log.lines().map(|line| serde_json::from_str(line).expect("an object per line")).collect();
    assert!(lines.iter().any(|line| line["message"] == "GET /signin 200" && line["status"] == 200), "{log}");
}

#[test]
fn the_browsers_own_code_hears_of_a_refusal_without_a_failed_request_and_the_log_by_its_status() {
    let console = Console::start();
    let mut browser = Browser::signed_in(&console);
    browser.create_vpc("alpha", "10.20.0.0/16");
    let outcome = "application/vnd.causeway.outcome+json";
    let mut ask = |accept: &str, kind: &str, body: &str| {
        let headers = [("accept", accept), ("sec-fetch-site", "same-origin"), ("content-type", kind)];
        browser.send("POST", "/api/vpcs/get", &headers, body.as_bytes())
    };
    let (json, gone) = ("application/json", r#"{"project":"default","id":"0197c1f2-5c1e-7a40-9b1d-3f2a6c8e4d10"}"#);
    let told = ask(outcome, json, gone);
    assert_eq!((told.status, told.body.as_str()), (200, r#"{"Err":"not_found"}"#));
    let told = ask(outcome, json, r#"{"project":1}"#);
    assert!(told.status == 200 && told.body.starts_with(r#"{"Err":{"malformed""#), "{told:?}");
    let refused = ask(json, json, gone);
    assert_eq!((refused.status, refused.body.as_str()), (404, "\"not_found\""), "every other client hears the status");
    let form = serving::form(&[("project", "default"), ("id", "no id")]);
    assert_eq!(ask(outcome, "application/x-www-form-urlencoded", &form).body, r#"{"Err":"not_found"}"#);

    let headers = [("accept", outcome), ("sec-fetch-site", "same-origin"), ("content-type", json)];
    let list = browser.send("POST", "/api/vpcs/list", &headers, br#"{"project":"default"}"#);
    assert!(list.body.starts_with(r#"{"Ok":[{"#) && list.body.contains("10.20.0.0/16"), "{list:?}");
    let nowhere = browser.send("POST", "/api/vpcs/nothing", &headers, b"{}");
    assert_eq!(nowhere.status, 404, "no function, no outcome");
    let log = console.stop();
    assert!(log.contains("POST /api/vpcs/get 404") && log.contains("POST /api/vpcs/list 200"), "{log}");
}

#[test]
fn pages_are_sent_compressed_and_the_stream_is_not() {
    let console = Console::start();
    let mut browser = Browser::signed_in(&console);
    let page = |browser: &mut Browser, coding: &'static str| {
        let headers = [("accept", "text/html"), ("sec-fetch-site", "none"), ("accept-encoding", coding)];
        browser.send("GET", "/projects/default/vpcs", &headers, b"")
    };
    for coding in ["br", "gzip"] {
        let answer = page(&mut browser, coding);
        assert_eq!((answer.status, answer.header("content-encoding")), (200, Some(coding)));
        assert!(answer.header("vary").is_some_and(|vary| vary.contains("accept-encoding")), "{answer:?}");
    }
    let plain = page(&mut browser, "identity");
    assert!(plain.header("content-encoding").is_none() && plain.body.contains("Virtual private clouds"), "{plain:?}");

    let mut stream = browser.events_as(None, &[("accept-encoding", "br, gzip")]);
    assert!(stream.next_event(Duration::from_secs(5)).expect("at once, as it is").contains("event: hello"));
}

#[test]
fn somebody_elses_project_does_not_exist() {
    let console = Console::start();
    let mut owner = Browser::signed_in(&console);
    owner.create_vpc("alpha", "10.20.0.0/16");
    console.create_stranger_without_membership("stranger@example.com");
    let mut stranger = Browser::new(&console);
    assert_eq!(stranger.sign_in("stranger@example.com", PASSWORD).status, 200);
    assert_eq!(stranger.call("vpcs/list", &[("project", "default")]).status, 404);
    assert_eq!(
        stranger
            .call(
                "vpcs/create",
                &[("project", "default"), ("name", "x"), ("cloud", "local-default"), ("cidr", "10.99.0.0/16")]
            )
            .status,
        404
    );
}

#[test]
fn pages_carry_a_strict_policy_and_their_own_nonce() {
    let console = Console::start();
    let mut browser = Browser::new(&console);
    let policies: Vec<String> = (0..2)
        .map(|_| {
            let page = browser.get("/signin");
            assert_eq!(page.status, 200);
            let policy = page.header("content-security-policy").expect("a policy").to_owned();
            let nonce = policy.split("'nonce-").nth(1).and_then(|rest| rest.split('\'').next()).expect("a nonce");
            assert!(!page.body.contains("<script>"), "no script without a nonce");
            assert!(
                page.body.contains(&format!("nonce=\"{nonce}\"")),
                "the page's scripts carry the nonce of its policy"
            );
            assert!(!policy.contains("unsafe-inline") && policy.contains("default-src 'none'"), "{policy}");
            policy
        })
        .collect();
    assert_ne!(policies[0], policies[1]);
    for (name, value) in
        [("x-content-type-options", "nosniff"), ("x-frame-options", "DENY"), ("referrer-policy", "same-origin")]
    {
        assert_eq!(browser.get("/signin").header(name), Some(value));
    }
}

#[test]
fn a_page_that_is_not_there_is_404_for_people_and_programs() {
    let console = Console::start();
    let mut browser = Browser::signed_in(&console);
    let page = browser.get("/projects/default/nothing/here");
    assert_eq!(page.status, 404);
    assert!(page.body.contains("<html"), "a page for a person");
    assert_eq!(browser.get("/projects/elsewhere/vpcs").status, 404);
    assert_eq!(browser.send("GET", "/nothing", &[("accept", "application/json")], b"").body, "\"not_found\"");
}

#[test]
fn agents_are_not_served_by_plain_http_and_browsers_not_by_the_socket() {
    let console = Console::start();
    let mut browser = Browser::new(&console);
    let answer = browser.send("POST", "/agent/v1/enrol", &[("content-type", "application/json")], b"{}");
    assert_eq!(answer.status, 403);
    assert!(answer.body.contains("--listen https"), "{}", answer.body);
    let socket = console.data().join("agent.sock");
    assert_eq!(Answer::over_socket(&socket, "GET", "/agent/v1/document", b"").status, 401);
    assert_eq!(Answer::over_socket(&socket, "GET", "/signin", b"").status, 404);
    assert_eq!(Answer::over_socket(&socket, "GET", "/healthz", b"").status, 200);
}

#[test]
fn health_is_open_and_figures_are_for_whoever_has_the_token() {
    let console = Console::start_with(&[("CAUSEWAY_METRICS_TOKEN", "open sesame")], &[]);
    let mut browser = Browser::new(&console);
    assert_eq!((browser.get("/healthz").status, browser.get("/readyz").status), (200, 200));
    assert_eq!(browser.get("/metrics").status, 401);
    let figures = browser.send("GET", "/metrics", &[("authorization", "Bearer open sesame")], b"");
    assert_eq!(figures.status, 200);
    for figure in [
        "causeway_http_requests_total{route=\"health\",status=\"200\"}",
        "causeway_change_seq ",
        "causeway_database_up 1",
        "causeway_controller_runs_total{controller=",
        "causeway_agents_connected 0",
        "causeway_process_resident_memory_bytes ",
    ] {
        assert!(figures.body.contains(figure), "{figure} in {}", figures.body);
    }
    assert!(figures.body.ends_with("# EOF\n"));
}

#[test]
fn assets_are_known_again_by_their_tag() {
    let console = Console::start();
    let mut browser = Browser::new(&console);
    let icon = browser.get("/favicon.svg");
    if icon.status == 303 {
        // The site was not built; the browser tests look at it with the release binary.
        return;
    }
    assert_eq!(icon.header("content-type"), Some("image/svg+xml"));
    let tag = icon.header("etag").expect("a tag").to_owned();
    assert_eq!(browser.send("GET", "/favicon.svg", &[("if-none-match", &tag)], b"").status, 304);
}

#[test]
fn a_second_console_on_the_same_data_refuses_with_a_sentence() {
    let console = Console::start();
    let (code, words) = Console::fails(console.data(), &["--listen", "127.0.0.1:0"]);
    assert_eq!(code, Some(1));
    assert!(words.contains("Another console is running on this database."), "{words}");
}

#[test]
fn what_cannot_start_says_why_and_what_to_do() {
    let console = Console::start();
    let other = tempfile::tempdir().expect("a folder");
    let taken = format!("127.0.0.1:{}", console.port);
    for (arguments, words) in [
        (&["--listen", taken.as_str()][..], "is in use by another process"),
        (&["--listen", "0.0.0.0:3999"], "write https://0.0.0.0:3999"),
        (&["--public-url", "http://console.example.com"], "plain http"),
        (&["--config", "/nonexistent.toml"], "cannot be read"),
        (&["--database-url", "sqlite:/nonexistent/causeway.db"], "cannot be written"),
    ] {
        let (code, said) = Console::fails(other.path(), arguments);
        assert!(code.is_some_and(|code| code != 0), "{arguments:?}");
        assert!(said.contains(words), "{arguments:?}: {said}");
    }
}

#[test]
fn a_database_of_a_newer_causeway_is_left_alone() {
    let console = Console::start();
    let data = tempfile::tempdir().expect("a folder");
    let file = data.path().join("causeway.db");
    console.copy_database_with_a_newer_schema(&file);
    let (code, words) = Console::fails(data.path(), &["--listen", "127.0.0.1:0"]);
    assert_eq!(code, Some(1));
    assert!(words.contains("written by a newer Causeway"), "{words}");
}
