use app::domain::{OrganizationId, Timestamp};
use clouds::{NetworkStanding, Opening, lookalike::Settings};
use uuid::Uuid;

use super::*;

struct Stage {
    clouds: Arc<Lookalikes>,
    drivers: RealDrivers,
    sealer: Sealer,
    _folder: tempfile::TempDir,
}

fn url(text: String) -> url::Url {
    url::Url::parse(&text).expect("an address on loopback")
}

impl Stage {
    /// The operator's own accounts, whose clouds are the look-alikes.
    async fn open() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let database = format!("sqlite:{}?mode=rwc", folder.path().join("lookalike.db").display());
        let clouds = Arc::new(Lookalikes::start(&database, &Settings::immediate()).await.expect("they start"));
        let (aws, azure) = (url(clouds.aws.url()), url(clouds.azure.url()));
        let endpoints = Endpoints {
            aws: AwsEndpoints {
                ec2: Some(aws.clone()),
                sts: Some(aws.clone()),
                ram: Some(aws.clone()),
                elb: Some(aws),
            },
            google: GoogleEndpoints { compute: url(clouds.google.url()) },
            azure: AzureEndpoints { authority: azure.clone(), arm: azure.clone(), graph: azure },
            upcloud: UpCloudEndpoints { api: url(format!("{}/1.3", clouds.upcloud.url())) },
        };
        let sealer = Sealer::new([7; 32]);
        let drivers = RealDrivers::new(Http::new(1).expect("a client"), endpoints, sealer.clone(), None);
        Self { clouds, drivers, sealer, _folder: folder }
    }

    fn account(&self, config: &AccountConfig, secret: &Secret) -> AccountRow {
        let id = AccountId::from_uuid(Uuid::now_v7());
        AccountRow {
            id,
            organization: OrganizationId::from_uuid(Uuid::now_v7()),
            provider: config.provider(),
            name: "Tidewater".to_owned(),
            facts: serde_json::to_string(config).expect("JSON"),
            sealed_secret: self.sealer.seal(&seal_purpose(id), secret.expose().as_bytes()),
            simulated: false,
            created_at: Timestamp(1),
            updated_at: Timestamp(1),
            check: None,
            known_as: None,
            check_asked_at: Timestamp::default(),
            vpcs: 1,
        }
    }

    async fn aws(&self, account_id: &str) -> AccountRow {
        let keys = self.clouds.aws.account(Side::Ours).await;
        let config = AccountConfig::Aws {
            account_id: account_id.parse().expect("an id"),
            access_key_id: Some(keys.access_key_id),
            role_arn: None,
        };
        self.account(&config, &keys.secret_access_key)
    }

    async fn upcloud(&self, known_as: &str) -> AccountRow {
        let ours = self.clouds.upcloud.account(Side::Ours).await;
        let row = self.account(&AccountConfig::UpCloud { username: None }, &ours.token);
        AccountRow { known_as: Some(known_as.to_owned()), ..row }
    }

    async fn google(&self, client_email: &str) -> AccountRow {
        let ours = self.clouds.google.account(Side::Ours).await;
        let key = ours.key_file(&self.clouds.google.url());
        let project_id = ours.project.parse().expect("a project");
        self.account(&AccountConfig::Google { project_id, client_email: client_email.to_owned() }, &key)
    }
}

fn wish(region: &str) -> Wish {
    Wish {
        id: Uuid::now_v7(),
        name: "orders".to_owned(),
        region: region.to_owned(),
        cidr: "10.20.0.0/22".parse().expect("a range"),
        present: true,
        reference: clouds::Reference::new(),
        connections: Vec::new(),
        openings: vec![Opening::All],
        now: crate::clock::now().0,
    }
}

