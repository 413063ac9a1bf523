//! `configurations`, `crds` and `openapi`: what else the transformers write.

use std::borrow::Cow;
use std::rc::Rc;

use lucid_object::yaml::{Dialect, Limits, Node, Pos, parse_first};

use super::{Accumulator, Build, Folder, Target, Text, crds};
use crate::config::{Config, Conflict};
use crate::model::decode::Fields;
use crate::model::{At, Manner, Shared, field_spec};
use crate::read::Flaw;
use crate::report::code;
use crate::schema::Schema;
use crate::tables::{NameRule, Spec};

/// The version of the schema that is built in.
const SCHEMA: &str = "v1.21.2";

const KNOWN: [&str; 12] = [
    "namePrefix",
    "nameSuffix",
    "namespace",
    "commonLabels",
    "labels",
    "templateLabels",
    "volumeClaimTemplateLabels",
    "commonAnnotations",
    "nameReference",
    "varReference",
    "images",
    "replicas",
];

impl Build<'_> {
    /// Merges the defaults, then configuration files, then what custom resource definitions say.
    pub(super) fn configurations(&mut self, into: &mut Accumulator, target: &Target) {
        let k = &target.kustomization;
        let mut merged = into.config.merge(&Config::default());
        for at in &k.configurations {
            if let Some(config) = self.configuration(&target.folder, at) {
                merged = merged.and_then(|()| into.config.merge(&config));
            }
        }
        for at in &k.crds {
            if let Some(config) = self.custom_resources(&target.folder, at) {
                merged = merged.and_then(|()| into.config.merge(&config));
            }
        }
        if let Err(Conflict(path)) = merged {
            let pos = k.configurations.first().or(k.crds.first()).map_or(k.pos, |at| at.pos);
            self.report.error(code::WRONG_VALUE, pos, Conflict(path).to_string());
        }
    }

    fn configuration(&mut self, folder: &Folder, at: &At<lucid_object::yaml::Text>) -> Option<Config> {
        let text = self.text(folder, at)?;
        let node = self.first_document(&text, Dialect::Strict11)??;
        let shared = Shared::new(&mut self.report, Manner::Known);
        Some(decode(&shared, &node))
    }

    fn custom_resources(&mut self, folder: &Folder, at: &At<lucid_object::yaml::Text>) -> Option<Config> {
        let text = self.text(folder, at)?;
        let node = match document(&text) {
            Ok(Some(node)) => node,
            Ok(None) => return None,
            Err(flaw) => {
                flaw.tell(&mut self.report);
                return None;
            }
        };
        match crds::config(&node) {
            Ok(config) => Some(config),
            Err(refused) => {
                self.report.error(code::WRONG_VALUE, at.pos, refused.to_string());
                None
            }
        }
    }

    /// Puts the schema of a kustomization in force, unless another one was named before.
    pub(crate) fn openapi(&mut self, target: &Target) {
        let field = |name: &str| target.kustomization.openapi.iter().find(|(field, _)| field == name).map(|(_, at)| at);
        let path = field("path");
        let text = path.and_then(|at| self.text(&target.folder, at));
        if self.schema_named {
            return;
        }
        let version = field("version");
        if let (Some(document_text), Some(at)) = (text, path) {
            if version.is_some() {
                let message = "openapi names a version and a path; only one of them can count";
                return self.report.error(code::WRONG_VALUE, at.pos, message);
            }
            self.schema_named = true;
            let not_one = |why: String| {
                Flaw::new(code::WRONG_VALUE, at.pos, format!("{} is no OpenAPI document: {why}", at.value))
            };
            let read = document(&document_text).and_then(|node| {
                let node = node.ok_or_else(|| not_one("it is empty".into()))?;
                Schema::custom(&node, self.schema_needed).map_err(not_one)
            });
            match read {
                Ok(schema) => self.schema = Rc::new(schema),
                Err(flaw) => self.broken_schema = Some(flaw),
            }
            return;
        }
        let Some(at) = version.filter(|at| !at.value.is_empty()) else { return };
        self.schema_named = true;
        if at.value != SCHEMA {
            let message = format!("the OpenAPI version {:?} is not built in", at.value.as_str());
            self.report.error_help(code::WRONG_VALUE, at.pos, message, format!("only {SCHEMA} is"));
        }
    }

    /// Notes that something depends on the schema. One that cannot be read is a mistake only then.
    pub(crate) fn need_schema(&mut self) {
        self.schema_needed = true;
        if let Some(flaw) = self.broken_schema.take() {
            flaw.tell(&mut self.report);
        }
    }
}

/// A document about types: JSON if it begins like that, else YAML.
fn document(text: &Text) -> Result<Option<Node>, Flaw> {
    let start = Pos { file: text.file, line: 1, column: 1 };
    if text.text.is_empty() {
        return Err(Flaw::new(code::INVALID_YAML, start, "the file is empty"));
    }
    if !text.text.starts_with('{') {
        return Ok(parse_first(&text.text, start, Dialect::Yaml11, Limits::default())?.node);
    }
    let value = serde_json::from_str(&text.text).map_err(|error| {
        let pos = Pos { line: error.line() as u32, column: error.column() as u32, ..start };
        Flaw::new(code::INVALID_YAML, pos, format!("invalid JSON: {error}"))
    })?;
    Ok(Some(Node::from_json(&value, start)))
}

fn decode(report: &Shared<'_>, node: &Node) -> Config {
    let mut config = Config::empty();
    let Some(fields) = Fields::open(report, node, "a transformer configuration", &KNOWN) else { return config };
    let specs = |name: &str| -> Cow<'static, [Spec]> {
        fields.list(name).iter().filter_map(|node| field_spec(report, node)).collect::<Vec<_>>().into()
    };
    config.name_prefix = specs("namePrefix");
    config.name_suffix = specs("nameSuffix");
    config.namespace = specs("namespace");
    config.common_labels = specs("commonLabels");
    config.labels = specs("labels");
    config.template_labels = specs("templateLabels");
    config.volume_claim_template_labels = specs("volumeClaimTemplateLabels");
    config.common_annotations = specs("commonAnnotations");
    config.var_reference = specs("varReference");
    config.images = specs("images");
    config.replicas = specs("replicas");
    let rules = fields.list("nameReference").iter().filter_map(|node| rule(report, node));
    config.name_reference = rules.collect::<Vec<_>>().into();
    config
}

fn rule(report: &Shared<'_>, node: &Node) -> Option<NameRule> {
    let fields = Fields::open(report, node, "a name reference", &["group", "version", "kind", "fieldSpecs"])?;
    let text = |name| Cow::Owned(fields.exact(name).to_string());
    let referrers = fields.list("fieldSpecs").iter().filter_map(|node| field_spec(report, node)).collect::<Vec<_>>();
    Some(NameRule { group: text("group"), version: text("version"), kind: text("kind"), referrers: referrers.into() })
}
