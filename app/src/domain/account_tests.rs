use super::*;

const ID: &str = "0af12345-0000-4000-8000-000000000001";

fn form(provider: &str) -> AccountForm {
    AccountForm { provider: provider.into(), name: "Tidewater".into(), ..AccountForm::default() }
}

fn aws() -> AccountForm {
    AccountForm {
        aws_account_id: "111122223333".into(),
        aws_access_key_id: "AKIAIOSFODNN7EXAMPLE".into(),
        aws_secret_access_key: "wJalrXUtnFEMI".into(),
        ..form("aws")
    }
}

fn google(json: &str) -> AccountForm {
    AccountForm { google_service_account: json.into(), ..form("google") }
}

const KEY: &str = r#"{"type":"service_account","project_id":"tidewater-prod","client_email":"console@tidewater-prod.iam.gserviceaccount.com","private_key_id":"0f1e2d","private_key":"-----BEGIN PRIVATE KEY-----\nMIIE\n"}"#;

fn azure() -> AccountForm {
    AccountForm {
        azure_tenant_id: ID.into(),
        azure_client_id: ID.into(),
        azure_client_secret: "s3cret~value".into(),
        azure_subscription_id: ID.into(),
        azure_resource_group: "console".into(),
        ..form("azure")
    }
}

fn upcloud() -> AccountForm {
    AccountForm { upcloud_token: "ucat_01ABC".into(), ..form("upcloud") }
}

fn refused(form: &AccountForm, field: &str) -> String {
    let refusals = NewAccount::parse(form, None).unwrap_err();
    refusals.at(field).unwrap_or_else(|| panic!("{refusals}")).to_owned()
}

#[test]
fn each_cloud_reads_its_credentials_and_keeps_one_secret() {
    for (form, provider, secret, identity) in [
        (aws(), Provider::Aws, Some("wJalrXUtnFEMI"), Some("111122223333")),
        (google(KEY), Provider::Google, Some(KEY), Some("tidewater-prod")),
        (azure(), Provider::Azure, Some("s3cret~value"), Some(ID)),
        (upcloud(), Provider::UpCloud, Some("ucat_01ABC"), None),
    ] {
        let new = NewAccount::parse(&form, None).expect("an account");
        assert_eq!(new.config.provider(), provider);
        assert_eq!(new.secret.as_ref().map(Secret::reveal), secret);
        assert_eq!(new.config.identity(), identity);
        assert!(new.config.has_secret());
        let json = serde_json::to_string(&new.config).expect("JSON");
        assert_eq!(serde_json::from_str::<AccountConfig>(&json).expect("its own JSON"), new.config);
    }
    let machine = AccountForm {
        aws_access_key_id: String::new(),
        aws_secret_access_key: String::new(),
        aws_role_arn: "arn:aws:iam::444455556666:role/console".into(),
        ..aws()
    };
    let new = NewAccount::parse(&machine, None).expect("an account");
    assert_eq!((new.secret.is_some(), new.config.has_secret()), (false, false));
}

#[test]
fn no_secret_is_printed() {
    for form in [aws(), google(KEY), azure(), upcloud()] {
        let new = NewAccount::parse(&form, None).expect("an account");
        let secret = new.secret.clone().expect("a secret");
        let printed = format!("{form:?} {new:?} {}", serde_json::to_string(&new.config).expect("JSON"));
        assert!(!printed.contains(secret.reveal()) && !printed.contains("PRIVATE KEY"), "{printed}");
        for (_, fact) in new.config.facts() {
            assert!(!fact.contains(secret.reveal()));
        }
    }
    let broken = google("{\"private_key\": \"-----BEGIN PRIVATE KEY-----");
    assert!(!refused(&broken, "google_service_account").contains("PRIVATE KEY"));
}

