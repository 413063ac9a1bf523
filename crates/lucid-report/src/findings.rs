//! Findings for machines: SARIF and GitHub's annotations. For eyes there is [`crate::diagnostic`].

pub(crate) mod github;
pub(crate) mod sarif;

use lucid_object::Finding;

/// A SARIF 2.1.0 log with one result a finding.
pub fn sarif(findings: &[Finding]) -> String {
    sarif::log(findings, serde_json::json!({"executionSuccessful": true}))
}

/// Annotations, errors first: GitHub shows ten errors and ten warnings of a step, and drops the rest.
pub fn github(findings: &[Finding]) -> String {
    let mut sorted: Vec<&Finding> = findings.iter().collect();
    sorted.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
    let mut out = String::new();
    for severity in sorted.chunk_by(|a, b| a.severity == b.severity) {
        severity
            .iter()
            .take(github::MOST)
            .for_each(|finding| out.push_str(&github::annotation(&finding.message, finding)));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use lucid_object::Position;

    fn finding(line: u32) -> Finding {
        let place = Position { file: "k8s/a,b.yaml".into(), line, column: 7 };
        Finding::error(5201, "Service n/a selects no pod\u{1b}[31m").at(Some(place)).help("100%")
    }

    #[test]
    fn annotations_are_escaped_and_errors_come_first() {
        let mut all: Vec<Finding> = (0..12).map(finding).collect();
        all.insert(0, Finding::warning(8211, "the tag moves"));
        let text = github(&all);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 11);
        assert!(lines[0].starts_with("::error file=k8s/a%2Cb.yaml,line=0,col=7,title=L5201 "), "{}", lines[0]);
        assert!(lines[0].ends_with("::Service n/a selects no pod[31m%0Ahelp: 100%25"), "{}", lines[0]);
        assert!(lines[10].starts_with("::warning title=L8211 "), "{}", lines[10]);
    }

    #[test]
    fn results_have_a_rule_and_a_place() {
        let log: serde_json::Value = serde_json::from_str(&sarif(&[finding(3)])).expect("JSON");
        let run = &log["runs"][0];
        assert_eq!(run["tool"]["driver"]["rules"][0]["id"], "L5201");
        let result = &run["results"][0];
        assert_eq!((&result["ruleIndex"], &result["level"]), (&0.into(), &"error".into()));
        let place = &result["locations"][0]["physicalLocation"];
        assert_eq!(place["region"], serde_json::json!({"startLine": 3, "startColumn": 7}));
    }
}
