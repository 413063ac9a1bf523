//! `configurations`, `crds` and `openapi`: what else the transformers write.

use std::borrow::Cow;

use lucid_object::yaml::{Dialect, Node};

use super::{Accumulator, Build, Folder, Target, crds};
use crate::config::{Config, Conflict};
use crate::model::decode::Fields;
use crate::model::{At, Manner, Shared, field_spec};
use crate::report::code;
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
        let node = self.yaml_1_1(&text)??;
        match crds::config(&node) {
            Ok(config) => Some(config),
            Err(conflict) => {
                self.report.error(code::WRONG_VALUE, at.pos, conflict.to_string());
                None
            }
        }
    }

    /// Only the built-in schema is there.
    pub(crate) fn openapi(&mut self, target: &Target) {
        for (field, at) in &target.kustomization.openapi {
            match field.as_str() {
                "version" if at.value.is_empty() || at.value == SCHEMA => {}
                "version" => {
                    let message = format!("the OpenAPI version {:?} is not built in", at.value.as_str());
                    self.report.error_help(code::WRONG_VALUE, at.pos, message, format!("only {SCHEMA} is"));
                }
                "path" => self.report.error_help(
                    code::NOT_SUPPORTED,
                    at.pos,
                    "openapi.path: schemas of one's own are not read",
                    "leave it out; lists of custom resources are then replaced, not merged",
                ),
                _ => {}
            }
        }
    }
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
