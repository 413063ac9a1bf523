//! The fields of `configMapGenerator`, `secretGenerator` and `generatorOptions`.

use lucid_object::yaml::{Node, Pos, Text};

use super::decode::Fields;
use super::{At, Shared};

/// One generator entry.
#[derive(Debug, Clone, Default)]
pub(crate) struct GeneratorArgs {
    pub(crate) secret: bool,
    pub(crate) name: At<Text>,
    pub(crate) namespace: At<Text>,
    pub(crate) behavior: Text,
    pub(crate) kind: At<Text>,
    pub(crate) literals: Vec<At<Text>>,
    pub(crate) files: Vec<At<Text>>,
    pub(crate) envs: Vec<At<Text>>,
    /// Absent options differ from empty ones only in that the hash is always wanted.
    pub(crate) options: GeneratorOptions,
    pub(crate) pos: Pos,
}

/// Labels, annotations and switches of generated objects.
#[derive(Debug, Clone, Default)]
pub(crate) struct GeneratorOptions {
    pub(crate) labels: Vec<(Text, At<Text>)>,
    pub(crate) annotations: Vec<(Text, At<Text>)>,
    pub(crate) disable_hash: bool,
    pub(crate) immutable: bool,
}

impl GeneratorOptions {
    pub(crate) fn decode(report: &Shared<'_>, node: Option<&Node>) -> Self {
        let known = ["labels", "annotations", "disableNameSuffixHash", "immutable"];
        let Some(fields) = node.and_then(|node| Fields::open(report, node, "generator options", &known)) else {
            return Self::default();
        };
        Self {
            labels: fields.text_map("labels"),
            annotations: fields.text_map("annotations"),
            disable_hash: fields.flag("disableNameSuffixHash"),
            immutable: fields.flag("immutable"),
        }
    }

    /// The options of one generator under those of the whole file: its own labels win, switches add up.
    pub(crate) fn under(&self, all: &Self) -> Self {
        let merge = |own: &[(Text, At<Text>)], all: &[(Text, At<Text>)]| {
            let mut merged = own.to_vec();
            merged.extend(all.iter().filter(|(key, _)| !own.iter().any(|(k, _)| k == key)).cloned());
            merged.sort_by(|a, b| a.0.cmp(&b.0));
            merged
        };
        Self {
            labels: merge(&self.labels, &all.labels),
            annotations: merge(&self.annotations, &all.annotations),
            disable_hash: self.disable_hash || all.disable_hash,
            immutable: self.immutable || all.immutable,
        }
    }
}

const KNOWN: [&str; 8] = ["namespace", "name", "behavior", "literals", "files", "envs", "env", "options"];

impl GeneratorArgs {
    pub(crate) fn decode(report: &Shared<'_>, node: &Node, secret: bool) -> Option<Self> {
        let what = if secret { "a secret generator" } else { "a config map generator" };
        let mut known = KNOWN.to_vec();
        if secret {
            known.push("type");
        }
        let fields = Fields::open(report, node, what, &known)?;
        Some(Self::from_fields(report, &fields, node.pos, secret))
    }

    /// The same from the configuration of a plugin, where kind and metadata stand beside.
    pub(crate) fn from_fields(report: &Shared<'_>, fields: &Fields<'_, '_>, pos: Pos, secret: bool) -> Self {
        let mut envs = fields.texts("envs");
        envs.extend(fields.text_option("env").filter(|env| !env.value.is_empty()));
        Self {
            secret,
            name: fields.text("name"),
            namespace: fields.text("namespace"),
            behavior: fields.text("behavior").value,
            kind: if secret { fields.text("type") } else { At::default() },
            literals: fields.texts("literals"),
            files: fields.texts("files"),
            envs,
            options: GeneratorOptions::decode(report, fields.node("options")),
            pos,
        }
    }
}
