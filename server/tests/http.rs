//! The real binary on a port of its own with a real SQLite file: what browsers, strangers and hostile pages get.

mod serving;

use std::time::{Duration, Instant};

use serving::{Answer, Browser, Console, EMAIL, PASSWORD};

const WRONG: &str = "The e-mail address or the password is not right.";

#[test]
fn the_set_up_link_makes_one_administrator_and_is_void_ever_after() {
    let console = Console::without_anybody();
    let link = console.set_up_link();
    let mut first = Browser::new(&console);
    assert_eq!(first.get("/projects/harbor/vpcs").location(), "/setup", "there is nobody to sign in as");
    let token = link.split("token=").nth(1).expect("the link has a token");
    assert_eq!(first.call("session/set-up-link", &[("token", token)]).body, "true");
    assert_eq!(first.call("session/set-up-link", &[("token", "another")]).body, "false");

    let fields = [
        ("token", token),
        ("email", EMAIL),
        ("password", PASSWORD),
        ("organization", "Tidewater"),
        ("project", "harbor"),
    ];
    let page = format!("/setup?token={token}");
    let answer = first.submit("session/set-up", &page, &fields);
    assert_eq!((answer.status, answer.location()), (303, "/"));
    assert_eq!(first.get("/").location(), "/projects/harbor");
    assert!(!console.data().join("setup-link").exists(), "nobody needs the link's file any more");

    let mut second = Browser::new(&console);
    assert_eq!(second.call("session/set-up-link", &[("token", token)]).body, "false");
    let mut fields = fields;
    fields[1].1 = "mallory@example.com";
    let refused = second.call("session/set-up", &fields);
    assert_eq!(refused.status, 409);
    assert!(refused.body.contains("has been used"), "{}", refused.body);
    assert!(second.sign_in("mallory@example.com", PASSWORD).body.contains(WRONG));
}

#[test]
fn an_administrator_from_the_command_line_voids_the_link() {
    let console = Console::without_anybody();
    let link = console.set_up_link();
    console.create_administrator();
    let token = link.split("token=").nth(1).expect("the link has a token");
    let mut browser = Browser::new(&console);
    assert_eq!(browser.call("session/set-up-link", &[("token", token)]).body, "false");
    assert_eq!(browser.sign_in(EMAIL, PASSWORD).status, 200);
    assert_eq!(browser.get("/").location(), "/projects/default");
}

#[test]
fn sixteen_hands_on_the_set_up_link_make_one_administrator() {
    let console = Console::without_anybody();
    let link = console.set_up_link();
    let token = link.split("token=").nth(1).expect("the link has a token").to_owned();
    let won = std::thread::scope(|scope| {
        let hands: Vec<_> = (0..16)
            .map(|hand| {
                let (console, token) = (&console, &token);
                scope.spawn(move || {
                    let email = format!("hand{hand}@example.com");
                    let project = format!("harbor-{hand}");
                    let organization = format!("Tidewater {hand}");
                    let fields = [
                        ("token", token.as_str()),
                        ("email", &email),
                        ("password", PASSWORD),
                        ("organization", &organization),
                        ("project", &project),
                    ];
                    Browser::new(console).call("session/set-up", &fields).status
                })
            })
            .collect();
        hands.into_iter().map(|hand| hand.join().expect("no panic")).filter(|status| *status == 200).count()
    });
    assert_eq!(won, 1);
}

#[test]
fn guessing_is_slowed_down_and_tells_nothing() {
    let console = Console::start();
    let mut browser = Browser::new(&console);
    let known = browser.sign_in(EMAIL, "a wrong password");
    let unknown = browser.sign_in("nobody@example.com", "a wrong password");
    assert_eq!((known.status, &known.body), (unknown.status, &unknown.body));
    assert!(known.body.contains(WRONG), "{}", known.body);
    for _ in 0..4 {
        browser.sign_in(EMAIL, "a wrong password");
    }
    let slowed = browser.sign_in(EMAIL, PASSWORD);
    assert_eq!(slowed.status, 429);
    assert!(slowed.header("retry-after").is_some_and(|seconds| seconds == "1"), "{slowed:?}");
    assert!(slowed.body.contains("too_many"), "{}", slowed.body);
    std::thread::sleep(Duration::from_millis(1100));
    assert_eq!(browser.sign_in(EMAIL, PASSWORD).status, 200, "slowed down, not locked out");
}

