//! `generators`, `transformers` and `validators`: built-in plugins that are configured by objects.

use lucid_object::yaml::{Node, Pos, Text};

use super::{Accumulator, Build, Folder, Target};
use crate::model;
use crate::model::decode::Fields;
use crate::model::{At, GeneratorArgs, GeneratorOptions, Manner, Replacement, Shared, replacements_file};
use crate::origin::{ConfiguredBy, Origin};
use crate::read;
use crate::report::code;
use crate::resource::Resource;

mod transformer;
mod validator;

impl Build<'_> {
    /// Objects of the field `generators`, each run as a generator.
    pub(super) fn external_generators(&mut self, into: &mut Accumulator, target: &Target, origin: &Origin) {
        for plugin in self.plugins(&target.kustomization.generators, target, origin) {
            let Some(mut made) = self.run_generator(&plugin, &target.folder) else { continue };
            if self.origins {
                made.iter_mut().for_each(|resource| resource.origin = Some(configured(&plugin)));
            }
            for resource in made {
                into.map.absorb(resource, &mut self.report);
            }
        }
    }

    /// Objects of the field `transformers`, each run as a transformer.
    pub(super) fn external_transformers(&mut self, into: &mut Accumulator, target: &Target, origin: &Origin) {
        for plugin in self.plugins(&target.kustomization.transformers, target, origin) {
            self.run_transformer(into, &plugin, &target.folder);
            if self.origins {
                let by = configured(&plugin);
                into.map.list_mut().iter_mut().for_each(|resource| resource.note(&by));
            }
        }
    }

    /// The objects that configure plugins: written in the kustomization, in files, or in folders.
    fn plugins(&mut self, entries: &[At<Text>], target: &Target, origin: &Origin) -> Vec<Resource> {
        let mut found = Accumulator::default();
        let mut paths = Vec::new();
        for at in entries {
            match read::documents(&at.value, at.pos.file).map(|found| found.resources) {
                Ok(mut plugins) => {
                    for plugin in &mut plugins {
                        plugin.shift(at.pos);
                        plugin.origin = self.origins.then(|| origin.append(target.file_name));
                    }
                    found.map.append_all(plugins, &mut self.report);
                }
                Err(_) => paths.push(at.clone()),
            }
        }
        self.resources(&mut found, &paths, &target.folder, origin);
        let mut plugins = found.map.into_list();
        plugins.retain_mut(|plugin| self.is_builtin(plugin) && self.is_plain(plugin));
        plugins
    }

    fn is_builtin(&mut self, plugin: &Resource) -> bool {
        if plugin.api_version() == "builtin" {
            return true;
        }
        let message =
            format!("the plugin {} {} is not built in, and programs are not run", plugin.api_version(), plugin.kind());
        let help = "use a built-in plugin (apiVersion: builtin), or run the function beforehand and list what it makes";
        self.report.error_help(code::NOT_SUPPORTED, plugin.pos(), message, help);
        false
    }

    /// Plugins get their configuration as JSON.
    fn is_plain(&mut self, plugin: &mut Resource) -> bool {
        match read::json::through(&plugin.node) {
            Ok(node) => {
                plugin.node = node;
                true
            }
            Err(flaw) => {
                flaw.tell(&mut self.report);
                false
            }
        }
    }

    fn run_generator(&mut self, plugin: &Resource, folder: &Folder) -> Option<Vec<Resource>> {
        match plugin.kind() {
            kind @ ("ConfigMapGenerator" | "SecretGenerator") => {
                let args = self.generator_args(plugin, kind == "SecretGenerator")?;
                self.generated(&args, &GeneratorOptions::default(), folder).map(|made| vec![made])
            }
            "IAMPolicyGenerator" => self.service_account(plugin).map(|made| vec![made]),
            "HelmChartInflationGenerator" => {
                let chart = {
                    let shared = Shared::new(&mut self.report, Manner::Loose);
                    let fields = Fields::open_any(&shared, &plugin.node, "a generator")?;
                    model::helm::plugin(&fields, plugin.pos())
                };
                self.inflate(&chart, folder)
            }
            kind => {
                self.report.error(code::WRONG_VALUE, plugin.pos(), format!("there is no built-in generator {kind}"));
                None
            }
        }
    }

    fn generator_args(&mut self, plugin: &Resource, secret: bool) -> Option<GeneratorArgs> {
        let shared = Shared::new(&mut self.report, Manner::Typed);
        let fields = Fields::open_any(&shared, &plugin.node, "a generator")?;
        let mut args = GeneratorArgs::from_fields(&shared, &fields, plugin.node.pos, secret);
        // Like any field, these match in any case here.
        let metadata = Fields::open_any(&shared, fields.node("metadata")?, "metadata")?;
        for (own, name) in [(&mut args.name, "name"), (&mut args.namespace, "namespace")] {
            if own.value.is_empty() {
                *own = At { pos: plugin.pos(), ..metadata.text(name) };
            }
        }
        Some(args)
    }

    /// The one policy object that kustomize can make: a service account for GKE. It writes and reads YAML for that.
    fn service_account(&mut self, plugin: &Resource) -> Option<Resource> {
        let shared = Shared::new(&mut self.report, Manner::Loose);
        let fields = Fields::open_any(&shared, &plugin.node, "a generator")?;
        let open = |name: &'static str| Some(Fields::open_any(&shared, fields.node(name)?, name));
        let text = |fields: &Option<Fields<'_, '_>>, name: &str| {
            fields.as_ref().map(|fields| fields.text(name).value).unwrap_or_default()
        };
        let (account, service) = (open("serviceAccount").flatten(), open("kubernetesService").flatten());
        let mut yaml = format!(
            "apiVersion: v1\nkind: ServiceAccount\nmetadata:\n  annotations:\n    \
             iam.gke.io/gcp-service-account: {}@{}.iam.gserviceaccount.com\n  name: {}\n",
            text(&account, "name"),
            text(&account, "projectId"),
            text(&service, "name"),
        );
        let namespace = text(&service, "namespace");
        if !namespace.is_empty() {
            yaml.push_str(&format!("  namespace: {namespace}\n"));
        }
        let cloud = fields.text("cloud").value;
        if cloud != "gke" {
            self.report.error(code::WRONG_VALUE, plugin.pos(), "IAMPolicyGenerator: only the cloud gke is supported");
            return None;
        }
        match read::documents(&yaml, plugin.pos().file) {
            Ok(found) => found.resources.into_iter().next().map(|mut made| {
                made.put(plugin.pos());
                made
            }),
            Err(_) => {
                let message = "IAMPolicyGenerator: serviceAccount and kubernetesService need a name that is one";
                self.report.error(code::GENERATOR, plugin.pos(), message);
                None
            }
        }
    }

    /// Replacements, those of files included.
    pub(super) fn load_replacements(&mut self, replacements: &[Replacement], folder: &Folder) -> Vec<Replacement> {
        let mut loaded = Vec::with_capacity(replacements.len());
        for replacement in replacements {
            if replacement.path.value.is_empty() {
                loaded.push(replacement.clone());
                continue;
            }
            if replacement.source.is_some() || replacement.targets.as_ref().is_some_and(|targets| !targets.is_empty()) {
                let message = "a replacement has a path or its own source and targets, not both";
                self.report.error(code::REPLACEMENT, replacement.pos, message);
                continue;
            }
            let Some(text) = self.text(folder, &replacement.path) else { continue };
            let Some(node) = self.yaml_1_1(&text) else { continue };
            let node = node.unwrap_or_else(|| Node::null(replacement.path.pos));
            loaded.extend(replacements_file(&Shared::new(&mut self.report, Manner::Loose), &node));
        }
        loaded
    }
}

/// The origin of what a plugin makes or changes.
fn configured(plugin: &Resource) -> Origin {
    Origin {
        configured_in: plugin.origin.as_ref().map(|origin| origin.path.clone()).unwrap_or_default(),
        configured_by: Some(ConfiguredBy {
            api_version: plugin.api_version().to_owned(),
            kind: plugin.kind().to_owned(),
            name: plugin.name().to_owned(),
            namespace: plugin.namespace().to_owned(),
        }),
        ..plugin.origin.as_ref().map(|origin| Origin { path: String::new(), ..origin.clone() }).unwrap_or_default()
    }
}

/// The place of a field of a plugin, or of the plugin.
fn pos_of(plugin: &Resource, field: &str) -> Pos {
    plugin.node.pos_at(&format!("/{field}"))
}