#[test]
fn every_mistake_has_its_sentence() {
    assert_eq!(refused(&form("digitalocean"), "provider"), "Choose a cloud.");
    assert_eq!(refused(&form("local"), "provider"), "Choose a cloud.");
    assert_eq!(refused(&AccountForm { name: " ".into(), ..aws() }, "name"), "Enter a name for this account.");
    assert_eq!(
        refused(&AccountForm { aws_account_id: "1".into(), ..aws() }, "aws_account_id"),
        "The AWS account ID has 12 digits."
    );
    assert!(
        refused(&AccountForm { aws_access_key_id: "akia".into(), ..aws() }, "aws_access_key_id")
            .starts_with("Enter an access key ID such as AKIA")
    );
    assert_eq!(
        refused(&AccountForm { aws_secret_access_key: String::new(), ..aws() }, "aws_secret_access_key"),
        "Enter the secret access key that belongs to this access key ID."
    );
    assert_eq!(
        refused(&AccountForm { aws_access_key_id: String::new(), ..aws() }, "aws_access_key_id"),
        "Enter the access key ID that this secret belongs to."
    );
    assert_eq!(
        refused(&AccountForm { aws_role_arn: "console".into(), ..aws() }, "aws_role_arn"),
        "Enter a role ARN such as arn:aws:iam::012345678901:role/console."
    );
    assert_eq!(refused(&google(""), "google_service_account"), "Paste the JSON key file of a service account.");
    assert_eq!(
        refused(&google("tidewater"), "google_service_account"),
        "This is not JSON. Paste the whole key file of a service account."
    );
    assert_eq!(
        refused(&google(&KEY.replace("service_account", "authorized_user")), "google_service_account"),
        "This is not the key of a service account: its \"type\" is not \"service_account\"."
    );
    assert_eq!(
        refused(&google(&KEY.replace("\"private_key\"", "\"other\"")), "google_service_account"),
        "The key file has no \"private_key\". Make a new key for the service account."
    );
    assert_eq!(
        refused(&AccountForm { azure_client_id: "x".into(), ..azure() }, "azure_client_id"),
        "Enter the application ID as a UUID."
    );
    assert_eq!(
        refused(&AccountForm { azure_client_secret: String::new(), ..azure() }, "azure_client_secret"),
        "Enter the client secret of the console's application."
    );
    assert_eq!(refused(&form("upcloud"), "upcloud_token"), "Enter an API token, or a user name and a password.");
    assert_eq!(
        refused(&AccountForm { upcloud_username: "console".into(), ..upcloud() }, "upcloud_token"),
        "Enter either a token, or a user name and a password."
    );
    assert_eq!(
        refused(&AccountForm { upcloud_username: "console".into(), ..form("upcloud") }, "upcloud_password"),
        "Enter the password of this UpCloud user."
    );
}

#[test]
fn an_account_is_changed_without_typing_its_secret_again_unless_it_becomes_another() {
    let former = NewAccount::parse(&aws(), None).expect("an account").config;
    let kept = AccountForm { aws_secret_access_key: String::new(), ..aws() };
    assert_eq!(NewAccount::parse(&kept, Some(&former)).expect("a change").secret, None);
    let other = AccountForm { aws_access_key_id: "AKIAIOSFODNN7EXAMPL2".into(), ..kept };
    assert!(NewAccount::parse(&other, Some(&former)).is_err(), "another key has another secret");
    let google_config = NewAccount::parse(&google(KEY), None).expect("an account").config;
    assert_eq!(NewAccount::parse(&google(""), Some(&google_config)).expect("a change").config, google_config);
    let error = NewAccount::parse(&upcloud(), Some(&former)).unwrap_err();
    assert_eq!(error.at("provider"), Some("An account keeps its cloud. Add another one instead."));
}

fn checked(account: &CloudAccount, outcome: Result<&str, Unconfirmed>) -> CloudAccount {
    let check = Check { last_check_at: Timestamp(1), outcome: outcome.map(str::to_owned) };
    CloudAccount { check: Some(check), ..account.clone() }
}

fn doubted(account: &CloudAccount, doubt: Doubt, reason: &str) -> CloudAccount {
    checked(account, Err(Unconfirmed { doubt, reason: reason.to_owned(), identity: None }))
}

#[test]
fn a_check_says_who_the_console_is_or_why_it_is_not() {
    let account = used(0, &[]);
    assert_eq!((account.standing(), account.word()), (Standing::Moving, "Not checked yet"));
    let good = checked(&account, Ok("arn:aws:iam::111122223333:user/console"));
    assert_eq!(good.standing(), Standing::AsAsked);
    assert_eq!(good.sentence(), "AWS knows the console as arn:aws:iam::111122223333:user/console.");
    let bad = doubted(&account, Doubt::Refused, "AuthFailure: not valid.");
    assert_eq!(bad.standing(), Standing::Failed);
    assert_eq!(
        bad.sentence(),
        "The credentials could not be confirmed: AuthFailure: not valid. Until they are, VPCs in AWS stand still."
    );
    let again = CloudAccount { checking: true, ..bad };
    assert_eq!((again.standing(), again.word()), (Standing::Moving, "Checking"));
    assert_eq!(again.sentence(), "AWS is being asked again.");
}

