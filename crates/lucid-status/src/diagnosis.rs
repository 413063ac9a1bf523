//! One cause, symptom or piece of advice, with how sure we are and how long we will be patient.

use jiff::{SignedDuration, Timestamp};
use lucid_object::{Finding, ObjectRef, Severity};
use serde::Serialize;

use crate::catalogue;
use crate::clean::clean;
use crate::cluster::Scene;

/// What time can do about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Class {
    /// Time alone will not repair it.
    FatalNow,
    /// Fatal if it is still so after this many seconds.
    After(u32),
    /// Fatal once it happened this often since our write. Only in the catalogue: a diagnosis says `FatalNow` or `Wait`.
    Repeated(u32),
    /// It goes on; this is what for.
    Wait,
    /// Something else is the cause.
    Symptom,
    /// Works, but could be better, or may break later.
    Advice,
}

/// How sure we are that this is the cause.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Certainty {
    Proven,
    Likely,
    Possible,
}

/// What findings can have in common, so that one sentence can stand for many.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Axis {
    Secret,
    Image,
    Node,
    Zone,
    Revision,
}

/// A finding with its class.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Diagnosis {
    pub finding: Finding,
    pub class: Class,
    pub certainty: Certainty,
    /// Since when the cluster shows it.
    pub since: Option<Timestamp>,
    /// When patience ends, for what time may still repair.
    pub deadline: Option<Timestamp>,
    pub shares: Vec<(Axis, String)>,
}

impl Diagnosis {
    /// Of the catalogue's class, proven.
    pub(crate) fn new(code: u16, object: ObjectRef, message: impl Into<String>) -> Self {
        let class = catalogue::class_of(code);
        let finding = Finding::error(code, clean(&message.into())).on(object);
        let new =
            Self { finding, class, certainty: Certainty::Proven, since: None, deadline: None, shares: Vec::new() };
        new.class(class)
    }

    /// A finding that someone else made, with the catalogue's class.
    pub(crate) fn of(finding: Finding) -> Self {
        let class = catalogue::class_of(finding.code.0);
        Self { finding, class, certainty: Certainty::Proven, since: None, deadline: None, shares: Vec::new() }
    }

    pub(crate) fn class(mut self, class: Class) -> Self {
        self.class = class;
        self.finding.severity = match class {
            Class::FatalNow | Class::After(_) | Class::Repeated(_) => Severity::Error,
            Class::Wait | Class::Symptom => Severity::Warning,
            Class::Advice => Severity::Advice,
        };
        self
    }

    pub(crate) fn certainty(mut self, certainty: Certainty) -> Self {
        self.certainty = certainty;
        self
    }

    pub(crate) fn seen(mut self, evidence: impl AsRef<str>) -> Self {
        let evidence = clean(evidence.as_ref());
        if !evidence.is_empty() && !self.finding.evidence.contains(&evidence) {
            self.finding.evidence.push(evidence);
        }
        self
    }

    pub(crate) fn help(mut self, help: impl AsRef<str>) -> Self {
        self.finding.help = Some(clean(help.as_ref()));
        self
    }

    pub(crate) fn since(mut self, since: Option<Timestamp>) -> Self {
        self.since = since;
        self
    }

    pub(crate) fn shares(mut self, axis: Axis, value: &str) -> Self {
        if !value.is_empty() {
            self.shares.push((axis, clean(value)));
        }
        self
    }

    pub(crate) fn code(&self) -> u16 {
        self.finding.code.0
    }

    /// Fills in what follows from the rest: the catalogue's remedy, and the end of patience.
    pub(crate) fn settled(mut self, scene: &Scene<'_>) -> Self {
        if self.finding.help.is_none() {
            self.finding.help = catalogue::entry(self.finding.code).map(|entry| entry.remedy.to_owned());
        }
        if let (Class::After(grace), None) = (self.class, self.deadline) {
            let start = self.since.max(scene.since.applied_at);
            self.deadline = start.map(|start| start + SignedDuration::from_secs(i64::from(grace)));
        }
        self
    }

    /// True once waiting has no point any more.
    pub fn is_fatal(&self, now: Timestamp) -> bool {
        match self.class {
            Class::FatalNow => true,
            Class::After(_) => self.deadline.is_some_and(|deadline| deadline <= now),
            _ => false,
        }
    }

    /// True for what can be a cause, false for symptoms and advice.
    pub fn is_cause(&self) -> bool {
        !matches!(self.class, Class::Symptom | Class::Advice)
    }

    /// Causes before symptoms, what is fatal before what may pass, deeper layers first; then an order that noise
    /// cannot change.
    pub(crate) fn rank(&self, now: Timestamp) -> impl Ord + use<> {
        let class = match self.class {
            _ if self.is_fatal(now) => 0,
            Class::FatalNow | Class::After(_) | Class::Repeated(_) => 1,
            Class::Wait => 2,
            Class::Symptom => 3,
            Class::Advice => 4_u8,
        };
        (class, catalogue::depth_of(self.code()), self.certainty, self.since, self.finding.object.clone(), self.code())
    }
}
