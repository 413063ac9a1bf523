//! What a rehearsal says at its end, for people and for machines.

use std::fmt::Write as _;

use lucid_object::ObjectSet;
use lucid_report::{Paint, result};
use serde_json::{Value, json};

use super::explore::{Explored, Rank, Trial};
use super::peak::{self, Peaks};
use super::{Act, Doors, Rehearsal};
use crate::manifests::Manifests;

pub(super) fn text(rehearsal: &Rehearsal, objects: &ObjectSet, paint: Paint) -> String {
    let mut out = format!("\n{} {} with seed {}\n", paint.bold("rehearsed"), rehearsal.source, rehearsal.seed);
    let verified = rehearsal.first.view.components().filter(|row| row.is_over()).count();
    let all = rehearsal.first.view.components().count();
    line(
        &mut out,
        mark(rehearsal.first.outcome == lucid_engine::RunOutcome::Verified, paint),
        &format!("first deployment: {verified} of {all} components verified in {}", times(&rehearsal.first)),
    );
    if let Some(second) = &rehearsal.second {
        line(&mut out, mark(rehearsal.is_found_out(), paint), &broken(rehearsal, second));
    }
    if let Some(back) = &rehearsal.back {
        line(&mut out, mark(rehearsal.is_back(), paint), &brought_back(rehearsal, back));
    }
    line(
        &mut out,
        mark(rehearsal.not_serving.is_empty(), paint),
        &match rehearsal.not_serving.is_empty() {
            true => "every workload served what it should, by what the containers really did".to_owned(),
            false => format!("did not serve: {}", names(rehearsal)),
        },
    );
    let (reads, writes) = rehearsal.requests;
    let _ =
        writeln!(out, "{}", paint.dim(&format!("  {reads} reads, {writes} writes, trace {:016x}", rehearsal.trace)));
    strain(&mut out, &rehearsal.peaks, &rehearsal.first.doors, objects, paint);
    if !rehearsal.invented.is_empty() {
        let _ = writeln!(out, "invented for the rehearsal, because the release refers to them:");
        for object in &rehearsal.invented {
            let keys: Vec<&str> = object.keys.iter().map(String::as_str).collect();
            let _ = writeln!(
                out,
                "  {} {}/{} {}",
                object.kind,
                object.namespace,
                object.name,
                paint.dim(&format!("({})", keys.join(", ")))
            );
        }
    }
    out
}

/// What the cluster had to bear, and what cannot be taken back.
fn strain(out: &mut String, peaks: &Peaks, doors: &Doors, objects: &ObjectSet, paint: Paint) {
    let _ = writeln!(out, "the most that pods asked for at one time:");
    for line in peak::lines(peaks, objects) {
        let _ = writeln!(out, "  {line}");
    }
    if !doors.is_empty() {
        let _ = writeln!(out, "what a rollback does not take back:");
    }
    for (object, why) in doors {
        let _ = writeln!(out, "  {object} {}", paint.dim(&format!("({why})")));
    }
}

fn doors_json(doors: &Doors) -> Vec<Value> {
    doors.iter().map(|(object, why)| json!({"object": object, "why": why})).collect()
}

pub(super) fn broken(rehearsal: &Rehearsal, second: &Act) -> String {
    let (target, codes) = (&rehearsal.target, codes(second));
    let how = match rehearsal.is_found_out() {
        true => format!("found out as {codes}"),
        false => format!("not found out as it should be (findings: {codes})"),
    };
    format!("{} broken with image {}: {how} in {}", target.component, target.image, times(second))
}

pub(super) fn brought_back(rehearsal: &Rehearsal, back: &Act) -> String {
    let how = if rehearsal.is_back() { "rolled back" } else { "not rolled back" };
    format!("{how} in {}", times(back))
}

