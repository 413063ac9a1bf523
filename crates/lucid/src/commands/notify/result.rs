//! What a run's result says in a few words: names and codes, never a message, which may quote an object or a log.

use std::path::Path;

use serde_json::Value;

use crate::failure::{Failure, Result};
use crate::files;

/// How many are named.
const NAMED: usize = 5;

/// Empty when the run was stopped before it had a result.
pub(crate) fn summary(path: &Path) -> Result<String> {
    let wrong = |why: String| {
        Failure::usage(format!("read {}: {why}", path.display())).help("name what `lucid deploy -o json` has written")
    };
    let text = files::text(path).map_err(|error| wrong(error.to_string()))?;
    if text.trim().is_empty() {
        return Ok(String::new());
    }
    let result: Value = serde_json::from_str(&text).map_err(|_| wrong("it is no JSON".to_owned()))?;
    if result["kind"] != "RunResult" {
        return Err(wrong("it is no result of a run".to_owned()));
    }
    Ok(words(&result))
}

fn words(result: &Value) -> String {
    let components: Vec<&Value> = result["components"].as_array().into_iter().flatten().collect();
    let failed: Vec<String> =
        components.iter().filter(|one| one["result"] == "failed").filter_map(|one| failure(one)).collect();
    let verified = components.iter().filter(|one| one["result"] == "verified").count();
    let mut parts: Vec<String> = failed.iter().take(NAMED).cloned().collect();
    if failed.len() > NAMED {
        parts.push(format!("{} more failed", failed.len() - NAMED));
    }
    if !components.is_empty() {
        parts.push(format!("{verified} of {} components verified", components.len()));
    }
    if let Some(seconds) = result["tookSeconds"].as_f64().filter(|seconds| seconds.is_finite()) {
        parts.push(format!("{seconds:.0} s"));
    }
    parts.join(", ")
}

fn failure(component: &Value) -> Option<String> {
    let name = component["name"].as_str().filter(|name| is_name(name))?;
    let findings = component["findings"].as_array().into_iter().flatten();
    let mut codes: Vec<&str> = findings.filter_map(|one| one["code"].as_str()).filter(|code| is_code(code)).collect();
    codes.dedup();
    codes.truncate(NAMED);
    Some(match codes.is_empty() {
        true => format!("{name} failed"),
        false => format!("{name} failed ({})", codes.join(", ")),
    })
}

fn is_name(text: &str) -> bool {
    text.len() <= 63 && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '.'))
}

fn is_code(text: &str) -> bool {
    text.len() == 5 && text.starts_with('L') && text[1..].bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn names_and_codes_and_nothing_that_was_quoted() {
        let finding = json!({"code": "L3002", "message": "image x with password hush", "seen": ["kind: Secret"]});
        let result = json!({"kind": "RunResult", "tookSeconds": 12.4, "components": [
            {"name": "redis", "result": "failed", "findings": [finding, finding]},
            {"name": "odd", "result": "failed", "findings": [{"code": "hush!"}]},
            {"name": "kind: Secret\nhush", "result": "failed", "findings": []},
            {"name": "web", "result": "verified", "findings": []},
        ]});
        assert_eq!(words(&result), "redis failed (L3002), odd failed, 1 of 4 components verified, 12 s");
    }

    #[test]
    fn many_failures_are_counted() {
        let one = |n: usize| json!({"name": format!("c{n}"), "result": "failed", "findings": []});
        let result = json!({"components": (0..9).map(one).collect::<Vec<_>>()});
        let words = words(&result);
        assert!(words.starts_with("c0 failed, c1 failed") && words.contains("4 more failed"), "{words}");
    }
}
