//! The live view: a fixed number of lines, rows only for what moves or fails.

use std::time::Duration;

use crate::redact::strip;
use crate::style::{Paint, cut, pad, seconds};
use crate::view::{Row, RowState, RunView};

/// Lines of the view at most; it never grows, so that what stands above it stays where it is.
const HEIGHT: usize = 12;

/// The lines to show now, none longer than `width` columns.
pub fn draw(view: &RunView, elapsed: Duration, width: usize, height: usize, paint: Paint) -> Vec<String> {
    let height = height.saturating_sub(1).clamp(3, HEIGHT);
    let mut lines = vec![header(view, elapsed, width, paint), counts(view, width, paint)];
    let mut active: Vec<&Row> = view.components().filter(|row| is_shown(row)).collect();
    active.sort_by_key(|row| (row.state != RowState::Failed, row.started.unwrap_or_default()));
    let room = height - lines.len();
    let hidden = active.len().saturating_sub(room);
    let shown = if hidden > 0 { room - 1 } else { active.len() };
    let name_width = active.iter().take(shown).map(|row| row.name.len()).max().unwrap_or(0).min(28);
    lines.extend(active.iter().take(shown).map(|row| draw_row(row, elapsed, name_width, width, paint)));
    if hidden > 0 {
        lines.push(paint.dim(&cut(&format!("  and {} more", active.len() - shown), width)));
    }
    lines.resize(height, String::new());
    lines
}

fn is_shown(row: &Row) -> bool {
    matches!(row.state, RowState::Rolling | RowState::Failed)
}

fn header(view: &RunView, elapsed: Duration, width: usize, paint: Paint) -> String {
    let all = view.components().count().max(1);
    let done = view.components().filter(|row| row.is_over()).count();
    let title = format!("{} → {}", view.release, view.namespace);
    let tail = format!(" {done}/{} {}", view.components().count(), seconds(elapsed));
    let bar_width = width.saturating_sub(title.chars().count() + tail.chars().count() + 3).min(40);
    let filled = bar_width * done / all;
    let bar = format!("{}{}", paint.good(&"━".repeat(filled)), paint.dim(&"─".repeat(bar_width - filled)));
    if bar_width < 5 {
        return cut(&format!("{title}{tail}"), width);
    }
    format!("{} {bar}{tail}", paint.bold(&title))
}

fn counts(view: &RunView, width: usize, paint: Paint) -> String {
    let count = |wanted: &dyn Fn(&Row) -> bool| view.components().filter(|row| wanted(row)).count();
    let ready = count(&Row::is_over);
    let rolling = count(&|row| row.state == RowState::Rolling);
    let waiting = count(&|row| row.state == RowState::Waiting);
    let failed = count(&|row| row.state == RowState::Failed);
    let skipped = count(&|row| matches!(row.state, RowState::Skipped { .. }));
    let parts = [
        (ready, "✓", "ready"),
        (rolling, "●", "rolling"),
        (waiting, "·", "waiting"),
        (failed, "✗", "failed"),
        (skipped, "–", "not started"),
    ];
    let text: Vec<String> = parts
        .iter()
        .filter(|(count, ..)| *count > 0)
        .map(|(count, sign, name)| format!("{sign} {count} {name}"))
        .collect();
    paint.dim(&cut(&format!("  {}", text.join("   ")), width))
}

fn draw_row(row: &Row, elapsed: Duration, name_width: usize, width: usize, paint: Paint) -> String {
    let since = row.started.map(|started| seconds(elapsed.saturating_sub(started))).unwrap_or_default();
    let name = pad(&cut(&row.name, name_width), name_width);
    let text = match (&row.state, &row.waiting) {
        (RowState::Failed, _) => {
            row.findings.first().map(|finding| format!("{} {}", finding.code, finding.message)).unwrap_or_default()
        }
        (_, Some((object, message, _))) => {
            let code = row.finding.as_ref().map(|finding| format!(" [{}]", finding.code)).unwrap_or_default();
            format!("{}: {message}{code}", object.short())
        }
        _ => "applying".to_owned(),
    };
    let room = width.saturating_sub(name_width + since.len() + 6);
    let text = pad(&cut(&strip(&text, 400), room), room);
    let sign = if row.state == RowState::Failed { paint.bad("✗") } else { paint.active("●") };
    format!("  {sign} {name} {text} {}", paint.dim(&since))
}
