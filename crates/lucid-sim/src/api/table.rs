//! Tables, as `kubectl get` asks for them: the columns that the server has for a kind, and what stands in them.
//!
//! [`columns`] has the built-in kinds, [`pod`] the cells of pods, [`custom`] the columns that definitions declare.
//!
//! Source: kubernetes/pkg/printers/internalversion/printers.go.

mod age;
mod columns;
mod custom;
mod pod;

use std::sync::Arc;

use serde_json::{Value, json};

use crate::api::convert;
use crate::api::format::{self, Include};
use crate::json::Json;
use crate::kinds::Kind;

/// An object whose cells are asked for, and the time in seconds since 1970.
pub(crate) struct Row<'a> {
    pub(crate) object: &'a Value,
    pub(crate) now: i64,
}

/// One column: name, type, whether only `-o wide` shows it, and its cells.
pub(crate) struct Column {
    pub(crate) name: &'static str,
    pub(crate) of: &'static str,
    pub(crate) wide: bool,
    pub(crate) cell: fn(&Row<'_>) -> Value,
}

impl Column {
    fn definition(&self) -> Value {
        let format = if self.name == "Name" && self.of == "string" { "name" } else { "" };
        definition(self.name, self.of, format, "", i32::from(self.wide))
    }
}

fn definition(name: &str, of: &str, format: &str, description: &str, priority: i32) -> Value {
    json!({"name": name, "type": of, "format": format, "description": description, "priority": priority})
}

/// The objects as rows.
pub(crate) fn of(kind: &Kind, objects: &[Arc<Value>], metadata: Value, include: Include, now: i64) -> Value {
    let (definitions, cells) = shape(kind);
    let row = |object: &Arc<Value>| {
        let mut row = json!({"cells": cells(&Row { object, now })});
        match include {
            Include::None => {}
            Include::Metadata => row["object"] = format::metadata(object),
            Include::Object => row["object"] = Value::clone(&convert::present(kind, object)),
        }
        row
    };
    let rows: Vec<Value> = objects.iter().map(row).collect();
    json!({"kind": "Table", "apiVersion": "meta.k8s.io/v1", "metadata": metadata, "columnDefinitions": definitions, "rows": rows})
}

type Cells<'k> = Box<dyn Fn(&Row<'_>) -> Vec<Value> + 'k>;

fn shape(kind: &Kind) -> (Vec<Value>, Cells<'_>) {
    if kind.is_custom() {
        return custom::shape(kind);
    }
    let columns = columns::of(&kind.group, &kind.kind);
    if columns.is_empty() {
        let created =
            |row: &Row<'_>| vec![row.object.name().into(), row.object.at("metadata/creationTimestamp").clone()];
        let definitions =
            vec![definition("Name", "string", "name", "", 0), definition("Created At", "date", "", "", 0)];
        return (definitions, Box::new(created));
    }
    let definitions = columns.iter().map(Column::definition).collect();
    (definitions, Box::new(move |row| columns.iter().map(|column| (column.cell)(row)).collect()))
}
