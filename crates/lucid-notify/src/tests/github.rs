//! Deployments of GitHub: made at the start, found again afterwards.

use lucid_release::NotifyEvent;
use serde_json::json;

use super::server::{Asked, Server, answer};
use super::{receiver, tell};
use crate::Failed;

async fn github(answers: Vec<Vec<u8>>, event: NotifyEvent) -> (Result<(), Failed>, Vec<Asked>) {
    let server = Server::start(answers).await;
    let yaml = json!({"name": "github", "github": {"token": {"env": "GITHUB_TOKEN"}}});
    let around = [
        ("GITHUB_TOKEN", "ghs_0123456789".to_owned()),
        ("GITHUB_REPOSITORY", "hamigames/lucid".to_owned()),
        ("GITHUB_API_URL", server.url.clone()),
    ];
    let told = tell(receiver(yaml, &around).expect("ready"), event).await;
    (told.outcome, server.asked())
}

#[tokio::test]
async fn a_start_makes_a_deployment_that_is_in_progress() {
    let answers = vec![answer("201 Created", r#"{"id": 42}"#), answer("201 Created", "{}")];
    let (outcome, asked) = github(answers, NotifyEvent::Start).await;
    assert_eq!(outcome, Ok(()));
    assert_eq!(asked[0].line, "POST /repos/hamigames/lucid/deployments HTTP/1.1");
    assert_eq!(asked[0].json()["ref"], "abc123");
    assert_eq!(asked[0].json()["auto_merge"], false);
    assert_eq!(asked[1].line, "POST /repos/hamigames/lucid/deployments/42/statuses HTTP/1.1");
    assert_eq!(asked[1].json()["state"], "in_progress");
    assert_eq!(asked[1].json()["log_url"], "https://ci.example/1");
    assert!(asked.iter().all(|one| one.header("authorization") == "Bearer ghs_0123456789"));
}

#[tokio::test]
async fn an_end_is_told_of_the_deployment_that_was_started() {
    for (event, state) in
        [(NotifyEvent::Success, "success"), (NotifyEvent::Failure, "failure"), (NotifyEvent::Rollback, "error")]
    {
        let (outcome, asked) =
            github(vec![answer("200 OK", r#"[{"id": 7}]"#), answer("201 Created", "{}")], event).await;
        assert_eq!(outcome, Ok(()));
        let query = "task=deploy%3Alucid&environment=production&sha=abc123&per_page=1";
        assert_eq!(asked[0].line, format!("GET /repos/hamigames/lucid/deployments?{query} HTTP/1.1"));
        assert_eq!(asked[1].line, "POST /repos/hamigames/lucid/deployments/7/statuses HTTP/1.1");
        assert_eq!(asked[1].json()["state"], state);
        assert!(asked[1].json()["description"].as_str().expect("text").chars().count() <= 140);
    }
}

#[tokio::test]
async fn answers_that_are_too_much_or_nonsense_are_named_so() {
    for (body, failed) in [
        ("[".repeat(2 << 20), Failed::TooLarge),
        ("[".repeat(100_000), Failed::Nonsense),
        (r#"{"id": 7}"#.to_owned(), Failed::Nonsense),
        (r#"[{"id": "../../../user"}]"#.to_owned(), Failed::Nonsense),
    ] {
        let (outcome, asked) = github(vec![answer("200 OK", &body)], NotifyEvent::Success).await;
        assert_eq!(outcome, Err(failed), "{}", body.len());
        assert_eq!(asked.len(), 1);
    }
}

#[test]
fn a_repository_must_be_named() {
    let yaml = json!({"name": "github", "github": {"token": {"env": "T"}}});
    for named in ["", "../..", "a/b/c", "a"] {
        let around = [("T", "token".to_owned()), ("GITHUB_REPOSITORY", named.to_owned())];
        assert!(receiver(yaml.clone(), &around).is_err(), "{named}");
    }
}
