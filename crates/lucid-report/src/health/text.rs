//! For eyes: a verdict, a table by phase, causes with their remedy, and what could not be checked.

use lucid_object::{Code, Finding};
use lucid_status::HealthReport;
use lucid_status::health::{Check, ComponentHealth, State, Usage};

use super::{counts, omitted, since_when, told, unknown, verdict};
use crate::diagnostic;
use crate::redact::strip;
use crate::style::{Paint, cut, pad};

const WIDTH: usize = 100;
/// Members of a group that are named.
const NAMED: usize = 5;

pub(super) fn render(report: &HealthReport, paint: Paint, wide: bool) -> String {
    let mut out = headline(report, paint);
    out.push_str(&table(report, paint, wide));
    out.push_str(&beside(report, paint, wide));
    out.push_str(&causes(report, paint));
    out.push_str(&changes(report, paint, wide));
    out.push_str(&lesser(report, paint, wide));
    out
}

fn headline(report: &HealthReport, paint: Paint) -> String {
    let words = verdict(report.state);
    let words = match report.state {
        State::Ok => paint.good(words),
        State::Failed => paint.bad(words),
        State::Warning | State::Unknown => paint.warn(words),
    };
    format!(
        "{} in {}: {words} ({}; {:.1} s)\n",
        paint.bold(&report.release),
        report.namespace,
        counts(report),
        std::time::Duration::from_millis(report.took_ms).as_secs_f64()
    )
}

fn mark(state: State, paint: Paint) -> String {
    let text = pad(state.as_str(), 7);
    match state {
        State::Ok => paint.good(&text),
        State::Failed => paint.bad(&text),
        State::Warning | State::Unknown => paint.warn(&text),
    }
}

/// Components by phase, those without one first; beneath a component what is not ok in it, or, wide, all of it.
fn table(report: &HealthReport, paint: Paint, wide: bool) -> String {
    let width = report.components.iter().map(|component| component.name.len()).max().unwrap_or(0).clamp(9, 28);
    let mut out = String::new();
    let mut phase: Option<Option<&str>> = None;
    for component in &report.components {
        if phase != Some(component.phase.as_deref()) {
            phase = Some(component.phase.as_deref());
            let title = component.phase.as_deref().unwrap_or("components");
            let columns = if wide {
                "  READY    RESTARTS  CPU          MEMORY         WHAT IT SAYS"
            } else {
                "  READY    WHAT IT SAYS"
            };
            let head = format!("  {}  {}{columns}", pad(title, width), pad("STATE", 7));
            out.push_str(&format!("\n{}\n", paint.dim(&head)));
        }
        out.push_str(&row(component, width, paint, wide));
        let inner = component
            .checks
            .iter()
            .filter(|check| wide || check.state > State::Warning && check.message != component.message);
        for check in inner {
            out.push_str(&line(check, "      ", paint, wide));
        }
    }
    out
}

fn row(component: &ComponentHealth, width: usize, paint: Paint, wide: bool) -> String {
    let pods =
        if component.desired == 0 { "–".to_owned() } else { format!("{}/{}", component.ready, component.desired) };
    let more = if wide {
        let [cpu, memory] = component.usage.map_or(["–".into(), "–".into()], |usage| of_requests(&usage));
        format!("{}  {}  {}  ", pad(&component.restarts.to_string(), 8), pad(&cpu, 11), pad(&memory, 13))
    } else {
        String::new()
    };
    let room = if wide { WIDTH } else { WIDTH.saturating_sub(width + 24) };
    let says = cut(&strip(&component.message, 400), room);
    let text = format!(
        "  {}  {}  {}  {more}{says}",
        pad(&cut(&component.name, width), width),
        mark(component.state, paint),
        pad(&pods, 7)
    );
    format!("{}\n", text.trim_end())
}

/// "120m/250m" of CPU, "90Mi/128Mi" of memory: used, and asked for.
fn of_requests(usage: &Usage) -> [String; 2] {
    [
        format!("{}m/{}m", usage.cpu_milli, usage.cpu_request_milli),
        format!("{}/{}", memory(usage.memory), memory(usage.memory_request)),
    ]
}

/// In Mi; in Ki what would be next to nothing.
fn memory(bytes: i64) -> String {
    if bytes >= 4 << 20 { format!("{}Mi", bytes >> 20) } else { format!("{}Ki", bytes >> 10) }
}

fn line(check: &Check, indent: &str, paint: Paint, wide: bool) -> String {
    let time = if wide { format!(" {}", paint.dim(&format!("({} ms)", check.took_ms))) } else { String::new() };
    let room = if wide { 400 } else { WIDTH.saturating_sub(indent.len() + 9 + check.name.len() + 2) };
    format!("{indent}{}  {}: {}{time}\n", mark(check.state, paint), check.name, cut(&strip(&check.message, 400), room))
}