#[test]
fn strangers_are_led_to_the_sign_in_page_and_on_from_there() {
    let console = Console::start();
    let mut browser = Browser::new(&console);
    let led = browser.get("/projects/default/vpcs?sort=name");
    assert_eq!((led.status, led.location()), (303, "/signin?next=%2Fprojects%2Fdefault%2Fvpcs%3Fsort%3Dname"));
    let fields = [("email", EMAIL), ("password", PASSWORD), ("next", "/projects/default/vpcs?sort=name")];
    let answer = browser.submit("session/sign-in", "/signin", &fields);
    assert_eq!((answer.status, answer.location()), (303, "/projects/default/vpcs?sort=name"));
    let cookie = answer.header("set-cookie").expect("a session");
    for word in ["causeway=", "HttpOnly", "SameSite=Lax", "Path=/"] {
        assert!(cookie.contains(word), "{cookie}");
    }
    assert_eq!(browser.get("/signin?next=//evil.example").location(), "/", "never to another site");
    let api = Browser::new(&console).call("vpcs/list", &[("project", "default")]);
    assert_eq!((api.status, api.body.as_str()), (401, "\"unauthenticated\""));
}

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
fn a_form_whose_session_has_ended_waits_behind_the_sign_in_page() {
    let console = Console::start();
    let mut browser = Browser::signed_in(&console);
    browser.call("session/sign-out-everywhere", &[]);
    let fields = [("project", "default"), ("name", "alpha"), ("cloud", "local-default"), ("cidr", "10.20.0.0/16")];
    let answer = browser.submit("vpcs/create", "/projects/default/vpcs/new", &fields);
    assert!(answer.location().starts_with("/signin?next=%2Fprojects%2Fdefault%2Fvpcs%2Fnew%3Fflash%3D"), "{answer:?}");
    let id = answer.location().rsplit("flash%3D").next().expect("an id").to_owned();
    browser.sign_in(EMAIL, PASSWORD);
    assert!(browser.call("flash/get", &[("id", &id)]).body.contains("10.20.0.0/16"));
}

