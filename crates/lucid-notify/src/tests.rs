//! Receivers on loopback: what they are sent, how often they are asked, and what they cannot do to us.

mod email;
mod github;
mod server;
mod webhook;

use std::path::Path;
use std::time::Duration;

use lucid_release::{Notification, NotifyEvent};

use crate::{Limits, Message, Outside, Receiver, Told, Unready};

pub(crate) const KEY: &str = "a key of some length";

/// Quick, and patient with a busy machine.
pub(crate) const LIMITS: Limits = Limits {
    attempts: 3,
    first_pause: Duration::from_millis(1),
    longest_pause: Duration::from_millis(5),
    attempt: Duration::from_secs(30),
};

pub(crate) fn message(event: NotifyEvent) -> Message {
    Message {
        event,
        release: "shop".into(),
        environment: "production".into(),
        component: String::new(),
        detail: "redis failed (L3002)".into(),
        by: "ann".into(),
        reason: "<!channel> & more".into(),
        link: "https://ci.example/1".into(),
        commit: "abc123".into(),
        time: "2026-01-02T03:04:05Z".into(),
    }
}

/// A receiver as `lucid.yaml` says it, with `variables` around it.
pub(crate) fn receiver(yaml: serde_json::Value, variables: &[(&str, String)]) -> Result<Receiver, Unready> {
    let notification: Notification = serde_json::from_value(yaml).expect("a notification");
    let variable = |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| value.clone());
    Receiver::new(&notification, &Outside { folder: Path::new("/nowhere"), variable: &variable })
}

pub(crate) async fn tell(receiver: Receiver, event: NotifyEvent) -> Told {
    crate::tell(&[receiver], &message(event), LIMITS).await.remove(0)
}

#[track_caller]
fn check_address(url: &str, expect: Option<&str>) {
    let yaml = serde_json::json!({"name": "a", "slack": {"url": {"env": "HOOK"}}});
    let said = receiver(yaml, &[("HOOK", url.to_owned())]).err().map(|error| error.to_string());
    assert_eq!(said.as_deref(), expect, "{url}");
    assert!(url.trim().is_empty() || !said.unwrap_or_default().contains(url));
}

#[test]
fn addresses_are_https_or_loopback_and_never_repeated() {
    check_address("https://hooks.example/T0/secret\n", None);
    check_address("http://127.0.0.1:8080/x", None);
    check_address("http://hooks.example/x", Some("environment variable HOOK is no https address"));
    check_address("http://127.0.0.1.example/x", Some("environment variable HOOK is no https address"));
    check_address("file:///etc/passwd", Some("environment variable HOOK is no address"));
    check_address("ftp://a.example/x", Some("environment variable HOOK is no https address"));
    check_address("https://a b", Some("environment variable HOOK is no address"));
    check_address(" ", Some("environment variable HOOK is empty"));
    check_address(
        "https://user:pw@a.example/x",
        Some("environment variable HOOK has a user in its address; use a header's token or a key instead"),
    );
}

#[test]
fn a_file_that_is_not_there_and_a_key_that_is_none() {
    let files = serde_json::json!({"name": "a", "slack": {"url": {"file": "hook"}}});
    let said = receiver(files, &[]).err().map(|error| error.to_string());
    assert_eq!(said.as_deref(), Some("file hook cannot be read: it is not there, or may not be opened"));
    let short = serde_json::json!({"name": "a", "webhook": {"url": {"env": "URL"}, "key": {"env": "KEY"}}});
    let said = receiver(short, &[("URL", "https://a.example".into()), ("KEY", "short".into())]);
    let said = said.err().map(|error| error.to_string()).unwrap_or_default();
    assert!(said.starts_with("environment variable KEY is shorter"), "{said}");
}

#[test]
fn what_is_secret_is_known_to_whoever_prints() {
    let yaml = serde_json::json!({"name": "a", "webhook": {"url": {"env": "URL"}, "key": {"env": "KEY"}}});
    let receiver = receiver(yaml, &[("URL", "https://a.example/s3cret".into()), ("KEY", KEY.into())]).expect("ready");
    assert_eq!(receiver.secrets, ["https://a.example/s3cret", KEY]);
    let yaml = serde_json::json!({"name": "a", "email": {"url": {"env": "URL"}, "from": "a@b.example", "to": ["c@d.example"]}});
    let receiver = self::receiver(yaml, &[("URL", "smtps://u:hush-hush@mail.example".into())]).expect("ready");
    assert!(receiver.secrets.contains(&"hush-hush".to_owned()));
}

#[test]
fn fields_are_struck_out_before_they_are_cut_and_hold_no_control_characters() {
    let mut message = message(NotifyEvent::Failure);
    message.reason = format!("{}hush-hush", "x".repeat(295));
    message.detail = "a\u{1b}[2J\nb\u{202e}".into();
    message.link = "javascript:alert(1)".into();
    let cleaned = message.cleaned(|text| text.replace("hush-hush", "•••"));
    assert!(cleaned.reason.ends_with("x•••") && !cleaned.reason.contains("hush"), "{}", cleaned.reason);
    assert_eq!(cleaned.detail, "a[2J b");
    assert_eq!(cleaned.link, "");
}

#[test]
fn each_event_has_its_sentence() {
    for (event, expect) in [
        (NotifyEvent::Start, "shop to production: deploy started"),
        (NotifyEvent::Success, "shop to production: deployed and verified"),
        (NotifyEvent::Failure, "shop to production: deploy FAILED"),
        (NotifyEvent::Rollback, "shop to production: went back to what served before"),
    ] {
        let text = message(event).text(None);
        assert_eq!(text, format!("{expect}: redis failed (L3002). By ann: <!channel> & more. https://ci.example/1"));
    }
}