#[test]
fn what_becomes_of_the_vpcs_is_told_as_it_is() {
    let account = used(1, &["alpha in harbor"]);
    let denied = doubted(&account, Doubt::Denied, "AccessDenied: no.");
    assert_eq!((denied.standing(), denied.word()), (Standing::YourTurn, "Not confirmed"));
    assert_eq!(
        denied.sentence(),
        "AWS did not allow the check: AccessDenied: no. That alone holds nothing: VPCs in AWS are looked after as far as the credentials allow."
    );
    assert_eq!(
        doubted(&account, Doubt::Unreachable, "timeout: AWS did not answer within 30 s").sentence(),
        "The credentials could not be confirmed: timeout: AWS did not answer within 30 s. AWS is asked again by itself, and VPCs there go on as soon as it answers."
    );
    let reason = account.config.admit_identity("arn:aws:iam::109876543210:user/console", None).expect_err("another");
    let foreign = doubted(&account, Doubt::Foreign, &reason);
    assert_eq!(foreign.standing(), Standing::Failed);
    assert_eq!(
        foreign.sentence(),
        "The credentials belong to another AWS account, 109876543210, and not to 111122223333. VPCs in AWS stand still until they are put right."
    );
    assert!(doubted(&account, Doubt::Unclear, "what?").sentence().ends_with("VPCs in AWS may stand still."));
    for doubt in Doubt::ALL {
        assert_eq!(Doubt::from_text(doubt.as_str()), Some(doubt));
    }
}

/// An account with a VPC of astrid's, whose present credentials are bjorn's.
fn held(form: &AccountForm) -> CloudAccount {
    let config = NewAccount::parse(form, None).expect("an account").config;
    let reason = config.admit_identity("bjorn", Some("astrid")).expect_err("another user");
    let told = Unconfirmed { doubt: Doubt::Foreign, reason, identity: Some("bjorn".into()) };
    let account = CloudAccount { config, known_as: Some("astrid".into()), ..used(1, &["alpha in harbor"]) };
    checked(&account, Err(told))
}

fn signs_in_as(username: &str) -> AccountForm {
    AccountForm { upcloud_username: username.into(), upcloud_password: "hunter2".into(), ..form("upcloud") }
}

#[test]
fn only_a_person_can_say_that_two_users_of_upcloud_are_of_one_account() {
    for form in [upcloud(), signs_in_as("bjorn")] {
        let held = held(&form);
        assert_eq!(held.disputed(), Some(Dispute { found: "bjorn", known_as: "astrid" }));
        assert_eq!(
            held.sentence(),
            "The credentials belong to another UpCloud user, bjorn, and not to astrid. VPCs in UpCloud stand still until they are put right, or until you say under Change that bjorn and astrid are users of one account."
        );
        assert_eq!(held.admit_confirmation("bjorn"), Ok(()));
        let refusal = held.admit_confirmation("ingrid").expect_err("nobody has read that");
        assert!(refusal.sentence.starts_with("UpCloud says something else"), "{}", refusal.sentence);
        for settled in [
            CloudAccount { checking: true, ..held.clone() },
            CloudAccount { vpcs: 0, ..held.clone() },
            CloudAccount { known_as: None, ..held.clone() },
            CloudAccount { known_as: Some("bjorn".into()), ..held.clone() },
            CloudAccount { simulated: true, ..held.clone() },
            doubted(&held, Doubt::Unreachable, "no answer"),
            checked(&held, Ok("astrid")),
        ] {
            assert_eq!(settled.disputed(), None);
            assert!(settled.admit_confirmation("bjorn").is_err());
        }
    }
    // What was typed decides it, and is mended by typing.
    assert_eq!(held(&signs_in_as("ingrid")).disputed(), None);
    let of_aws = CloudAccount { config: used(1, &[]).config, ..held(&upcloud()) };
    assert_eq!(of_aws.disputed(), None);
}

fn used(vpcs: usize, some_vpcs: &[&str]) -> CloudAccount {
    let at = Timestamp::from_seconds(1_795_144_320);
    CloudAccount {
        id: AccountId::from_uuid(uuid::Uuid::from_u128(1)),
        name: "Tidewater".into(),
        config: NewAccount::parse(&aws(), None).expect("an account").config,
        simulated: false,
        check: None,
        checking: false,
        known_as: None,
        vpcs,
        some_vpcs: some_vpcs.iter().map(|name| (*name).to_owned()).collect(),
        created_at: at,
        updated_at: at,
    }
}

#[test]
fn an_account_with_vpcs_is_kept_and_the_sentence_names_them() {
    let refusal = |vpcs, some: &[&str]| used(vpcs, some).deletion_refusal().map(|refusal| refusal.sentence);
    assert_eq!(refusal(0, &[]), None);
    assert_eq!(
        refusal(1, &["alpha in harbor"]).as_deref(),
        Some("This account still has the VPC alpha in harbor. Delete it first: without the account nobody can.")
    );
    assert_eq!(
        refusal(9, &["alpha in harbor", "beta in tundra"]).as_deref(),
        Some(
            "This account still has the VPCs alpha in harbor, beta in tundra and 7 more. Delete them first: without the account nobody can."
        )
    );
}

