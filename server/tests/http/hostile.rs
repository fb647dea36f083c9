//! Values that nobody should send, to every function that takes any: a clear 4xx, and nothing changes.

use super::serving::{Browser, Console};

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
    hostile_fields_of_accounts(&mut browser, &long);
    assert_eq!(seq(&mut browser), before, "nothing has changed");
}

const ID: &str = "0197c1f2-5c1e-7a40-9b1d-3f2a6c8e4d10";

/// Accounts that would be made, but for one field.
const ACCOUNTS: [&[(&str, &str)]; 5] = [
    &[
        ("provider", "aws"),
        ("name", "operations"),
        ("aws_account_id", "111122223333"),
        ("aws_access_key_id", "AKIAIOSFODNN7EXAMPLE"),
        ("aws_secret_access_key", "wJalrXUtnFEMI"),
        ("aws_role_arn", "arn:aws:iam::111122223333:role/console"),
    ],
    &[
        ("provider", "google"),
        ("name", "operations"),
        (
            "google_service_account",
            r#"{"type":"service_account","project_id":"tidewater","client_email":"a@b","private_key_id":"1","private_key":"2"}"#,
        ),
    ],
    &[
        ("provider", "azure"),
        ("name", "operations"),
        ("azure_tenant_id", ID),
        ("azure_client_id", ID),
        ("azure_client_secret", "s3cret"),
        ("azure_subscription_id", ID),
        ("azure_resource_group", "console"),
    ],
    &[("provider", "upcloud"), ("name", "operations"), ("upcloud_token", "ucat_01ABC")],
    &[
        ("provider", "upcloud"),
        ("name", "operations"),
        ("upcloud_username", "causeway"),
        ("upcloud_password", "hunter2hunter2"),
    ],
];

fn hostile_fields_of_accounts(browser: &mut Browser, long: &str) {
    for account in ACCOUNTS {
        for (bad, _) in account {
            for value in ["\0", "a\r\nx-forwarded-for: b", "\u{7f}", "a\0b", long] {
                let field = |(name, good): &(&str, &str)| {
                    (format!("form[{name}]"), if name == bad { value.to_owned() } else { (*good).to_owned() })
                };
                let mut fields = vec![("project".to_owned(), "default".to_owned())];
                fields.extend(account.iter().map(field));
                let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (&**name, &**value)).collect();
                let answer = browser.call("accounts/create", &fields);
                assert!(
                    (400..500).contains(&answer.status),
                    "accounts/create with {bad}={value:.30?}: {} {}",
                    answer.status,
                    answer.body
                );
                assert!(!answer.body.contains("hunter2hunter2") && !answer.body.contains("wJalrXUtnFEMI"), "{bad}");
            }
        }
    }
}
