//! What is said: a sentence for people, an object for programs. Names and codes only, never a body or a log.

use std::collections::BTreeMap;

use lucid_release::{NotifyEvent, Template};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// What a notification without a template says.
const TEMPLATE: &str = "{headline}[: {detail}][. By {by}][: {reason}][. {link}]";
/// A field that someone else wrote is at most this long.
const FIELD: usize = 300;
const TEXT: usize = 1500;

#[derive(Debug, Clone)]
pub struct Message {
    pub event: NotifyEvent,
    pub release: String,
    pub environment: String,
    pub component: String,
    /// What it came to.
    pub detail: String,
    /// Who started it.
    pub by: String,
    pub reason: String,
    pub link: String,
    /// The commit or tag that was deployed, for a status on GitHub.
    pub commit: String,
    /// RFC 3339.
    pub time: String,
}

impl Message {
    /// Every field on one line and of a bounded length, as `clean` leaves it: who calls strikes out what must not leave.
    #[must_use]
    pub fn cleaned(self, clean: impl Fn(&str) -> String) -> Self {
        // Cleaned before it is cut: of a value that is cut in two, the rest would be left.
        let field = |text: &str| one_line(&clean(text));
        Self {
            event: self.event,
            release: field(&self.release),
            environment: field(&self.environment),
            component: field(&self.component),
            detail: field(&self.detail),
            by: field(&self.by),
            reason: field(&self.reason),
            link: if self.link.starts_with("https://") { field(&self.link) } else { String::new() },
            commit: field(&self.commit),
            time: self.time,
        }
    }

    pub fn headline(&self) -> String {
        let what = if self.component.is_empty() { &self.release } else { &self.component };
        let place = if self.environment.is_empty() { String::new() } else { format!(" to {}", self.environment) };
        match self.event {
            NotifyEvent::Start => format!("{what}{place}: deploy started"),
            NotifyEvent::Success => format!("{what}{place}: deployed and verified"),
            NotifyEvent::Failure => format!("{what}{place}: deploy FAILED"),
            NotifyEvent::Rollback => format!("{what}{place}: went back to what served before"),
        }
    }

    pub fn text(&self, template: Option<&Template>) -> String {
        let fields = BTreeMap::from([
            ("event", self.event.to_string()),
            ("headline", self.headline()),
            ("release", self.release.clone()),
            ("environment", self.environment.clone()),
            ("component", self.component.clone()),
            ("detail", self.detail.clone()),
            ("by", self.by.clone()),
            ("reason", self.reason.clone()),
            ("link", self.link.clone()),
        ]);
        let text = match template {
            Some(template) => template.fill(&fields),
            None => Template::parse(TEMPLATE).map(|template| template.fill(&fields)).unwrap_or_default(),
        };
        text.chars().take(TEXT).collect()
    }

    /// The object that a webhook is sent. Its id is the same in every attempt, so that a receiver can count it once.
    pub fn object(&self, text: &str) -> Value {
        let mut object = json!({
            "apiVersion": "lucid.dev/v1alpha1", "kind": "Notification", "time": self.time,
            "event": self.event, "release": self.release, "environment": self.environment, "component": self.component,
            "detail": self.detail, "by": self.by, "reason": self.reason, "link": self.link, "commit": self.commit,
            "text": text,
        });
        let digest = Sha256::digest(object.to_string());
        object["id"] = Value::String(crate::http::hex(&digest[..16]));
        object
    }
}

/// Without control characters, direction overrides and signs of no width.
fn one_line(text: &str) -> String {
    let is_hidden =
        |c: char| matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}');
    let spaced = text.chars().map(|c| if matches!(c, '\n' | '\r' | '\t') { ' ' } else { c });
    spaced.filter(|c| !c.is_control() && !is_hidden(*c)).take(FIELD).collect::<String>().trim().to_owned()
}
