//! `spec.notifications`: who is told how a run went, and through which door.

use std::collections::BTreeSet;
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};

use crate::template::Template;

/// One receiver of messages.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Notification {
    /// How it is called in `lucid notify --to NAME` and in messages about it.
    pub name: String,
    /// What it is told of. Absent: everything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub events: Option<BTreeSet<NotifyEvent>>,
    /// The sentence that it is sent; `{name}` is a field of the message, and what stands in `[…]` is left out when a field
    /// in it is empty.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub template: Option<Template>,
    /// A webhook that takes Slack's messages.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slack: Option<Slack>,
    /// Any program that takes a JSON object over https.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub webhook: Option<Webhook>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<Email>,
    /// A status of a deployment in a GitHub repository.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub github: Option<Github>,
}

impl Notification {
    pub fn wants(&self, event: NotifyEvent) -> bool {
        self.events.as_ref().is_none_or(|events| events.contains(&event))
    }

    /// How many doors it has; one is right.
    pub(crate) fn doors(&self) -> usize {
        [self.slack.is_some(), self.webhook.is_some(), self.email.is_some(), self.github.is_some()]
            .iter()
            .filter(|is_there| **is_there)
            .count()
    }
}

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum NotifyEvent {
    Start,
    Success,
    Failure,
    /// What served before serves again.
    Rollback,
}

impl NotifyEvent {
    pub const ALL: [Self; 4] = [Self::Start, Self::Success, Self::Failure, Self::Rollback];

    pub fn name(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Success => "success",
            Self::Failure => "failure",
            Self::Rollback => "rollback",
        }
    }
}

impl fmt::Display for NotifyEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Slack {
    /// The https address, which is a secret itself.
    pub url: Source,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Webhook {
    /// The https address.
    pub url: Source,
    /// The key of the signature: HMAC-SHA256 of the body, in the header `X-Lucid-Signature-256`.
    pub key: Source,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Email {
    /// `smtps://USER:PASSWORD@HOST`, or `smtp://…?tls=required` for STARTTLS.
    pub url: Source,
    pub from: String,
    pub to: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Github {
    /// A token that may write deployments.
    pub token: Source,
    /// `OWNER/NAME`; default: `$GITHUB_REPOSITORY`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repository: Option<String>,
    /// The address of GitHub's API, of a server of one's own; default: `$GITHUB_API_URL`, else api.github.com.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub api: Option<Source>,
}

/// Where a value comes from that does not stand in the file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Source {
    /// An environment variable.
    Env(String),
    /// A file, relative to the release file.
    File(String),
}

/// As written. Anything else than the two keys is refused without being repeated: it may be the value itself.
impl<'de> Deserialize<'de> for Source {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(SourceVisitor)
    }
}

struct SourceVisitor;

const HOW: &str = "a value that comes from outside: write {env: NAME} or {file: PATH}";

impl<'de> serde::de::Visitor<'de> for SourceVisitor {
    type Value = Source;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(HOW)
    }

    fn visit_str<E: serde::de::Error>(self, _: &str) -> Result<Source, E> {
        Err(E::custom(format_args!("expected {HOW}")))
    }

    fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<Source, A::Error> {
        use serde::de::Error as _;
        let wrong = || A::Error::custom(format_args!("expected {HOW}"));
        let (key, value): (String, String) = map.next_entry().map_err(|_| wrong())?.ok_or_else(wrong)?;
        let source = match key.as_str() {
            "env" if is_variable(&value) => Source::Env(value),
            "file" if !value.is_empty() && !value.contains("://") => Source::File(value),
            _ => return Err(wrong()),
        };
        match map.next_key::<serde::de::IgnoredAny>() {
            Ok(None) => Ok(source),
            _ => Err(wrong()),
        }
    }
}

fn is_variable(name: &str) -> bool {
    let is_inner = |c: char| c.is_ascii_alphanumeric() || c == '_';
    name.len() <= 128 && name.starts_with(|c: char| is_inner(c) && !c.is_ascii_digit()) && name.chars().all(is_inner)
}

#[cfg(test)]
mod tests {
    const HEAD: &str = "apiVersion: lucid.dev/v1alpha1\nkind: Release\nmetadata: {name: shop}\nspec:\n  source: k8s\n  namespace: shop\n  notifications:\n";

    #[track_caller]
    fn check(entry: &str, expect: &[&str]) {
        let findings = crate::load(&format!("{HEAD}  - {entry}\n"), "lucid.yaml").err().unwrap_or_default();
        let shown: Vec<String> = findings.iter().map(|f| format!("{}: {}", f.code, f.message)).collect();
        assert_eq!(shown.len(), expect.len(), "{shown:?}");
        for (shown, expect) in shown.iter().zip(expect) {
            assert!(shown.contains(expect), "{shown} lacks {expect}");
            assert!(!shown.contains("hush"), "{shown}");
        }
    }

    #[test]
    fn four_doors_are_taken() {
        check("{name: a, slack: {url: {env: HOOK}}}", &[]);
        check("{name: a, events: [failure, rollback], webhook: {url: {file: url}, key: {env: KEY}}}", &[]);
        check("{name: a, email: {url: {env: SMTP}, from: l@example.com, to: [a@example.com]}}", &[]);
        check("{name: a, github: {token: {env: T}, repository: hamigames/lucid}, template: '{event}[ by {by}]'}", &[]);
    }

    #[test]
    fn a_value_in_the_file_is_refused_and_not_repeated() {
        check("{name: a, slack: {url: https://hooks.example/hush}}", &["write {env: NAME} or {file: PATH}"]);
        check("{name: a, slack: {url: {value: https://hush}}}", &["write {env: NAME}"]);
        check("{name: a, slack: {url: {env: https://hush}}}", &["write {env: NAME}"]);
        check("{name: a, slack: {url: {file: https://hush}}}", &["write {env: NAME}"]);
        check("{name: a, slack: {url: {env: A, file: hush}}}", &["write {env: NAME}"]);
        check("{name: a, slack: {url: {env: [hush]}}}", &["write {env: NAME}"]);
        check("{name: a, slack: {url: 7}}", &["write {env: NAME}"]);
    }

    #[test]
    fn mistakes_are_told_together() {
        check(
            "{name: a, slack: {url: {env: A}}, github: {token: {env: B}}}\n  - {name: a}",
            &["notification a has 2 doors", "two notifications are called a", "L8115: notification a has 0"],
        );
        check(
            "{name: a, email: {url: {env: S}, from: l@example.com, to: []}}",
            &["L8115: notification a is sent to nobody"],
        );
        check("{name: a, github: {token: {env: T}, repository: 'x/../y'}}", &["L8115: notification a: `repository`"]);
        check("{name: a, slack: {url: {env: A}}, template: '{evnet}'}", &["no field {evnet}; did you mean event?"]);
        check("{name: a, slack: {url: {env: A}}, events: [end]}", &["end"]);
    }
}
