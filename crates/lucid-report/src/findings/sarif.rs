//! SARIF 2.1.0: a result for each finding, at the place in the manifests where it is known.

use lucid_object::{Code, Finding, Severity};
use serde_json::{Value, json};

pub(crate) fn log(findings: &[Finding], invocation: Value) -> String {
    let mut codes: Vec<Code> = findings.iter().map(|finding| finding.code).collect();
    codes.sort_unstable();
    codes.dedup();
    let rules: Vec<Value> = codes.iter().map(|code| rule(*code)).collect();
    let results: Vec<Value> = findings.iter().map(|finding| result(finding, &codes)).collect();
    let log = json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {"name": "lucid", "informationUri": "https://github.com/hamigames/lucid", "rules": rules}},
            "invocations": [invocation],
            "results": results,
        }]
    });
    format!("{}\n", serde_json::to_string_pretty(&log).expect("a value is JSON"))
}

fn rule(code: Code) -> Value {
    let known = lucid_status::entry(code);
    let (name, title, remedy) = known.map_or(("Unknown", "", ""), |entry| (entry.name, entry.title, entry.remedy));
    json!({"id": code, "name": name, "shortDescription": {"text": title}, "help": {"text": remedy}})
}

fn result(finding: &Finding, codes: &[Code]) -> Value {
    let level = match finding.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Advice => "note",
    };
    let mut location = json!({});
    if let Some(position) = &finding.position {
        location["physicalLocation"] = json!({
            "artifactLocation": {"uri": position.file},
            "region": {"startLine": position.line.max(1), "startColumn": position.column.max(1)},
        });
    }
    if let Some(object) = &finding.object {
        location["logicalLocations"] = json!([{"fullyQualifiedName": object.to_string(), "kind": "resource"}]);
    }
    let mut text = finding.message.clone();
    for evidence in &finding.evidence {
        text.push_str(&format!("\nseen: {evidence}"));
    }
    json!({"ruleId": finding.code, "ruleIndex": codes.iter().position(|code| *code == finding.code), "level": level,
        "message": {"text": text}, "locations": [location]})
}
