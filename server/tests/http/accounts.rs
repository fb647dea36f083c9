//! Cloud accounts over HTTP: what is typed comes back without its secrets, and nothing of a secret leaves the console.

use std::time::{Duration, Instant};

use clouds::lookalike::{Lookalikes, Settings, Side};
use serde_json::Value;

use super::serving::{Browser, Console};

const PAGE: &str = "/projects/default/accounts/new";
const SECRET: &str = "wJalrXUtnFEMI-hunter2";

#[test]
fn a_refused_form_comes_back_with_what_was_typed_and_without_its_secrets() {
    let console = Console::start();
    let mut browser = Browser::signed_in(&console);
    for fields in [
        vec![
            ("form[provider]", "aws"),
            ("form[name]", "operations"),
            ("form[aws_account_id]", "12"),
            ("form[aws_access_key_id]", "AKIAIOSFODNN7EXAMPLE"),
            ("form[aws_secret_access_key]", SECRET),
        ],
        vec![
            ("form[provider]", "google"),
            ("form[name]", "operations"),
            ("form[google_service_account]", "{\"private_key\":\"wJalrXUtnFEMI-hunter2\"}"),
        ],
        vec![
            ("form[provider]", "azure"),
            ("form[name]", "operations"),
            ("form[azure_resource_group]", "console"),
            ("form[azure_client_secret]", SECRET),
        ],
        vec![("form[provider]", "upcloud"), ("form[name]", ""), ("form[upcloud_token]", SECRET)],
        vec![
            ("form[provider]", "upcloud"),
            ("form[name]", ""),
            ("form[upcloud_username]", "causeway"),
            ("form[upcloud_password]", SECRET),
        ],
    ] {
        let mut all = vec![("project", "default")];
        all.extend(&fields);
        let answer = browser.submit("accounts/create", PAGE, &all);
        assert_eq!(answer.status, 303, "{}", answer.body);
        let location = answer.location().to_owned();
        assert!(location.contains("flash=") && !location.contains("hunter2"), "{location}");
        let path = location
            .split_once("127.0.0.1:")
            .map_or(location.as_str(), |(_, rest)| &rest[rest.find('/').expect("a path")..]);
        let page = browser.get(path);
        assert_eq!(page.status, 200);
        assert!(!page.body.contains("hunter2"), "{fields:?}");
        assert!(page.body.contains("role=\"alert\""), "{fields:?}");
        for (name, value) in &fields {
            let typed = ["name", "account_id", "access_key_id", "resource_group", "username"];
            if typed.iter().any(|part| name.contains(part)) && !value.is_empty() {
                assert!(page.body.contains(&format!("value=\"{value}\"")), "{name} stays");
            }
        }
    }
    assert!(!console.stop().contains("hunter2"));
}

#[test]
fn an_account_is_shown_without_its_secret_everywhere() {
    let console = Console::start();
    let mut browser = Browser::signed_in(&console);
    let fields = [
        ("project", "default"),
        ("form[provider]", "aws"),
        ("form[name]", "operations"),
        ("form[aws_account_id]", "111122223333"),
        ("form[aws_access_key_id]", "AKIAIOSFODNN7EXAMPLE"),
        ("form[aws_secret_access_key]", SECRET),
    ];
    let answer = browser.submit("accounts/create", PAGE, &fields);
    assert_eq!((answer.status, answer.location()), (303, "/projects/default/accounts"));
    let list = browser.call("accounts/list", &[("project", "default")]).body;
    let all: serde_json::Value = serde_json::from_str(&list).expect("JSON");
    let id = all[0]["id"].as_str().expect("an id").to_owned();
    let changes = browser.call("changes/list", &[("project", "default"), ("filter[limit]", "50")]).body;
    assert!(changes.contains("cloud_account_create"), "{changes}");
    let mut shown = vec![list, changes];
    for path in ["accounts", "changes", &format!("accounts/{id}"), &format!("accounts/{id}/delete")] {
        let page = browser.get(&format!("/projects/default/{path}"));
        assert_eq!(page.status, 200, "{path}");
        assert!(page.body.contains("operations"), "{path}");
        shown.push(page.body);
    }
    shown.push(console.stop());
    assert!(shown.iter().all(|text| !text.contains("hunter2") && !text.contains("sealed")));
}

