//! A finding, shown as a compiler shows an error: what, where, how we know, what to do.

use lucid_object::{Finding, Severity};

use crate::redact::strip;
use crate::style::Paint;

/// The longest line of foreign text that is shown.
const EVIDENCE: usize = 400;

/// Several lines, each ended.
pub fn render(finding: &Finding, paint: Paint) -> String {
    let head = match finding.severity {
        Severity::Error => paint.bad(&format!("error[{}]", finding.code)),
        Severity::Warning => paint.warn(&format!("warning[{}]", finding.code)),
        Severity::Advice => paint.active(&format!("advice[{}]", finding.code)),
    };
    let mut out = format!("{head}: {}\n", paint.bold(&strip(&finding.message, EVIDENCE)));
    if let Some(position) = &finding.position {
        out.push_str(&format!("  {} {position}\n", paint.active("-->")));
    }
    if let Some(object) = finding.object.as_ref().filter(|object| !finding.message.contains(&object.to_string())) {
        out.push_str(&format!("  {} {object}\n", paint.active("on:")));
    }
    for evidence in &finding.evidence {
        out.push_str(&format!("  {} {}\n", paint.active("seen:"), strip(evidence, EVIDENCE)));
    }
    if let Some(help) = &finding.help {
        out.push_str(&format!("  {} {help}\n", paint.good("help:")));
    }
    out
}

/// Findings in the order in which a person should read them, errors last, where the eye rests; then how many there are.
pub fn render_all<'a>(findings: impl IntoIterator<Item = &'a Finding>, paint: Paint) -> String {
    let mut sorted: Vec<&Finding> = findings.into_iter().collect();
    sorted.sort_by_key(|finding| finding.severity);
    sorted.iter().map(|finding| render(finding, paint)).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use lucid_object::{ObjectRef, Position};

    #[test]
    fn every_part_has_its_line() {
        let finding = Finding::error(3002, "image app:2 does not exist")
            .on(ObjectRef::new("apps", "Deployment", Some("n"), "web"))
            .at(Some(Position { file: "k8s/web.yaml".into(), line: 21, column: 16 }))
            .seen("pod web-1: manifest unknown\u{1b}[31m")
            .help("push it, or correct the tag");
        assert_eq!(
            render(&finding, Paint(false)),
            "error[L3002]: image app:2 does not exist\n  --> k8s/web.yaml:21:16\n  on: Deployment n/web\n  seen: pod web-1: manifest unknown[31m\n  help: push it, or correct the tag\n"
        );
    }

    #[test]
    fn errors_come_last() {
        let shown =
            render_all(&[Finding::error(1, "e"), Finding::advice(2, "a"), Finding::warning(3, "w")], Paint(false));
        let order: Vec<_> = shown.lines().filter(|line| !line.is_empty()).map(|line| &line[..1]).collect();
        assert_eq!(order, ["a", "w", "e"]);
    }
}
