//! A rehearsal as one page.

use lucid_engine::RunOutcome;
use lucid_object::ObjectSet;
use lucid_report::page::{escape, finding, frame, list, section};
use lucid_report::{Row, RowState, RunView};

use super::explore::{Explored, Rank};
use super::peak::{self, Peaks};
use super::report::{self, RANKS};
use super::{Act, Doors, Rehearsal};
use crate::manifests::Manifests;

pub(super) fn rehearsal(rehearsal: &Rehearsal, objects: &ObjectSet) -> String {
    let is_well = rehearsal.went_as_planned();
    let verdict = if is_well { "it went as it should" } else { "it did not go as it should" };
    let mut body = header(is_well, &rehearsal.source, verdict, rehearsal.seed);
    let first = &rehearsal.first;
    act(&mut body, &format!("First deployment: {}", report::times(first)), first, RunOutcome::Verified);
    if let Some(second) = &rehearsal.second {
        act(&mut body, &report::broken(rehearsal, second), second, RunOutcome::Failed);
    }
    if let Some(back) = &rehearsal.back {
        act(&mut body, &report::brought_back(rehearsal, back), back, RunOutcome::Verified);
    }
    let serving = match rehearsal.not_serving.is_empty() {
        true => "Every workload served what it should, by what the containers really did.".to_owned(),
        false => format!("Did not serve: {}", report::names(rehearsal)),
    };
    section(&mut body, "What served", vec![format!("<p>{}</p>\n", escape(&serving))]);
    strain(&mut body, &rehearsal.peaks, &first.doors, objects);
    let invented = rehearsal.invented.iter().map(|object| {
        let keys: Vec<&str> = object.keys.iter().map(String::as_str).collect();
        item(&format!("{} {}/{} ({})", object.kind, object.namespace, object.name, keys.join(", ")))
    });
    section(&mut body, "Invented, because the release refers to it", list(invented.collect()));
    frame(&format!("{} rehearsed: {verdict}", rehearsal.source), &body)
}

pub(super) fn exploration(manifests: &Manifests, seed: u64, explored: &Explored) -> String {
    let is_well = explored.bad.is_empty();
    let worst = explored.counts.keys().next_back().map_or("nothing was tried", |rank| words(*rank));
    let mut body =
        header(is_well, &manifests.name, &format!("{}; the worst: {worst}", trials(explored.trials())), seed);
    let counts = RANKS.iter().filter_map(|(rank, _, words)| Some((explored.counts.get(rank)?, words)));
    let counts = counts.map(|(count, words)| item(&format!("{count} {words}"))).collect();
    section(&mut body, "How they ended", list(counts));
    if let Some(longest) = &explored.longest {
        let text = format!("{:.1} s: {}", longest.took.as_secs_f64(), longest.choices);
        section(&mut body, "The longest", vec![format!("<p>{}</p>\n", escape(&text))]);
    }
    let bad = explored.bad.iter().map(|trial| {
        let again = format!("lucid rehearse {} --replay '{}'", manifests.name, trial.choices);
        let why: String = trial.why.iter().map(|why| format!("<p>{}</p>\n", escape(why))).collect();
        format!("<article><h3>{}</h3>\n{why}<p><code>{}</code></p></article>\n", words(trial.rank), escape(&again))
    });
    section(&mut body, "What must not be", bad.collect());
    strain(&mut body, &explored.peaks, &explored.doors, &manifests.objects);
    frame(&format!("{} explored", manifests.name), &body)
}

fn words(rank: Rank) -> &'static str {
    RANKS.iter().find(|(one, ..)| *one == rank).map_or("", |(.., words)| *words)
}

fn header(is_well: bool, title: &str, verdict: &str, seed: u64) -> String {
    let class = if is_well { "ok" } else { "failed" };
    format!(
        "<header class=\"{class}\"><h1>{}</h1><p class=\"verdict\">{}</p><p class=\"dim\">rehearsed with seed {seed}</p></header>\n",
        escape(title),
        escape(verdict)
    )
}

fn item(text: &str) -> String {
    format!("<li>{}</li>\n", escape(text))
}

fn strain(body: &mut String, peaks: &Peaks, doors: &Doors, objects: &ObjectSet) {
    let lines = peak::lines(peaks, objects).iter().map(|line| item(line)).collect();
    section(body, "The most that pods asked for at one time", list(lines));
    let doors = doors.iter().map(|(object, why)| item(&format!("{object}: {why}"))).collect();
    section(body, "What a rollback does not take back", list(doors));
}

/// A run: when each component began and was ready, and what failed.
fn act(body: &mut String, title: &str, act: &Act, wanted: RunOutcome) {
    let title = if act.outcome == wanted { title.to_owned() } else { format!("{title} – not as it should be") };
    let view = &act.view;
    // What was left as it was has nothing to show.
    let is_shown =
        |row: &&Row| row.started.is_some() || matches!(row.state, RowState::Failed | RowState::Skipped { .. });
    let rows: String = view.components().filter(is_shown).map(|row| bar(row, view)).collect();
    let head = "<table><thead><tr><th>component</th><th>phase</th><th>ready after</th><th></th></tr></thead>\n";
    let failed = view.failed().flat_map(|row| &row.findings).map(|one| finding(&one.message, one));
    let parts = [format!("{head}{rows}</table>\n")].into_iter().chain(failed);
    section(body, &escape(&title), parts.collect());
}

fn bar(row: &Row, view: &RunView) -> String {
    let whole = view.took.as_secs_f64().max(0.001);
    let began = row.started.unwrap_or_default().as_secs_f64();
    let end = row.ready.map_or(whole, |ready| ready.as_secs_f64()).max(began);
    let class = match row.state {
        RowState::Verified | RowState::Ready => "ok",
        RowState::Failed => "failed",
        _ => "unknown",
    };
    let track = match row.started {
        Some(_) => format!(
            "<div class=\"track\"><i class=\"{class}\" style=\"left:{:.2}%;width:{:.2}%\"></i></div>",
            began / whole * 100.0,
            ((end - began) / whole * 100.0).max(0.3)
        ),
        None => String::new(),
    };
    let ready = row.ready.map_or_else(|| state(&row.state), |ready| format!("{:.1} s", ready.as_secs_f64()));
    format!(
        "<tr><td>{}</td><td>{}</td><td class=\"{class}\">{}</td><td>{track}</td></tr>\n",
        escape(&row.name),
        escape(row.phase.as_deref().unwrap_or_default()),
        escape(&ready)
    )
}

fn state(state: &RowState) -> String {
    match state {
        RowState::Failed => "failed".to_owned(),
        RowState::Skipped { because } => format!("skipped: {because}"),
        _ => "not begun".to_owned(),
    }
}

fn trials(count: usize) -> String {
    if count == 1 { "one trial".to_owned() } else { format!("{count} trials") }
}