/// The only account, once its check says so.
fn until_checked(browser: &mut Browser, wanted: impl Fn(&Value) -> bool) -> Value {
    let end = Instant::now() + Duration::from_secs(20);
    loop {
        let list = browser.call("accounts/list", &[("project", "default")]).body;
        let mut all: Vec<Value> = serde_json::from_str(&list).expect("JSON");
        if all.first().is_some_and(|one| one["checking"] == false && wanted(&one["check"]["outcome"])) {
            return all.remove(0);
        }
        assert!(Instant::now() < end, "{list}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn an_account_that_signs_in_as_another_user_is_held_until_a_person_says_without_a_script_that_it_is_the_same() {
    let folder = tempfile::tempdir().expect("a folder");
    let url = format!("sqlite:{}?mode=rwc", folder.path().join("lookalike.db").display());
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    let clouds = runtime.block_on(Lookalikes::start(&url, &Settings::immediate())).expect("a cloud");
    let user = runtime.block_on(clouds.upcloud.account(Side::Ours));
    let another = runtime.block_on(clouds.upcloud.account(Side::Theirs));
    let endpoint = format!("{}/1.3", clouds.upcloud.url());
    let console = Console::start_with(&[("CAUSEWAY_UPCLOUD_ENDPOINT", &endpoint)], &[]);
    let mut browser = Browser::signed_in(&console);

    let form = [("project", "default"), ("form[provider]", "upcloud"), ("form[name]", "lab")];
    let token = [&form[..], &[("form[upcloud_token]", another.token.expose())]].concat();
    assert_eq!(browser.submit("accounts/create", PAGE, &token).location(), "/projects/default/accounts");
    let account = until_checked(&mut browser, |outcome| outcome["Ok"] == another.username.as_str());
    let id = account["id"].as_str().expect("an id").to_owned();
    browser.create_vpc("alpha", "10.20.0.0/16");
    console.sql(&format!("update vpc set account_id = '{id}'"));

    let page = format!("/projects/default/accounts/{id}");
    let name = user.username.as_str();
    let password = user.password.expose();
    let changed = [("id", id.as_str()), ("form[upcloud_username]", name), ("form[upcloud_password]", password)];
    let changed = [&form[..], &changed].concat();
    assert_eq!(browser.submit("accounts/update", &page, &changed).location(), "/projects/default/accounts");
    until_checked(&mut browser, |outcome| outcome["Err"]["doubt"] == "foreign");
    assert!(browser.get("/projects/default/accounts").body.contains("VPCs in UpCloud stand still until"));
    let held = browser.get(&page).body;
    let question = format!("Are {name} and {} users of one UpCloud account?", another.username);
    assert!(held.contains(&question), "{held}");
    assert!(held.contains("/api/accounts/confirm") && held.contains("form=\"confirmation\""), "{held}");

    let confirm = |identity| [("project", "default"), ("id", id.as_str()), ("identity", identity)];
    let answer = browser.submit("accounts/confirm", &page, &confirm("somebody"));
    let back = answer.location().split_once("/projects").expect("back to the page").1.to_owned();
    let refused = browser.get(&format!("/projects{back}")).body;
    assert!(refused.contains("UpCloud says something else of these credentials by now."), "{refused}");

    let answer = browser.submit("accounts/confirm", &page, &confirm(name));
    assert_eq!((answer.status, answer.location()), (303, "/projects/default/accounts"));
    until_checked(&mut browser, |outcome| outcome["Ok"] == name);
    assert!(!browser.get(&page).body.contains(&question), "nothing is asked that is answered");
    let changes = browser.call("changes/list", &[("project", "default"), ("filter[limit]", "50")]).body;
    assert!(changes.contains("users of one account"), "{changes}");
}
