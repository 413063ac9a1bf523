//! One line for each change of state, for logs and pipes.

use lucid_engine::{AppliedAs, Event, RunOutcome, Stamped};
use lucid_release::names::SHARED;

use crate::diagnostic;
use crate::redact::strip;
use crate::style::{Paint, pad, seconds};
use crate::view::RunView;

const MESSAGE: usize = 300;

/// The line (or lines) for an event; nothing for those that a log need not have. `view` has taken the event already.
pub fn line(view: &RunView, stamped: &Stamped, paint: Paint) -> Option<String> {
    let width = view.components().map(|row| row.name.len()).max().unwrap_or(0).max(SHARED.len());
    let row = |component: &str, text: &str| {
        format!("{} {} {text}\n", paint.dim(&format!("{:>7}", seconds(stamped.at()))), pad(component, width))
    };
    Some(match &stamped.event {
        Event::RunStarted { .. } => start(view, paint),
        Event::Started { component } => row(component, &paint.active("started")),
        Event::Applied { as_what: AppliedAs::Deleted, object, component } => {
            row(component, &format!("deleted {object}"))
        }
        Event::Applied { as_what: AppliedAs::Replaced, object, component } => {
            row(component, &format!("replaced {object}: deleted, and made anew"))
        }
        Event::Applied { .. } => return None,
        Event::Waiting { component, object, message, finding } => {
            let code = finding.as_ref().map(|finding| format!(" [{}]", finding.code)).unwrap_or_default();
            row(component, &format!("waits for {}: {}{code}", object.short(), strip(message, MESSAGE)))
        }
        Event::Ready { component } if component == SHARED => return None,
        Event::Ready { component } => {
            let row_view = view.find(component)?;
            match row_view.started {
                Some(started) => row(
                    component,
                    &format!("{} after {}", paint.good("ready"), seconds(stamped.at().saturating_sub(started))),
                ),
                None => return None,
            }
        }
        Event::Verified { component, how } => {
            row(component, &format!("{}: {}", paint.good("verified"), strip(how, MESSAGE)))
        }
        Event::Unstuck { component, pod } => {
            row(component, &format!("deleted {}, which kept its StatefulSet from going back", pod.short()))
        }
        Event::RollingBack { .. } => return None,
        Event::Baking { for_ms } => {
            let time = seconds(std::time::Duration::from_millis(*for_ms));
            row("", &format!("all verified; watched for another {time}"))
        }
        Event::Failed { component, findings, .. } => {
            let first = findings.first().map(|finding| {
                let place = finding.position.as_ref().map(|position| format!(" at {position}")).unwrap_or_default();
                format!(": [{}] {}{place}", finding.code, strip(&finding.message, MESSAGE))
            });
            row(component, &format!("{}{}", paint.bad("failed"), first.unwrap_or_default()))
        }
        Event::Skipped { component, because } => {
            row(component, &paint.warn(&format!("not started, because {because} failed")))
        }
        Event::Note { finding } => diagnostic::render(finding, paint),
        Event::Stopping { reason } => row("", &paint.warn(reason)),
        Event::RunFinished { .. } => return None,
    })
}

fn start(view: &RunView, paint: Paint) -> String {
    let planned = view.planned;
    let run = view.run.map(|run| format!(", run {run}")).unwrap_or_default();
    let count = view.components().count();
    let replace = if planned.replace > 0 { format!("{} to replace, ", planned.replace) } else { String::new() };
    format!(
        "{} {} in {}{run}: {count} component{}; {} to create, {} to update, {replace}{} to delete, {} unchanged\n",
        paint.bold("release"),
        paint.bold(&view.release),
        view.namespace,
        if count == 1 { "" } else { "s" },
        planned.create,
        planned.update,
        planned.delete,
        planned.unchanged
    )
}

/// A sign of life for logs, when nothing else was said for a while.
pub fn heartbeat(view: &RunView, elapsed: std::time::Duration, paint: Paint) -> String {
    let done = view.components().filter(|row| row.is_over()).count();
    let waiting: Vec<&str> =
        view.components().filter(|row| row.waiting.is_some() && !row.is_over()).map(|row| row.name.as_str()).collect();
    let for_what = if waiting.is_empty() { String::new() } else { format!("; waiting for {}", waiting.join(", ")) };
    let text = format!("{:>7} {done} of {} ready{for_what}\n", seconds(elapsed), view.components().count());
    paint.dim(&text)
}

/// One word for an outcome.
pub fn outcome_word(outcome: RunOutcome) -> &'static str {
    match outcome {
        RunOutcome::Verified => "verified",
        RunOutcome::Failed => "failed",
        RunOutcome::DeadlinePassed => "deadline passed",
        RunOutcome::Interrupted => "interrupted",
        RunOutcome::Terminated => "terminated",
        RunOutcome::LockLost => "lock lost",
    }
}