#[tokio::test]
async fn nothing_is_done_with_credentials_of_somebody_else_until_they_are_put_right() {
    let stage = Stage::open().await;
    let (aws, google) = (stage.clouds.aws.account(Side::Ours).await, stage.clouds.google.account(Side::Ours).await);
    let upcloud = stage.clouds.upcloud.account(Side::Ours).await;
    // Of Azure the sign-in itself names tenant and application: a secret of another one is refused by Azure.
    for (region, wrong, right, theirs) in [
        ("eu-west-1", stage.aws("999988887777").await, stage.aws(&aws.account_id).await, aws.account_id.as_str()),
        (
            "europe-west1",
            stage.google("console@elsewhere.example").await,
            stage.google(&google.client_email).await,
            google.client_email.as_str(),
        ),
        ("de-fra1", stage.upcloud("somebody").await, stage.upcloud(&upcloud.username).await, upcloud.username.as_str()),
    ] {
        let wish = wish(region);
        for _ in 0..3 {
            let told = stage.drivers.pass(&wrong, &wish).await.expect_err("not with these").message;
            assert!(told.contains("belong to another") && told.contains(theirs), "{told}");
            assert!(told.contains("nothing is done with them until"), "{told}");
        }
        // Corrected, it is the same account.
        let right = AccountRow { id: wrong.id, sealed_secret: resealed(&stage, &right, wrong.id), ..right };
        let pass = stage.drivers.pass(&right, &wish).await.expect("a pass");
        assert_eq!(pass.report.network.standing, NetworkStanding::Absent, "nothing was made before");
        assert!(pass.moved(), "now it begins");
    }
}

#[tokio::test]
async fn another_users_name_in_the_form_moves_no_vpcs_until_a_person_says_that_it_is_the_same_account() {
    let stage = Stage::open().await;
    let ours = stage.clouds.upcloud.account(Side::Ours).await;
    let config = AccountConfig::UpCloud { username: Some(ours.username.clone()) };
    let row = stage.account(&config, &ours.password);
    let known_as = |name: &str| AccountRow { known_as: Some(name.to_owned()), ..row.clone() };
    let wish = wish("de-fra1");
    let told = stage.drivers.pass(&known_as("somebody"), &wish).await.expect_err("not with these").message;
    assert!(told.contains(&format!("another UpCloud user, {}, and not to somebody", ours.username)), "{told}");
    let simulated = AccountRow { simulated: true, ..known_as("somebody") };
    assert_eq!(simulated.admit_identity(&ours.username), Ok(()), "a simulated world that was made anew");
    let pass = stage.drivers.pass(&known_as(&ours.username), &wish).await.expect("confirmed, it goes on");
    assert_eq!(pass.report.network.standing, NetworkStanding::Absent, "nothing was made before");
}

/// A secret opens for its own account only.
fn resealed(stage: &Stage, row: &AccountRow, id: AccountId) -> String {
    let secret = stage.sealer.open(&seal_purpose(row.id), &row.sealed_secret).expect("its own");
    stage.sealer.seal(&seal_purpose(id), &secret)
}

#[tokio::test]
async fn a_later_check_that_finds_somebody_else_holds_the_passes_too() {
    let stage = Stage::open().await;
    let account = stage.upcloud("causeway").await;
    stage.drivers.pass(&account, &wish("de-fra1")).await.expect("it is the same");
    let moved = AccountRow { known_as: Some("somebody".to_owned()), ..account };
    assert_eq!(stage.drivers.check(&moved).await.as_deref(), Ok("causeway"));
    assert!(stage.drivers.pass(&moved, &wish("de-fra1")).await.is_err());
}

#[tokio::test]
async fn a_driver_keeps_its_memory_when_its_account_is_renamed_and_none_of_former_credentials_or_removed_accounts() {
    let stage = Stage::open().await;
    let account = stage.upcloud("causeway").await;
    let made = stage.drivers.made(&account).await.expect("a driver");
    let renamed = AccountRow { name: "Tidewater 2".to_owned(), updated_at: Timestamp(2), ..account.clone() };
    assert!(Arc::ptr_eq(&made, &stage.drivers.made(&renamed).await.expect("a driver")));
    let another = AccountRow { sealed_secret: resealed(&stage, &account, account.id), ..account.clone() };
    let remade = stage.drivers.made(&another).await.expect("a driver");
    assert!(!Arc::ptr_eq(&made, &remade), "sealed anew, it may be another secret");
    stage.drivers.keep(&BTreeSet::from([account.id]));
    assert!(Arc::ptr_eq(&remade, &stage.drivers.made(&another).await.expect("a driver")));
    stage.drivers.keep(&BTreeSet::new());
    assert!(stage.drivers.kept().is_empty());
}