#[test]
fn signing_out_everywhere_ends_other_browsers_and_their_streams() {
    let console = Console::start();
    let mut laptop = Browser::signed_in(&console);
    let mut phone = Browser::signed_in(&console);
    let mut stream = phone.events(None);
    assert!(stream.next_event(Duration::from_secs(5)).expect("a greeting").contains("event: hello"));
    laptop.call("session/sign-out-everywhere", &[]);
    let started = Instant::now();
    while stream.next_event(Duration::from_secs(5)).is_some() {}
    assert!(started.elapsed() < Duration::from_secs(5), "the stream ended by itself");
    assert_eq!(phone.call("vpcs/list", &[("project", "default")]).status, 401);
    assert_eq!(phone.events_status(), 401, "and does not come back");
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
fn signing_in_again_ends_the_browsers_earlier_session() {
    let console = Console::start();
    let mut browser = Browser::signed_in(&console);
    let mut copy = browser.clone();
    browser.sign_in(EMAIL, PASSWORD);
    assert_eq!(browser.call("vpcs/list", &[("project", "default")]).status, 200);
    assert_eq!(copy.call("vpcs/list", &[("project", "default")]).status, 401);
    browser.call("session/sign-out", &[]);
    assert_eq!(browser.call("vpcs/list", &[("project", "default")]).status, 401);
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
fn hostile_requests_get_a_clear_4xx_and_change_nothing() {
    let console = Console::start();
    let mut browser = Browser::signed_in(&console);
    let own = [("sec-fetch-site", "same-origin")];
    let huge = format!("project=default&name={}", "x".repeat(10 * 1024 * 1024));
    let answer = browser.send("POST", "/api/vpcs/create", &own, huge.as_bytes());
    assert_eq!(answer.status, 413);
    assert!(answer.body.contains("256 kB"), "{}", answer.body);

    let with = |kind: &'static str| [("sec-fetch-site", "same-origin"), ("content-type", kind)];
    for (kind, body, status) in [
        ("text/xml", "<vpc/>", 415),
        ("multipart/form-data; boundary=x", "--x--", 415),
        ("application/x-www-form-urlencoded", "", 400),
        ("application/x-www-form-urlencoded", "project=default", 400),
        ("application/x-www-form-urlencoded", "project[]=1&name[a]=2&cloud=3&cidr=4", 400),
        ("application/x-www-form-urlencoded", "\u{0}%ff%fe=&&&===", 400),
        ("application/json", "{\"project\":1}", 400),
        ("application/x-www-form-urlencoded", "project=default&name=Alpha!&cloud=local-default&cidr=10.20.0.7/16", 400),
        ("application/x-www-form-urlencoded", "project=default&name=alpha&cloud=aws-mars-1&cidr=10.20.0.0/16", 400),
        (
            "application/x-www-form-urlencoded",
            "project=elsewhere&name=alpha&cloud=local-default&cidr=10.20.0.0/16",
            404,
        ),
        (
            "application/x-www-form-urlencoded",
            "project=../../etc&name=alpha&cloud=local-default&cidr=10.20.0.0/16",
            404,
        ),
    ] {
        let answer = browser.send("POST", "/api/vpcs/create", &with(kind), body.as_bytes());
        assert_eq!(answer.status, status, "{kind} {body}: {}", answer.body);
    }
    let json = browser.send(
        "POST",
        "/api/changes/list",
        &with("application/json"),
        b"{\"project\":\"default\",\"filter\":{\"limit\":\"many\"}}",
    );
    assert_eq!(json.status, 400, "{}", json.body);
    for (function, id) in [
        ("vpcs/get", "0197c1f2-5c1e-7a40-9b1d-3f2a6c8e4d10"),
        ("vpcs/delete", "0197c1f2-5c1e-7a40-9b1d-3f2a6c8e4d10"),
        ("gateways/get", "' or 1=1 --"),
        ("peers/get", "0197c1f2-5c1e-7a40-9b1d-3f2a6c8e4d10"),
    ] {
        let answer = browser.call(function, &[("project", "default"), ("id", id)]);
        assert_eq!((answer.status, answer.body.as_str()), (404, "\"not_found\""), "{function}");
    }
    assert_eq!(browser.send("GET", "/api/vpcs/create", &[], b"").status, 405);
    assert_eq!(browser.call("vpcs/nothing", &[]).status, 404);
    assert_eq!(browser.get("/pkg/../../Cargo.toml").status, 404);
    assert_eq!(
        browser.call("vpcs/list", &[("project", "default")]).body.matches("10.20.").count(),
        0,
        "nothing was made"
    );
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

#[test]
fn a_session_outlives_the_console_and_not_its_lifetime() {
    let mut console = Console::start_with(&[], &["--session-idle", "3600"]);
    let mut browser = Browser::signed_in(&console);
    console.restart();
    assert_eq!(browser.call("vpcs/list", &[("project", "default")]).status, 200);
    console.age_sessions(3601);
    assert_eq!(browser.call("vpcs/list", &[("project", "default")]).status, 401);
}

#[test]
fn a_restored_backup_ends_every_session() {
    let console = Console::start();
    let mut browser = Browser::signed_in(&console);
    console.sql("update counter set value = value + 1 where name = 'epoch'");
    assert_eq!(browser.call("vpcs/list", &[("project", "default")]).status, 401);
}

/// Every server function as it stands in the sources: its path and the names of its arguments.
fn server_functions() -> Vec<(String, Vec<String>)> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../app/src/api");
    let mut functions = Vec::new();
    for entry in std::fs::read_dir(folder).expect("the folder of server functions") {
        let text = std::fs::read_to_string(entry.expect("an entry").path()).expect("a source");
        for piece in text.split("#[server(endpoint = \"").skip(1) {
            let (endpoint, rest) = piece.split_once('"').expect("it ends");
            let (_, rest) = rest.split_once("pub async fn ").expect("a function follows");
            let (_, rest) = rest.split_once('(').expect("it has arguments");
            let (arguments, _) = rest.split_once(") ->").expect("and a result");
            // The first of `name: Type` after each comma; types of arguments have none.
            let names = arguments.split(',').filter_map(|argument| argument.split_once(':'));
            functions.push((endpoint.to_owned(), names.map(|(name, _)| name.trim().to_owned()).collect()));
        }
    }
    assert!(functions.len() > 40, "{functions:?}");
    functions
}

/// What may be asked with any text at all: a search, an id that nobody has.
const TAKES_ANY_TEXT: [(&str, &str); 3] = [("find", "text"), ("flash/get", "id"), ("session/set-up-link", "token")];

#[test]
fn every_server_function_answers_hostile_values_with_a_4xx_and_nothing_changes() {
    ask_hostile_values(&Console::start());
}

#[test]
fn every_server_function_answers_hostile_values_with_a_4xx_on_postgresql_too() {
    if let Some(console) = Console::start_on_postgres() {
        ask_hostile_values(&console);
    }
}

fn ask_hostile_values(console: &Console) {
    let mut browser = Browser::signed_in(console);
    browser.create_vpc("alpha", "10.20.0.0/16");
    let seq = |browser: &mut Browser| -> u64 {
        let viewer: serde_json::Value =
            serde_json::from_str(&browser.call("session/viewer", &[]).body).expect("the viewer");
        viewer["seq"].as_u64().expect("a number")
    };
    let before = seq(&mut browser);
    let long = "x".repeat(100_000);
    let hostile =
        ["", "\0", "' or 1=1 --", "<script>alert(1)</script>", "../../etc/passwd", &long, "\u{202e}\u{7f}", "-1", "{}"];
    for (function, arguments) in server_functions() {
        let path = format!("/api/{function}");
        let own = [("sec-fetch-site", "same-origin")];
        for (body, kind) in [("<x/>", "text/xml"), ("{", "application/json"), ("[1]", "application/json")] {
            if arguments.is_empty() && kind != "text/xml" {
                continue; // It reads no body.
            }
            let headers = [own[0], ("content-type", kind)];
            let answer = browser.send("POST", &path, &headers, body.as_bytes());
            assert!((400..500).contains(&answer.status), "{function} {body}: {} {}", answer.status, answer.body);
        }
        for bad in &arguments {
            // Objects that nobody has, in a project that there is, so that nothing but the answer comes of it.
            let good = |name: &str| match name {
                "project" => "default",
                "password" => "a wrong password",
                _ => "0197c1f2-5c1e-7a40-9b1d-3f2a6c8e4d10",
            };
            for value in hostile {
                for nested in [bad.clone(), format!("{bad}[name]")] {
                    let fields: Vec<(&str, &str)> = arguments
                        .iter()
                        .map(|name| if name == bad { (nested.as_str(), value) } else { (name.as_str(), good(name)) })
                        .collect();
                    let answer = browser.call(&function, &fields);
                    let any = TAKES_ANY_TEXT.contains(&(function.as_str(), bad.as_str()));
                    assert!(
                        (400..500).contains(&answer.status) || any && answer.status == 200,
                        "{function} with {nested}={value:.30?}: {} {}",
                        answer.status,
                        answer.body
                    );
                    assert!(!answer.body.contains("panicked") && !answer.body.contains("sqlx"), "{}", answer.body);
                }
            }
        }
    }
    assert_eq!(seq(&mut browser), before, "nothing has changed");
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