/// What belongs to no component: the fine ones in one line, the others in a line each.
fn beside(report: &HealthReport, paint: Paint, wide: bool) -> String {
    if report.checks.is_empty() {
        return String::new();
    }
    let mut out = format!("\n{}\n", paint.dim("  beside the components"));
    let is_listed = |check: &&Check| wide || check.state > State::Ok;
    for check in report.checks.iter().filter(is_listed).filter(|check| check.state != State::Unknown) {
        out.push_str(&line(check, "  ", paint, wide));
    }
    if !wide {
        let mut fine: Vec<&str> =
            report.checks.iter().filter(|check| check.state == State::Ok).map(|check| check.area.as_str()).collect();
        fine.dedup();
        if !fine.is_empty() {
            out.push_str(&format!("  {}  {}\n", mark(State::Ok, paint), fine.join(", ")));
        }
    }
    out
}

fn causes(report: &HealthReport, paint: Paint) -> String {
    let mut out = String::new();
    for group in &report.causes {
        let mut finding = group.example.finding.clone();
        finding.message.clone_from(&group.message);
        if group.members.len() > 1 {
            let named: Vec<String> = group.members.iter().take(NAMED).map(ToString::to_string).collect();
            let more = group.members.len().saturating_sub(NAMED);
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            finding.evidence.insert(0, format!("at {}{more}", named.join(", ")));
        }
        out.push_str(&format!("\n{}", diagnostic::render(&finding, paint)));
    }
    out
}

/// What changed, a line each: what of it brought the causes about is for people to see.
fn changes(report: &HealthReport, paint: Paint, wide: bool) -> String {
    let Some(since) = &report.since_healthy else { return String::new() };
    let mut out = format!("\n{}\n", paint.bold(&since_when(since)));
    for change in &since.changes {
        let text = format!("  {}  {}", change.at.strftime("%m-%d %H:%M:%S"), strip(&told(change), 400));
        out.push_str(&format!("{}\n", if wide { text } else { cut(&text, WIDTH) }));
    }
    if since.changes.is_empty() {
        out.push_str("  nothing that the cluster remembers\n");
    }
    out.extend(omitted(since).map(|more| format!("  {more}\n")));
    out
}

/// Symptoms, warnings and what is unknown: a line each, or, wide, in full.
fn lesser(report: &HealthReport, paint: Paint, wide: bool) -> String {
    let mut out = String::new();
    if !report.symptoms.is_empty() {
        let said: Vec<String> = report.symptoms.iter().map(|symptom| strip(&symptom.message, 200)).collect();
        let count = said.len();
        let text = format!("{count} symptom{}: {}", if count == 1 { "" } else { "s" }, said.join("; "));
        out.push_str(&format!("\n{}\n", paint.dim(&if wide { text } else { cut(&text, WIDTH) })));
    }
    if wide {
        for warning in &report.warnings {
            out.push_str(&format!("\n{}", diagnostic::render(warning, paint)));
        }
    } else if !report.warnings.is_empty() {
        out.push('\n');
        out.push_str(&by_code(&report.warnings, paint));
    }
    let unknown: Vec<&Check> = unknown(report).collect();
    if !unknown.is_empty() {
        out.push_str(&format!("\n{}\n", paint.warn(&format!("not checked: {}", unknown.len()))));
        for check in unknown {
            let whose = check.component.as_ref().map(|component| format!("{component}, ")).unwrap_or_default();
            let text = format!("  {whose}{}: {}", check.name, strip(&check.message, 300));
            out.push_str(&format!("{}\n", if wide { text } else { cut(&text, WIDTH) }));
        }
    }
    out
}

fn by_code(warnings: &[Finding], paint: Paint) -> String {
    let mut codes: Vec<Code> = warnings.iter().map(|warning| warning.code).collect();
    codes.dedup();
    let mut seen = std::collections::BTreeSet::new();
    codes.retain(|code| seen.insert(*code));
    let line = |code: Code| {
        let same: Vec<&Finding> = warnings.iter().filter(|warning| warning.code == code).collect();
        let more = if same.len() > 1 { format!(" (and {} more)", same.len() - 1) } else { String::new() };
        let room = WIDTH.saturating_sub(16 + more.len());
        format!("{} {}{more}\n", paint.warn(&format!("warning[{code}]:")), cut(&strip(&same[0].message, 300), room))
    };
    codes.into_iter().map(line).collect()
}
