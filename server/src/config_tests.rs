use super::*;

fn merged(arguments: ServeArguments, toml: &str) -> Result<Config> {
    let data = std::env::temp_dir();
    let arguments =
        ServeArguments { database: DatabaseArguments { data: Some(data), ..arguments.database }, ..arguments };
    Config::merge(arguments, toml::from_str(toml).expect("the file parses"))
}

#[test]
fn without_settings_browsers_come_by_loopback_and_agents_by_a_socket_in_the_data_folder() {
    let config = merged(ServeArguments::default(), "").expect("defaults work");
    let socket = std::env::temp_dir().join("agent.sock");
    assert_eq!(config.listen, [Listen::default(), Listen::Unix(socket)]);
    assert_eq!(config.browser_address(), "http://127.0.0.1:3000");
    assert_eq!(config.locations, [default_location()]);
}

#[test]
fn the_command_line_wins_over_the_file() {
    let arguments = ServeArguments { agent_silent_after: Some(60), ..ServeArguments::default() };
    let config = merged(arguments, "[agent]\nsilent_after = 90\n[session]\nidle = 600\n").expect("both are good");
    assert_eq!(config.agent_silent_after, Duration::from_secs(60));
    assert_eq!(config.session.idle, Duration::from_secs(600));
}

#[test]
fn what_cannot_work_is_refused_by_the_name_of_the_setting() {
    let refused = |toml: &str| merged(ServeArguments::default(), toml).expect_err("refused").to_string();
    assert!(refused("public_url = 'http://console.example.com'").contains("plain http"));
    assert!(refused("public_url = 'https://console.example.com/path'").contains("public_url"));
    assert!(refused("[tls]\ncertificate = 'a.pem'").contains("tls.key"));
    assert!(refused("trusted_proxies = ['proxy']").contains("trusted_proxies"));
    assert!(refused("listen = ['unix:/tmp/x']").contains("for browsers"));
    assert!(refused("database_url = 'mysql://x'").contains("database_url"));
    assert!(refused("[session]\nidle = 1").contains("session.idle"));
    assert!(refused("support = 'javascript:alert(1)'").contains("support"));
    assert!(refused("services_domain = 'two words'").contains("services_domain"));
    assert!(refused("[[locations]]\nname = 'Oslo!'\nlabel = 'Oslo'").contains("Oslo!"));
}

#[test]
fn row_46_support_is_nobody_unless_the_operator_names_somebody() {
    let href = |toml: &str| {
        let config = merged(ServeArguments::default(), toml).expect("good");
        config.support.map(|support| support.href())
    };
    assert_eq!(href(""), None);
    assert_eq!(href("support = 'help@example.com'").as_deref(), Some("mailto:help@example.com"));
    let of_arguments =
        ServeArguments { support: Some("https://support.example.com".to_owned()), ..ServeArguments::default() };
    let config = merged(of_arguments, "support = 'help@example.com'").expect("both are good");
    assert_eq!(config.support.map(|support| support.href()).as_deref(), Some("https://support.example.com"));
}

#[test]
fn every_setting_of_the_example_file_is_one_that_is_read() {
    let example = include_str!("../../causeway.example.toml");
    // Settings are shown commented out with a single #; prose has a space after it.
    let uncommented: String = example
        .lines()
        .map(|line| {
            line.strip_prefix('#').filter(|rest| !rest.starts_with([' ', '#']) && !rest.is_empty()).unwrap_or(line)
        })
        .map(|line| format!("{line}\n"))
        .collect();
    let file: File = toml::from_str(&uncommented).expect("the example parses");
    assert!(file.is_complete(), "causeway.example.toml must show every setting: {file:?}");
}

#[test]
fn an_address_with_a_password_is_not_printed() {
    let config =
        merged(ServeArguments::default(), "database_url = 'postgres://causeway:hunter2@db/causeway'").expect("good");
    assert!(!format!("{config:?}").contains("hunter2"));
}
