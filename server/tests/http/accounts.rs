//! Cloud accounts over HTTP: what is typed comes back without its secrets, and nothing of a secret leaves the console.

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
