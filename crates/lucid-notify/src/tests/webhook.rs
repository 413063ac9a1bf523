//! Slack's and the generic webhook: what is sent, signed and tried again.

use std::time::Duration;

use hmac::{Hmac, KeyInit, Mac};
use lucid_release::NotifyEvent;
use serde_json::json;
use sha2::Sha256;

use super::server::{Server, answer};
use super::{KEY, LIMITS, message, receiver, tell};
use crate::{Failed, Limits};

async fn slack(server: &Server) -> Result<(), Failed> {
    let yaml = json!({"name": "team", "slack": {"url": {"env": "HOOK"}}});
    let receiver = receiver(yaml, &[("HOOK", format!("{}/T0/s3cret", server.url))]).expect("ready");
    tell(receiver, NotifyEvent::Failure).await.outcome
}

#[tokio::test]
async fn slack_gets_one_sentence_without_its_own_commands() {
    let server = Server::start(vec![answer("200 OK", "ok")]).await;
    assert_eq!(slack(&server).await, Ok(()));
    let asked = server.asked();
    assert_eq!(asked.len(), 1);
    assert_eq!(asked[0].line, "POST /T0/s3cret HTTP/1.1");
    assert_eq!(
        asked[0].json(),
        json!({"text": "shop to production: deploy FAILED: redis failed (L3002). By ann: &lt;!channel&gt; &amp; more. https://ci.example/1"})
    );
}

#[tokio::test]
async fn a_webhook_can_verify_every_attempt_and_count_it_once() {
    let server = Server::start(vec![answer("503 Later", ""), answer("204 Fine", "")]).await;
    let yaml = json!({"name": "systems", "webhook": {"url": {"env": "URL"}, "key": {"env": "KEY"}}});
    let receiver = receiver(yaml, &[("URL", server.url.clone()), ("KEY", KEY.into())]).expect("ready");
    assert_eq!(tell(receiver, NotifyEvent::Rollback).await.outcome, Ok(()));
    let asked = server.asked();
    assert_eq!(asked.len(), 2);
    for one in &asked {
        let signature = one.header("x-lucid-signature-256").strip_prefix("sha256=").expect("a signature");
        let bytes: Vec<u8> =
            (0..32).map(|i| u8::from_str_radix(&signature[2 * i..2 * i + 2], 16).expect("digits")).collect();
        let mac = |key: &str| Hmac::<Sha256>::new_from_slice(key.as_bytes()).expect("a key").chain_update(&one.body);
        mac(KEY).verify_slice(&bytes).expect("signed with the key");
        mac("another key").verify_slice(&bytes).expect_err("not signed with another");
        assert_eq!(one.json()["event"], "rollback");
        assert_eq!(one.json()["id"], one.header("x-lucid-delivery"));
        assert!(!String::from_utf8_lossy(&one.body).contains(KEY));
    }
    assert_eq!(asked[0].body, asked[1].body);
}

#[tokio::test]
async fn attempts_are_bounded_also_when_the_receiver_wishes_for_an_eternity() {
    let patience = b"HTTP/1.1 429 Slow\r\nretry-after: 4000000000\r\ncontent-length: 0\r\n\r\n".to_vec();
    let server = Server::start(vec![patience]).await;
    assert_eq!(slack(&server).await, Err(Failed::Status(429)));
    assert_eq!(server.asked().len(), LIMITS.attempts as usize);
}

#[tokio::test]
async fn what_is_refused_is_not_asked_again() {
    for (status, failed) in
        [("400 No", Failed::Status(400)), ("403 No", Failed::Status(403)), ("410 Gone", Failed::Status(410))]
    {
        let server = Server::start(vec![answer(status, "no_service s3cret")]).await;
        assert_eq!(slack(&server).await, Err(failed));
        assert_eq!(server.asked().len(), 1, "{status}");
    }
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let other = Server::start(vec![answer("200 OK", "")]).await;
    let away = format!("HTTP/1.1 307 Away\r\nlocation: {}/elsewhere\r\ncontent-length: 0\r\n\r\n", other.url);
    let server = Server::start(vec![away.into_bytes()]).await;
    assert_eq!(slack(&server).await, Err(Failed::Redirect));
    assert_eq!((server.asked().len(), other.asked().len()), (1, 0));
}

#[tokio::test]
async fn hostile_answers_end_in_a_bounded_number_of_attempts() {
    let endless = format!("HTTP/1.1 200 OK\r\ncontent-length: 99999999999\r\n\r\n{}", "x".repeat(100_000));
    let server = Server::start(vec![endless.into_bytes()]).await;
    assert_eq!(slack(&server).await, Ok(()), "the status counts, the body is not read");
    let headers = format!("HTTP/1.1 200 OK\r\n{}\r\n", "a: b\r\n".repeat(100_000));
    for nonsense in [b"".to_vec(), b"SSH-2.0-nothing\r\n".to_vec(), vec![0; 4096], headers.into_bytes()] {
        let server = Server::start(vec![nonsense]).await;
        assert_eq!(slack(&server).await, Err(Failed::Broken));
        assert_eq!(server.asked().len(), LIMITS.attempts as usize);
    }
}

#[tokio::test]
async fn one_that_is_silent_keeps_no_other_waiting_for_ever() {
    // Nobody accepts: the kernel does, and says nothing.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", silent.local_addr().expect("an address"));
    let server = Server::start(vec![answer("200 OK", "")]).await;
    let slack = |name: &str, url: String| {
        receiver(json!({"name": name, "slack": {"url": {"env": "HOOK"}}}), &[("HOOK", url)]).expect("ready")
    };
    let receivers = [slack("silent", url), slack("well", server.url.clone())];
    let limits = Limits { attempt: Duration::from_secs(2), ..LIMITS };
    let told = crate::tell(&receivers, &message(NotifyEvent::Start), limits).await;
    assert_eq!(told[0].outcome, Err(Failed::TimedOut));
    assert_eq!(told[1].outcome, Ok(()));
}

#[tokio::test]
async fn only_the_events_that_are_wanted_are_sent() {
    let server = Server::start(vec![answer("200 OK", "")]).await;
    let yaml =
        json!({"name": "team", "events": ["failure"], "template": "{event}!", "slack": {"url": {"env": "HOOK"}}});
    let receiver = receiver(yaml, &[("HOOK", server.url.clone())]).expect("ready");
    let receivers = [receiver];
    assert!(crate::tell(&receivers, &message(NotifyEvent::Success), LIMITS).await.is_empty());
    assert_eq!(crate::tell(&receivers, &message(NotifyEvent::Failure), LIMITS).await.len(), 1);
    assert_eq!(server.asked()[0].json(), json!({"text": "failure!"}));
}
