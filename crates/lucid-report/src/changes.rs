//! Changes to objects, field by field: for a terminal, for a pull request, for machines.

use lucid_object::ObjectRef;
use lucid_plan::{FieldChange, Manager};
use serde::Serialize;
use serde_json::Value;

use crate::redact::strip;
use crate::style::{Paint, cut};

/// Longest value that is shown in a line.
const WIDEST: usize = 160;

/// What happens to one object.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Change {
    pub component: String,
    pub object: ObjectRef,
    pub action: Verb,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<FieldChange>,
    /// The server could not try it yet.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub not_tried: bool,
    /// Why it cannot be taken back; absent when it can.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub one_way: Option<String>,
    /// What bringing the old revision back would do; absent when it could not bring this back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reverse: Option<Verb>,
    /// What happens to what the object owns while it is replaced.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub meanwhile: Option<String>,
    /// Who else writes to it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub managers: Vec<Manager>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verb {
    Create,
    Update,
    /// Deleted and made anew.
    Replace,
    Delete,
}

impl Verb {
    /// What takes it back.
    pub fn reverse(self) -> Self {
        match self {
            Self::Create => Self::Delete,
            Self::Update => Self::Update,
            Self::Replace => Self::Replace,
            Self::Delete => Self::Create,
        }
    }

    fn sign(self) -> &'static str {
        match self {
            Self::Create => "+",
            Self::Update => "~",
            Self::Replace => "±",
            Self::Delete => "-",
        }
    }

    fn paint(self, paint: Paint, text: &str) -> String {
        match self {
            Self::Create => paint.good(text),
            Self::Update | Self::Replace => paint.warn(text),
            Self::Delete => paint.bad(text),
        }
    }
}

/// One line an object, and below it one a field.
pub fn text(changes: &[Change], paint: Paint) -> String {
    let mut out = String::new();
    for change in changes {
        let head = format!("{} {}", change.action.paint(paint, change.action.sign()), change.object);
        out.push_str(&format!("{head} {}\n", paint.dim(&note(change))));
        for field in &change.fields {
            out.push_str(&format!("    {}: {}\n", field.path, sides(field)));
        }
        if !change.managers.is_empty() {
            out.push_str(&format!("    {}\n", paint.dim(&also_written(&change.managers))));
        }
    }
    out
}

/// `also written by ann (2026-01-01T00:00:00Z)`.
fn also_written(managers: &[Manager]) -> String {
    let shown = managers.iter().map(|manager| match &manager.at {
        Some(at) => format!("{} ({})", strip(&manager.name, WIDEST), strip(at, WIDEST)),
        None => strip(&manager.name, WIDEST),
    });
    format!("also written by {}", shown.collect::<Vec<_>>().join(", "))
}

fn note(change: &Change) -> String {
    let mut parts = vec![change.component.clone()];
    parts.extend(change.not_tried.then(|| "not tried by the server".to_owned()));
    parts.extend(change.meanwhile.clone());
    parts.extend(change.one_way.as_ref().map(|why| format!("cannot be taken back: {why}")));
    parts.join("; ")
}

fn sides(field: &FieldChange) -> String {
    let side = |value: &Option<Value>| value.as_ref().map_or_else(|| "(none)".to_owned(), shown);
    match (&field.before, &field.after) {
        (Some(before), Some(after)) if before == after => format!("{} → another value", shown(before)),
        _ => format!("{} → {}", side(&field.before), side(&field.after)),
    }
}

fn shown(value: &Value) -> String {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    cut(&strip(&text, WIDEST * 2), WIDEST)
}

/// `2 to replace, `; nothing where there is nothing, which is nearly always.
pub fn to_replace(count: usize) -> String {
    if count == 0 { String::new() } else { format!("{count} to replace, ") }
}

/// A table of objects, and the fields of each folded below it: what a pull request has room for.
pub fn markdown(title: &str, changes: &[Change]) -> String {
    let count = |verb: Verb| changes.iter().filter(|change| change.action == verb).count();
    let mut out = format!(
        "### {title}\n\n{} to create, {} to update, {}{} to delete\n",
        count(Verb::Create),
        count(Verb::Update),
        to_replace(count(Verb::Replace)),
        count(Verb::Delete)
    );
    if changes.is_empty() {
        return out;
    }
    out.push_str("\n| | object | component |\n|---|---|---|\n");
    for change in changes {
        out.push_str(&format!("| `{}` | `{}` | {} |\n", change.action.sign(), change.object, note(change)));
    }
    for change in changes.iter().filter(|change| !change.fields.is_empty()) {
        out.push_str(&format!("\n<details><summary>{}</summary>\n\n```text\n", change.object));
        for field in &change.fields {
            out.push_str(&format!("{}: {}\n", field.path, sides(field).replace("```", "ˋˋˋ")));
        }
        if !change.managers.is_empty() {
            out.push_str(&format!("{}\n", also_written(&change.managers).replace("```", "ˋˋˋ")));
        }
        out.push_str("```\n\n</details>\n");
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn changes() -> Vec<Change> {
        let object = |kind: &str, name: &str| ObjectRef::new("", kind, Some("n"), name);
        let change = |component: &str, object, action| Change {
            component: component.into(),
            object,
            action,
            fields: Vec::new(),
            not_tried: false,
            one_way: None,
            reverse: None,
            meanwhile: None,
            managers: Vec::new(),
        };
        let mut update = change("api", object("Secret", "token"), Verb::Update);
        let field =
            |path: &str, before: Option<Value>, after: Option<Value>| FieldChange { path: path.into(), before, after };
        update.fields = vec![
            field("data.key", Some(json!("(secret)")), Some(json!("(secret)"))),
            field("metadata.labels.x", None, Some(json!("y"))),
        ];
        update.managers = vec![Manager { name: "ann".into(), at: Some("2026-01-01T00:00:00Z".into()) }];
        let mut create = change("web", object("ConfigMap", "new"), Verb::Create);
        create.not_tried = true;
        let mut delete = change("old", object("Service", "gone"), Verb::Delete);
        delete.one_way = Some("its address may be another".into());
        vec![update, create, delete]
    }

    #[test]
    fn lines_for_people() {
        let expect = "~ Secret n/token api\n    data.key: (secret) → another value\n    metadata.labels.x: (none) → y\n    also written by ann (2026-01-01T00:00:00Z)\n\
                      + ConfigMap n/new web; not tried by the server\n\
                      - Service n/gone old; cannot be taken back: its address may be another\n";
        assert_eq!(text(&changes(), Paint(false)), expect);
    }

    #[test]
    fn a_table_for_pull_requests() {
        let text = markdown("Plan for production", &changes());
        assert!(text.starts_with("### Plan for production\n\n1 to create, 1 to update, 1 to delete\n"));
        assert!(text.contains("| `~` | `Secret n/token` | api |\n"));
        assert!(text.contains("<details><summary>Secret n/token</summary>"));
    }
}