#[test]
fn an_account_with_vpcs_is_not_led_to_another_place() {
    let other = AccountForm { aws_account_id: "999988887777".into(), ..aws() };
    let other = NewAccount::parse(&other, None).expect("an account");
    assert_eq!(used(0, &[]).admit_change(&other), Ok(()));
    let refusal = used(1, &["alpha in harbor"]).admit_change(&other).expect_err("its VPCs would be lost");
    assert_eq!(refusal.field, "aws_account_id");
    let same = NewAccount::parse(&AccountForm { name: "Another name".into(), ..aws() }, None).expect("an account");
    assert_eq!(used(1, &["alpha in harbor"]).admit_change(&same), Ok(()));
}

#[test]
fn hostile_texts_are_refused_at_their_field() {
    let long = "x".repeat(20_000);
    for text in ["\0", "Tide\nwater", "Tide\u{202e}water", "\u{200b}", &long] {
        assert!(!refused(&AccountForm { name: text.into(), ..aws() }, "name").is_empty(), "{text:?}");
    }
    for text in ["a\0b", "a\r\nx-header: b", &long] {
        let of = |form: AccountForm, field: &str| assert!(!refused(&form, field).is_empty(), "{field} {text:.20?}");
        of(AccountForm { aws_secret_access_key: text.into(), ..aws() }, "aws_secret_access_key");
        of(AccountForm { aws_role_arn: format!("arn:aws:iam::111122223333:role/{text}"), ..aws() }, "aws_role_arn");
        of(AccountForm { azure_client_secret: text.into(), ..azure() }, "azure_client_secret");
        of(AccountForm { upcloud_token: text.into(), ..upcloud() }, "upcloud_token");
        let user = AccountForm { upcloud_password: "hunter2".into(), ..form("upcloud") };
        of(AccountForm { upcloud_username: text.into(), ..user.clone() }, "upcloud_username");
        of(
            AccountForm { upcloud_username: "causeway".into(), upcloud_password: text.into(), ..user },
            "upcloud_password",
        );
    }
    assert!(refused(&google(&long), "google_service_account").contains("longer"));
    let email = KEY.replace("console@tidewater-prod", "console\\u0000@tidewater-prod");
    assert!(refused(&google(&email), "google_service_account").contains("client_email"));
}

#[test]
fn credentials_of_somebody_else_are_told_by_both_names_in_every_cloud() {
    let config = |form: AccountForm| NewAccount::parse(&form, None).expect("an account").config;
    let user =
        AccountForm { upcloud_username: "causeway".into(), upcloud_password: "hunter2".into(), ..form("upcloud") };
    let (key, app) = (config(google(KEY)), config(azure()));
    let AccountConfig::Google { project_id, client_email } = key.clone() else { panic!("Google") };
    let AccountConfig::Azure { client_id, subscription_id, .. } = app.clone() else { panic!("Azure") };
    for (config, own, another) in [
        (
            config(aws()),
            "arn:aws:sts::111122223333:assumed-role/console/session".to_owned(),
            "arn:aws:iam::109876543210:user/console".to_owned(),
        ),
        (key, format!("{client_email} in {project_id}"), format!("peer@elsewhere.example in {project_id}")),
        (app, format!("{client_id} in {subscription_id}"), format!("{client_id} in another")),
        (config(user), "causeway".to_owned(), "peer".to_owned()),
    ] {
        assert_eq!(config.admit_identity(&own, None), Ok(()));
        let told = config.admit_identity(&another, None).expect_err("somebody else");
        let names =
            ["belong to another", another.split(':').nth(4).unwrap_or(&another), config.identity().expect("one")];
        assert!(names.into_iter().all(|name| told.contains(name)), "{told}");
    }
}

#[test]
fn an_account_of_upcloud_belongs_to_whom_it_was_known_as_whatever_is_typed() {
    let token = NewAccount::parse(&upcloud(), None).expect("an account").config;
    assert_eq!(token.admit_identity("causeway", None), Ok(()));
    assert_eq!(token.admit_identity("causeway", Some("causeway")), Ok(()));
    let told = token.admit_identity("peer", Some("causeway")).expect_err("its VPCs are another user's");
    assert_eq!(told, "the credentials belong to another UpCloud user, peer, and not to causeway");

    let user = NewAccount::parse(&signs_in_as("peer"), None).expect("an account").config;
    assert_eq!(user.admit_identity("peer", None), Ok(()));
    assert_eq!(user.admit_identity("Peer", Some("peer")), Ok(()));
    assert_eq!(user.admit_identity("peer", Some("causeway")), Err(told), "typing another name moves no VPCs");
    assert!(user.admit_identity("causeway", Some("causeway")).is_err(), "nor is it what was typed");
}
