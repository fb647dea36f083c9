//! Who gets in, how long they stay, and what is told to those who do not.

use std::time::{Duration, Instant};

use crate::{
    WRONG,
    serving::{Browser, Console, EMAIL, PASSWORD},
};

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
