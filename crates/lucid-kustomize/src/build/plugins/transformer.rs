//! The built-in transformers as plugins: they write only the fields that their configuration lists.

use lucid_object::yaml::{Entry, Kind, Node, Scalar, Tag};

use super::pos_of;
use crate::build::{Accumulator, Build, Folder};
use crate::fieldspec::{Field, split, trimmed};
use crate::loader::path;
use crate::meter::DEPTH;
use crate::model::decode::Fields;
use crate::model::{self, At, Manner, Patch, Shared, field_spec, image, patch_fields, replica, selector};
use crate::report::code;
use crate::resource::{Resource, untagged};
use crate::tables::Spec;
use crate::transform::names::End;
use crate::transform::namespace::{self, Settings, Subjects};
use crate::transform::select::Target as Matcher;
use crate::transform::{images, labels, names, replacements, replicas};

impl Build<'_> {
    pub(super) fn run_transformer(&mut self, into: &mut Accumulator, plugin: &Resource, folder: &Folder) {
        match plugin.kind() {
            "AnnotationsTransformer" => self.pairs(into, plugin, "annotations"),
            "LabelTransformer" => self.pairs(into, plugin, "labels"),
            "ImageTagTransformer" => self.image_plugin(into, plugin),
            "NamespaceTransformer" => self.namespace_plugin(into, plugin),
            "PrefixTransformer" => self.affix(into, plugin, End::Prefix),
            "SuffixTransformer" => self.affix(into, plugin, End::Suffix),
            "PrefixSuffixTransformer" => {
                self.affix(into, plugin, End::Prefix);
                self.affix(into, plugin, End::Suffix);
            }
            "ReplicaCountTransformer" => self.replica_plugin(into, plugin),
            "PatchTransformer" => {
                if let Some(patch) =
                    self.decode(plugin, |shared, fields| Some(patch_fields(shared, fields, plugin.node.pos)))
                {
                    self.patch(into, &patch, folder);
                }
            }
            "PatchJson6902Transformer" => {
                let patch = self.decode(plugin, |shared, fields| {
                    let target = fields.node("target").and_then(|node| selector(shared, node));
                    let (path, text) = (fields.text("path"), fields.text("jsonOp"));
                    Some(Patch { path, text, target, pos: plugin.node.pos, ..Patch::default() })
                });
                if let Some(patch) = patch {
                    self.json6902(into, &patch, folder);
                }
            }
            "PatchStrategicMergeTransformer" => self.strategic_plugin(into, plugin, folder),
            "ReplacementTransformer" => {
                let list =
                    self.decode(plugin, |shared, fields| Some(model::replacements(shared, fields))).unwrap_or_default();
                let loaded = self.load_replacements(&list, folder);
                for replacement in &loaded {
                    replacements::apply(&mut into.map, replacement, &mut self.report);
                }
            }
            "HashTransformer" => crate::finish::hash_names(&mut into.map),
            "ValueAddTransformer" => self.value_add(into, plugin, folder),
            kind => {
                let message = format!("there is no built-in transformer {kind}");
                self.report.error(code::WRONG_VALUE, plugin.pos(), message);
            }
        }
    }

    fn decode<T>(
        &mut self,
        plugin: &Resource,
        read: impl FnOnce(&Shared<'_>, &Fields<'_, '_>) -> Option<T>,
    ) -> Option<T> {
        let plain = matches!(plugin.kind(), "PrefixTransformer" | "SuffixTransformer");
        let shared = Shared::new(&mut self.report, if plain { Manner::Plain } else { Manner::Loose });
        let fields = Fields::open_any(&shared, &plugin.node, "a transformer")?;
        read(&shared, &fields)
    }

    fn specs(&mut self, plugin: &Resource) -> Option<Vec<Spec>> {
        self.decode(plugin, |shared, fields| {
            fields.node("fieldSpecs")?;
            Some(fields.list("fieldSpecs").iter().filter_map(|node| field_spec(shared, node)).collect())
        })
    }

    fn pairs(&mut self, into: &mut Accumulator, plugin: &Resource, field: &str) {
        let specs = self.specs(plugin).unwrap_or_default();
        let pairs = self.decode(plugin, |_, fields| Some(fields.text_map(field))).unwrap_or_default();
        labels::apply(&mut into.map, field, &pairs, &specs, &mut self.report);
    }

    fn image_plugin(&mut self, into: &mut Accumulator, plugin: &Resource) {
        let specs = self.specs(plugin).unwrap_or_default();
        let image = self.decode(plugin, |shared, fields| image(shared, fields.node("imageTag")?));
        if let Some(image) = image {
            images::apply(&mut into.map, &[image], &specs, &mut self.report);
        }
    }

    fn namespace_plugin(&mut self, into: &mut Accumulator, plugin: &Resource) {
        let specs = self.specs(plugin).unwrap_or_default();
        let (unset_only, mode) = self
            .decode(plugin, |_, fields| Some((fields.flag("unsetOnly"), fields.text("setRoleBindingSubjects"))))
            .unwrap_or_default();
        let subjects = match mode.value.as_str() {
            "" | "defaultOnly" => Subjects::NamedDefault,
            "allServiceAccounts" => Subjects::ServiceAccounts,
            "none" => Subjects::None,
            other => {
                let message =
                    format!("setRoleBindingSubjects is defaultOnly, allServiceAccounts or none, not {other:?}");
                return self.report.error(code::WRONG_VALUE, mode.pos, message);
            }
        };
        let pos = plugin.node.pos_at("/metadata/namespace");
        let settings = Settings { namespace: plugin.namespace(), unset_only, subjects, pos };
        namespace::apply(&mut into.map, settings, &specs, &mut self.report);
    }

    fn affix(&mut self, into: &mut Accumulator, plugin: &Resource, end: End) {
        let Some(specs) = self.specs(plugin) else {
            let message = format!("{}: fieldSpecs are missing", plugin.kind());
            return self.report.error(code::WRONG_VALUE, plugin.pos(), message);
        };
        let field = if end == End::Prefix { "prefix" } else { "suffix" };
        let text = self.decode(plugin, |_, fields| Some(fields.text(field))).unwrap_or_default();
        names::apply(&mut into.map, end, &text, &specs, &mut self.report);
    }

    fn replica_plugin(&mut self, into: &mut Accumulator, plugin: &Resource) {
        let specs = self.specs(plugin).unwrap_or_default();
        let replica = self.decode(plugin, |shared, fields| replica(shared, fields.node("replica")?));
        replicas::apply(&mut into.map, &replica.unwrap_or_default(), &specs, &mut self.report);
    }

    fn strategic_plugin(&mut self, into: &mut Accumulator, plugin: &Resource, folder: &Folder) {
        let (mut entries, inline) =
            self.decode(plugin, |_, fields| Some((fields.texts("paths"), fields.text("patches")))).unwrap_or_default();
        if entries.is_empty() && inline.value.is_empty() {
            let message = "PatchStrategicMergeTransformer: `paths` and `patches` are empty";
            return self.report.error(code::WRONG_VALUE, plugin.pos(), message);
        }
        entries.extend((!inline.value.is_empty()).then_some(inline));
        self.strategic_entries(into, &entries, folder);
    }

    /// Adds a value to fields, or into the parts of paths that they hold.
    fn value_add(&mut self, into: &mut Accumulator, plugin: &Resource, folder: &Folder) {
        let (value, targets, file) = self
            .decode(plugin, |_, fields| {
                Some((fields.text("value"), fields.list("targets").to_vec(), fields.text("targetFilePath")))
            })
            .unwrap_or_default();
        let value = match value.value.trim() {
            "" => path::base(&self.loader.display(&folder.path)).to_owned(),
            value => value.to_owned(),
        };
        let more = if file.value.is_empty() { Vec::new() } else { self.targets_of(folder, &file) };
        let targets = [targets, more].concat();
        if targets.is_empty() {
            let message = "ValueAddTransformer: at least one target is needed";
            return self.report.error(code::WRONG_VALUE, plugin.pos(), message);
        }
        for target in &targets {
            self.value_to(into, plugin, target, &value);
        }
    }

    fn targets_of(&mut self, folder: &Folder, file: &At<lucid_object::yaml::Text>) -> Vec<Node> {
        let node = self.text(folder, file).and_then(|text| self.yaml_1_1(&text)).flatten();
        node.as_ref().and_then(|node| node.get("targets")).map(|targets| targets.items().to_vec()).unwrap_or_default()
    }

    fn value_to(&mut self, into: &mut Accumulator, plugin: &Resource, target: &Node, value: &str) {
        let shared = Shared::new(&mut self.report, Manner::Loose);
        let Some(fields) = Fields::open_any(&shared, target, "a target") else { return };
        let (field, position) = (fields.text("fieldPath"), fields.integer("filePathPosition"));
        let chosen = fields.node("selector").and_then(|node| selector(&shared, node));
        let chosen = chosen.unwrap_or_default();
        let found = match Matcher::new(&chosen).and_then(|matcher| matcher.among(into.map.list())) {
            Ok(found) => found,
            Err(error) => return self.report.error(code::WRONG_VALUE, target.pos, format!("selector: {error}")),
        };
        let path: Vec<String> = trimmed(&split(&field.value, '/')).map(str::to_owned).collect();
        if path.len() > DEPTH {
            return self.report.error(code::TOO_LARGE, target.pos, format!("the path is more than {DEPTH} deep"));
        }
        if field.value.is_empty() || position < 0 {
            let message = "ValueAddTransformer: fieldPath is missing, or filePathPosition is negative";
            return self.report.error(code::WRONG_VALUE, target.pos, message);
        }
        for index in found {
            let resource = &mut into.map.renaming()[index];
            let done = if field.value == "metadata/namespace" {
                let settings = Settings { namespace: value, pos: pos_of(plugin, "value"), ..Settings::default() };
                namespace::one(resource, settings, &[] as &[Field<'_>])
            } else {
                let added = value.len() + path.len() * size_of::<Entry>();
                match self.report.meter.grow(added, target.pos) {
                    true => add(&mut resource.node, &path, value, position),
                    false => Ok(()),
                }
            };
            if let Err(error) = done {
                let message = format!("ValueAddTransformer: {}: {error}", resource.reference());
                self.report.error(code::TRANSFORM, target.pos, message);
            }
        }
    }
}

fn add(node: &mut Node, path: &[String], value: &str, position: i64) -> Result<(), String> {
    let Some((name, rest)) = path.split_first() else {
        let Kind::Scalar(scalar) = &mut node.kind else { return Err("the field is not a plain value".into()) };
        let text = match usize::try_from(position - 1) {
            Ok(index) => insert_part(&scalar.text, index, value),
            Err(_) => value.to_owned(),
        };
        *scalar = Scalar { tag: Tag::Unset, text: text.into(), ..scalar.clone() };
        return Ok(());
    };
    if !node.is_map() {
        return Err(format!("{name} is looked for in something that is not a mapping"));
    }
    if name.parse::<i64>().is_ok() {
        return Err(format!("{name} is the place of an item, and a mapping has none"));
    }
    if node.get(name).is_none() {
        let pos = node.pos;
        let made = if rest.is_empty() { Node::scalar(Scalar::plain("", Tag::Unset), pos) } else { Node::map(pos) };
        node.set(untagged(name.as_str(), pos), made);
    }
    add(node.get_mut(name).expect("is there"), rest, value, position)
}

/// Puts a part into a file path; beyond the end it is appended.
fn insert_part(path: &str, position: usize, part: &str) -> String {
    if part.is_empty() {
        return path.to_owned();
    }
    let (root, rest) = match path.strip_prefix('/') {
        Some(rest) => ("/", rest),
        None => ("", path),
    };
    let mut parts: Vec<&str> = rest.split('/').filter(|part| !part.is_empty()).collect();
    parts.insert(position.min(parts.len()), part);
    format!("{root}{}", parts.join("/"))
}