pub(super) fn names(rehearsal: &Rehearsal) -> String {
    rehearsal.not_serving.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

fn line(out: &mut String, mark: String, text: &str) {
    let _ = writeln!(out, "  {mark} {text}");
}

fn mark(is_good: bool, paint: Paint) -> String {
    if is_good { paint.good("✓") } else { paint.bad("✗") }
}

pub(super) fn times(act: &Act) -> String {
    format!("{:.1} s ({:.2} s of computing)", act.view.took.as_secs_f64(), act.computing.as_secs_f64())
}

fn codes(act: &Act) -> String {
    let codes: Vec<String> =
        act.view.failed().flat_map(|row| &row.findings).map(|finding| finding.code.to_string()).collect();
    if codes.is_empty() { "none".into() } else { codes.join(", ") }
}

pub(super) fn json(rehearsal: &Rehearsal) -> Value {
    let act = |act: &Act| {
        let mut value = result::to_json(&act.view);
        value["computingSeconds"] = act.computing.as_secs_f64().into();
        value["requests"] = json!({"reads": act.requests.0, "writes": act.requests.1});
        value
    };
    let invented = rehearsal.invented.iter().map(
        |object| json!({"kind": object.kind, "namespace": object.namespace, "name": object.name, "keys": object.keys}),
    );
    json!({
        "apiVersion": result::VERSION, "kind": "RehearsalResult",
        "source": rehearsal.source, "seed": rehearsal.seed, "passed": rehearsal.went_as_planned(),
        "deploy": act(&rehearsal.first),
        "broken": {"component": rehearsal.target.component, "object": rehearsal.target.workload.reference(),
            "image": rehearsal.target.image, "foundOut": rehearsal.is_found_out(), "run": rehearsal.second.as_ref().map(act)},
        "rollback": rehearsal.back.as_ref().map(act),
        "notServing": rehearsal.not_serving, "invented": invented.collect::<Vec<_>>(),
        "peaks": peak::to_json(&rehearsal.peaks), "oneWay": doors_json(&rehearsal.first.doors),
        "requests": {"reads": rehearsal.requests.0, "writes": rehearsal.requests.1},
        "trace": format!("{:016x}", rehearsal.trace),
    })
}

/// Each way a trial can end, in words.
pub(super) const RANKS: [(Rank, &str, &str); 5] = [
    (Rank::Verified, "verified", "verified in spite of it"),
    (Rank::Resumed, "resumed", "died, and the next run got there"),
    (Rank::Failed, "failed", "failed and said why, and the next run got there"),
    (Rank::Stuck, "stuck", "stuck"),
    (Rank::FalseSuccess, "falseSuccess", "called verified, and it was not so"),
];

pub(super) fn explored_text(manifests: &Manifests, seed: u64, explored: &Explored, paint: Paint) -> String {
    let source = manifests.name.as_str();
    let mut out = format!(
        "\n{} {source} {} times with seed {seed} {}\n",
        paint.bold("rehearsed"),
        explored.trials(),
        paint.dim(&format!("({:.1} s of computing)", explored.computing.as_secs_f64()))
    );
    for (rank, _, words) in RANKS {
        if let Some(count) = explored.counts.get(&rank) {
            line(&mut out, mark(rank < Rank::Stuck, paint), &format!("{count:>5} {words}"));
        }
    }
    if let Some(longest) = &explored.longest {
        let _ = writeln!(out, "  the longest took {:.1} s: {}", longest.took.as_secs_f64(), longest.choices);
    }
    strain(&mut out, &explored.peaks, &explored.doors, &manifests.objects, paint);
    for trial in &explored.bad {
        let _ = writeln!(out, "{} {}", paint.bad("✗"), trial.why.join("\n  "));
        let _ = writeln!(out, "  again: lucid rehearse {source} --replay '{}'", trial.choices);
    }
    out
}

pub(super) fn explored_json(source: &str, seed: u64, explored: &Explored) -> Value {
    let name = |rank: Rank| RANKS.iter().find(|(one, ..)| *one == rank).map_or("", |(_, name, _)| *name);
    let trial = |trial: &Trial| {
        json!({"choices": trial.choices.to_string(), "outcome": name(trial.rank),
            "tookSeconds": trial.took.as_secs_f64(), "why": trial.why, "trace": format!("{:016x}", trial.trace)})
    };
    let counts: serde_json::Map<String, Value> = RANKS
        .iter()
        .map(|(rank, name, _)| ((*name).to_owned(), explored.counts.get(rank).copied().unwrap_or(0).into()))
        .collect();
    json!({
        "apiVersion": result::VERSION, "kind": "ExplorationResult",
        "source": source, "seed": seed, "trials": explored.trials(), "passed": explored.bad.is_empty(),
        "outcomes": counts, "longest": explored.longest.as_ref().map(trial),
        "failures": explored.bad.iter().map(trial).collect::<Vec<_>>(),
        "peaks": peak::to_json(&explored.peaks), "oneWay": doors_json(&explored.doors),
        "computingSeconds": explored.computing.as_secs_f64(),
    })
}
