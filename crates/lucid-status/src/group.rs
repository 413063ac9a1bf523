//! One sentence for many findings: what they have in common is often the diagnosis.

use std::collections::{BTreeMap, BTreeSet};

use lucid_object::{Code, ObjectRef};
use serde::Serialize;

use crate::diagnosis::{Axis, Diagnosis};

/// Findings of one code, and what they share.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Group {
    pub code: Code,
    /// "137 of 140: the registry refuses the credentials …, all with Secret regcred".
    pub message: String,
    /// What all members share and others do not, most telling first.
    pub shares: Vec<(Axis, String)>,
    pub members: Vec<ObjectRef>,
    /// The member that stands for the others.
    pub example: Diagnosis,
}

/// Groups causes by code and by what they share; the largest group first, then as given.
pub fn group(diagnoses: &[Diagnosis]) -> Vec<Group> {
    let causes: Vec<&Diagnosis> = diagnoses.iter().filter(|diagnosis| diagnosis.is_cause()).collect();
    let total = distinct(&causes).len();
    let mut order: Vec<(Code, Option<String>)> = Vec::new();
    let mut by_key: BTreeMap<(Code, Option<String>), Vec<&Diagnosis>> = BTreeMap::new();
    for cause in causes {
        let key = (cause.finding.code, telling(cause));
        let members = by_key.entry(key.clone()).or_default();
        if members.is_empty() {
            order.push(key);
        }
        members.push(cause);
    }
    let mut groups: Vec<Group> = order.iter().map(|key| of(&by_key[key], total)).collect();
    groups.sort_by_key(|group| std::cmp::Reverse(group.members.len()));
    groups
}

/// Findings of one code about different images or Secrets are different causes.
fn telling(diagnosis: &Diagnosis) -> Option<String> {
    let value = |axis: Axis| diagnosis.shares.iter().find(|(known, _)| *known == axis).map(|(_, value)| value.clone());
    match diagnosis.code() {
        // One registry's trouble shows on many images.
        3003..=3006 => value(Axis::Secret),
        3000..=3999 => value(Axis::Image),
        4001 | 4005 => value(Axis::Secret),
        _ => None,
    }
}

fn distinct(diagnoses: &[&Diagnosis]) -> BTreeSet<ObjectRef> {
    diagnoses.iter().filter_map(|diagnosis| diagnosis.finding.object.clone()).collect()
}

fn of(members: &[&Diagnosis], total: usize) -> Group {
    let objects = distinct(members);
    let shares = if objects.len() > 1 { shared_by_all(members) } else { Vec::new() };
    let example = members[0].clone();
    let message = match objects.len() {
        0 | 1 => example.finding.message.clone(),
        many => format!("{many} of {total}: {}{}", example.finding.message, words(&shares)),
    };
    Group { code: example.finding.code, message, shares, members: objects.into_iter().collect(), example }
}

fn shared_by_all(members: &[&Diagnosis]) -> Vec<(Axis, String)> {
    let mut shared: BTreeSet<(Axis, String)> = members[0].shares.iter().cloned().collect();
    for member in members {
        shared.retain(|trait_| member.shares.contains(trait_));
    }
    // On one node is in one zone: saying it once is enough.
    if shared.iter().any(|(axis, _)| *axis == Axis::Node) {
        shared.retain(|(axis, _)| *axis != Axis::Zone);
    }
    shared.into_iter().collect()
}

fn words(shares: &[(Axis, String)]) -> String {
    let words: Vec<String> = shares
        .iter()
        .map(|(axis, value)| match axis {
            Axis::Secret => format!("with Secret {value}"),
            Axis::Image => format!("image {value}"),
            Axis::Node => format!("on node {value}"),
            Axis::Zone => format!("in zone {value}"),
            Axis::Revision => format!("of revision {value}"),
        })
        .collect();
    if words.is_empty() { String::new() } else { format!(" (all {})", words.join(", ")) }
}
