//! What stays on the screen when a run is over.

use lucid_engine::RunOutcome;

use crate::diagnostic;
use crate::path;
use crate::style::{Paint, seconds};
use crate::view::{Done, RowState, RunView};

/// What changed, how long it took, what decided that, and what is served now.
pub fn render(view: &RunView, paint: Paint) -> String {
    let Some(outcome) = view.outcome else { return String::new() };
    let mut out = headline(view, outcome, paint);
    let done = view.done;
    let replaced = if done.replaced > 0 { format!("{} replaced, ", done.replaced) } else { String::new() };
    let mut line =
        |name: &str, text: String| out.push_str(&format!("  {} {text}\n", paint.dim(&format!("{name:<14}"))));
    line(
        "changed",
        format!(
            "{} created, {} configured, {replaced}{} deleted, {} unchanged",
            done.created, done.configured, done.deleted, view.planned.unchanged
        ),
    );
    let legs = path::longest(view);
    if !legs.is_empty() {
        let total = legs.iter().map(|leg| leg.took).sum();
        let chain: Vec<String> = legs.iter().map(|leg| format!("{} {}", leg.component, seconds(leg.took))).collect();
        line("longest", format!("{} = {}", chain.join(" → "), seconds(total)));
    }
    for (phase, ready, all) in phases(view) {
        let count = format!("{ready} of {all} ready");
        line(&phase, if ready == all { paint.good(&count) } else { paint.warn(&count) });
    }
    out.push_str(&failures(view, paint));
    out
}

fn headline(view: &RunView, outcome: RunOutcome, paint: Paint) -> String {
    let took = seconds(view.took);
    let all = view.components().count();
    let verified = view.components().filter(|row| row.is_over()).count();
    let failed: Vec<&str> = view.failed().map(|row| row.name.as_str()).collect();
    let where_ = format!("{} in {}", view.release, view.namespace);
    match outcome {
        RunOutcome::Verified if view.done == Done::default() => {
            format!(
                "{} {where_}: nothing to change, {verified} of {all} components running, checked in {took}\n",
                paint.good("✓")
            )
        }
        RunOutcome::Verified => {
            format!("{} {where_}: {verified} of {all} components verified running in {took}\n", paint.good("✓"))
        }
        RunOutcome::Failed => format!("{} {where_}: {} failed after {took}\n", paint.bad("✗"), failed.join(", ")),
        RunOutcome::DeadlinePassed => {
            format!(
                "{} {where_}: the deadline passed after {took}; {} still not ready\n",
                paint.bad("✗"),
                failed.join(", ")
            )
        }
        RunOutcome::Interrupted | RunOutcome::Terminated => {
            format!("{} {where_}: stopped after {took}; deploy again to go on\n", paint.warn("!"))
        }
        RunOutcome::LockLost => {
            format!("{} {where_}: the lock was lost after {took}; nothing more was written\n", paint.bad("✗"))
        }
    }
}

/// Phases in order, with how many of their components are ready.
fn phases(view: &RunView) -> Vec<(String, usize, usize)> {
    let mut phases: Vec<(String, usize, usize)> = Vec::new();
    for row in view.components() {
        let name = row.phase.clone().unwrap_or_else(|| "all".into());
        let index = phases.iter().position(|(phase, ..)| *phase == name).unwrap_or_else(|| {
            phases.push((name, 0, 0));
            phases.len() - 1
        });
        phases[index].2 += 1;
        phases[index].1 += usize::from(row.is_over());
    }
    phases
}

fn failures(view: &RunView, paint: Paint) -> String {
    let mut out = String::new();
    for row in view.failed() {
        for finding in &row.findings {
            out.push('\n');
            out.push_str(&diagnostic::render(finding, paint));
        }
    }
    let mut skipped: std::collections::BTreeMap<&str, Vec<&str>> = std::collections::BTreeMap::new();
    for row in view.skipped() {
        if let RowState::Skipped { because } = &row.state {
            skipped.entry(because).or_default().push(&row.name);
        }
    }
    for (because, names) in skipped {
        out.push_str(&format!(
            "\n{} {} not started, because {because} failed: {}\n",
            paint.warn("note:"),
            names.len(),
            names.join(", ")
        ));
    }
    out
}
