//! Who may speak: signatures, dates, and keys that last an hour.

use std::time::Duration;

use super::{Town, signed::client};

#[tokio::test]
async fn a_caller_is_told_who_it_is_and_that_it_is_simulated() {
    let town = Town::new().await;
    let answer = town.ours.sts("GetCallerIdentity", &[]).await;
    assert_eq!(answer.ok("Account"), town.ours.account);
    assert_eq!(answer.mark.as_deref(), Some("simulated-aws"));
    assert_ne!(town.ours.account, town.theirs.account);
}

#[tokio::test]
async fn credentials_differ_between_installations() {
    let (one, other) = (Town::new().await, Town::new().await);
    assert_ne!((one.ours.key, one.ours.secret), (other.ours.key, other.ours.secret));
}

#[tokio::test]
async fn a_wrong_secret_is_refused_as_each_service_words_it() {
    let mut town = Town::new().await;
    town.ours.secret.push('x');
    assert_eq!(town.ours.ec2("DescribeVpcs", &[]).await.refused(), (401, "AuthFailure".into()));
    assert_eq!(town.ours.sts("GetCallerIdentity", &[]).await.refused(), (403, "SignatureDoesNotMatch".into()));
}

#[tokio::test]
async fn an_unknown_key_is_refused_as_each_service_words_it() {
    let mut town = Town::new().await;
    town.ours.key = "AKIAAAAAAAAAAAAAAAAA".into();
    assert_eq!(town.ours.ec2("DescribeVpcs", &[]).await.refused(), (401, "AuthFailure".into()));
    assert_eq!(town.ours.sts("GetCallerIdentity", &[]).await.refused(), (403, "InvalidClientTokenId".into()));
}

#[tokio::test]
async fn the_other_sides_secret_does_not_fit_our_key() {
    let mut town = Town::new().await;
    town.ours.secret.clone_from(&town.theirs.secret);
    assert_eq!(town.ours.ec2("DescribeVpcs", &[]).await.code(), "AuthFailure");
}

#[tokio::test]
async fn a_clock_may_be_off_by_a_quarter_of_an_hour_and_no_more() {
    let mut town = Town::new().await;
    town.ours.behind = Duration::from_secs(14 * 60);
    town.ours.ec2("DescribeVpcs", &[]).await.ok("requestId");
    town.ours.behind = Duration::from_secs(16 * 60);
    assert_eq!(town.ours.ec2("DescribeVpcs", &[]).await.code(), "RequestExpired");
}

#[tokio::test]
async fn what_was_changed_on_the_way_is_not_believed() {
    let town = Town::new().await;
    let form = "application/x-www-form-urlencoded";
    let (signed, sent) = ("Action=DescribeVpcs&Version=2016-11-15", "Action=DeleteVpc&Version=2016-11-15");
    let answer = town.ours.send("ec2", "/", form, signed, sent).await.expect("it answers");
    assert_eq!(answer.code(), "AuthFailure");
}

#[tokio::test]
async fn an_unsigned_request_is_refused() {
    let town = Town::new().await;
    let response = client().post(town.clouds.aws.url()).body("Action=DescribeVpcs").send().await;
    assert_eq!(response.expect("it answers").status().as_u16(), 401);
}

#[tokio::test]
async fn the_keys_of_an_assumed_role_work_for_an_hour_and_only_with_their_token() {
    let town = Town::new().await;
    let role = format!("arn:aws:iam::{}:role/causeway", town.ours.account);
    let answer = town.ours.sts("AssumeRole", &[("RoleArn", &role), ("RoleSessionName", "console")]).await;
    let mut session = town.ours.clone();
    session.key = answer.ok("AccessKeyId");
    session.secret = answer.ok("SecretAccessKey");
    assert_eq!(session.ec2("DescribeVpcs", &[]).await.code(), "AuthFailure");
    session.token = Some(answer.ok("SessionToken"));
    assert_eq!(session.sts("GetCallerIdentity", &[]).await.ok("Account"), town.ours.account);
    session.ec2("DescribeVpcs", &[]).await.ok("requestId");
    town.pass(Duration::from_secs(3601)).await;
    assert_eq!(session.ec2("DescribeVpcs", &[]).await.code(), "RequestExpired");
    assert_eq!(session.sts("GetCallerIdentity", &[]).await.code(), "ExpiredToken");
}

#[tokio::test]
async fn a_role_of_another_account_trusts_no_stranger() {
    let town = Town::new().await;
    let role = format!("arn:aws:iam::{}:role/causeway", town.theirs.account);
    let answer = town.ours.sts("AssumeRole", &[("RoleArn", &role), ("RoleSessionName", "console")]).await;
    assert_eq!(answer.refused(), (403, "AccessDenied".into()));
}
