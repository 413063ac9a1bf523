//! One kustomization folder after the other: files and bases in, a list of resources out.

use std::rc::Rc;

use lucid_object::yaml::{self, Dialect, Limits, Node, Pos, parse_first};

use crate::Options;
use crate::config::Config;
use crate::loader::{FileKind, LoadError, Loader};
use crate::loader::{path, remote as loader_remote};
use crate::model::{At, Kustomization, Manner, Shared, Var};
use crate::origin::Origin;
use crate::read::{self, Flaw};
use crate::report::{Report, code};
use crate::resmap::ResMap;
use crate::resource::Resource;
use crate::schema::Schema;
use crate::suggest::nearest;
use crate::tables;

mod configuration;
mod crds;
mod files;
mod generators;
mod helm;
mod patches;
mod plugins;
mod remote;
mod transformers;

pub(crate) use files::{Folder, Text};
use remote::Remote;

const FILE_NAMES: [&str; 3] = ["kustomization.yaml", "kustomization.yml", "Kustomization"];

/// Resources, and the rules that they brought along.
#[derive(Debug, Default)]
pub(crate) struct Accumulator {
    pub(crate) map: ResMap,
    pub(crate) config: Config,
    pub(crate) vars: Vec<Var>,
}

/// The state of a build.
pub(crate) struct Build<'a> {
    pub(crate) loader: &'a dyn Loader,
    pub(crate) options: &'a Options,
    pub(crate) report: Report,
    /// What was read so far.
    read: files::Read,
    /// Set at the root if `buildMetadata` asks for anything.
    pub(crate) origins: bool,
    /// The first kustomization that names a schema decides for the rest of the build.
    pub(crate) schema: Rc<Schema>,
    schema_named: bool,
    /// Set once something needed the built-in schema.
    schema_needed: bool,
    broken_schema: Option<Flaw>,
}

/// A loaded kustomization and its folder.
pub(crate) struct Target {
    pub(crate) kustomization: Kustomization,
    pub(crate) folder: Folder,
    pub(crate) file_name: &'static str,
}

impl<'a> Build<'a> {
    pub(crate) fn new(loader: &'a dyn Loader, options: &'a Options) -> Self {
        Self {
            loader,
            options,
            report: Report::new(options.bounds),
            read: files::Read::default(),
            origins: false,
            schema: Rc::default(),
            schema_named: false,
            schema_needed: false,
            broken_schema: None,
        }
    }

    /// The kustomization at the root of the build.
    pub(crate) fn root(&mut self, path: &str) -> Option<Target> {
        let pos = Pos::NOWHERE;
        if let Some(address) = loader_remote::parse(path) {
            let nowhere = Folder::root(String::new());
            let folder = self.repository(&At { value: path.into(), pos }, &nowhere, &address)?;
            return self.target(folder, pos);
        }
        match self.loader.canonical(path) {
            Ok((root, FileKind::Directory)) => self.target(Folder::root(root), pos),
            Ok((_, FileKind::File)) => {
                let message = format!("{path} is a file; a kustomization is a folder");
                self.report.error(code::MISSING_FILE, pos, message);
                None
            }
            Err(error) => {
                self.report.error(code::MISSING_FILE, pos, format!("{path}: {error}"));
                None
            }
        }
    }

    /// What only the kustomization at the root decides.
    pub(crate) fn start(&mut self, target: &Target) {
        self.origins = !target.kustomization.build_metadata.is_empty();
        self.openapi(target);
        if let Some(sort) = &target.kustomization.sort {
            let order = &sort.order;
            let message = match (order.value.as_str(), &sort.legacy) {
                ("fifo", Some(_)) => "sortOptions.legacySortOptions is set, but the order is fifo".to_owned(),
                ("legacy" | "fifo", _) => return,
                (other, _) => format!("sortOptions.order must be legacy or fifo, not {other:?}"),
            };
            self.report.error(code::WRONG_VALUE, order.pos, message);
        }
    }

    /// Loads the kustomization file of a folder. Mistakes in it point at `pos` only if there is no better place.
    fn target(&mut self, folder: Folder, pos: Pos) -> Option<Target> {
        let found: Vec<&'static str> = FILE_NAMES
            .into_iter()
            .filter(|name| matches!(self.loader.canonical(&path::join(&folder.path, name)), Ok((_, FileKind::File))))
            .collect();
        let shown = self.loader.display(&folder.path);
        let [file_name] = found[..] else {
            let message = match found.len() {
                0 => format!("there is no kustomization file in {shown}"),
                _ => format!("there are several kustomization files in {shown}: {}", found.join(", ")),
            };
            let help =
                if found.is_empty() { "add a kustomization.yaml that lists the resources" } else { "keep one of them" };
            self.report.error_help(code::NO_KUSTOMIZATION, pos, message, help);
            return None;
        };
        let at = At { value: file_name.into(), pos };
        let text = self.text(&folder, &at)?;
        let node = self.configuration_node(&text)?;
        let kustomization = {
            let shared = Shared::new(&mut self.report, Manner::Strict);
            Kustomization::decode(&shared, &node)?
        };
        let mut folder = folder;
        if !kustomization.namespace.value.is_empty() {
            folder.helm_namespace = kustomization.namespace.value.clone();
        }
        Some(Target { kustomization, folder, file_name })
    }

    fn configuration_node(&mut self, text: &Text) -> Option<Node> {
        let node = self.yaml_1_1(text)?;
        let start = Pos { file: text.file, line: 1, column: 1 };
        let node = node.unwrap_or_else(|| Node::null(start));
        if is_empty(&node) {
            let help = "list at least one resource";
            self.report.error_help(code::NO_KUSTOMIZATION, start, "the kustomization file is empty", help);
            return None;
        }
        Some(node)
    }

    /// The first document of a YAML 1.1 text.
    pub(crate) fn yaml_1_1(&mut self, text: &Text) -> Option<Option<Node>> {
        self.first_document(text, Dialect::Yaml11)
    }

    pub(crate) fn first_document(&mut self, text: &Text, dialect: Dialect) -> Option<Option<Node>> {
        let start = Pos { file: text.file, line: 1, column: 1 };
        match parse_first(&text.text, start, dialect, Limits::default()) {
            Ok(first) => {
                self.ignored(first.rest);
                self.report.meter.grow_by_aliases(first.alias_nodes, start).then_some(first.node)
            }
            Err(error) => {
                self.report.error(code::INVALID_YAML, error.pos, format!("invalid YAML: {}", error.message));
                None
            }
        }
    }

    /// Says that kustomize, and so we, pass over the rest of a text.
    pub(crate) fn ignored(&mut self, rest: impl IntoIterator<Item = Pos>) {
        for pos in rest {
            let help =
                "one document is read, which ends at `---` and before a line that is indented less than its first";
            self.report.warning_help(
                code::IGNORED,
                pos,
                "what follows is not read, as kustomize does not read it",
                help,
            );
        }
    }

    /// True if the build has to end; `pos` is what would come next.
    pub(crate) fn is_spent(&mut self, pos: Pos) -> bool {
        if self.loader.is_out_of_time() {
            self.report.meter.out_of_time(pos);
        }
        self.report.meter.is_spent()
    }

    /// Everything that a kustomization makes: its resources with its instructions carried out.
    pub(crate) fn accumulate(&mut self, target: &Target, mut into: Accumulator, origin: &Origin) -> Accumulator {
        let kustomization = &target.kustomization;
        self.resources(&mut into, &kustomization.resources, &target.folder, origin);
        self.configurations(&mut into, target);
        self.generate(&mut into, target, origin);
        into = self.components(into, target, origin);
        self.transform(&mut into, target, origin);
        self.validate(&mut into, target, origin);
        self.merge_vars(&mut into, &kustomization.vars);
        into
    }

    /// Reads files and bases into an accumulator.
    pub(crate) fn resources(
        &mut self,
        into: &mut Accumulator,
        paths: &[At<yaml::Text>],
        folder: &Folder,
        origin: &Origin,
    ) {
        for at in paths {
            if self.is_spent(at.pos) {
                return;
            }
            let joined = path::join(&folder.path, &at.value);
            match self.loader.canonical(&joined) {
                _ if at.value.is_empty() => self.report.error(code::MISSING_FILE, at.pos, "an empty path"),
                Ok((_, FileKind::File)) => self.resource_file(into, at, folder, origin),
                _ if is_remote(&at.value) => match self.remote(at, folder) {
                    Some(Remote::Folder(below)) => self.base(into, at, below, origin),
                    Some(Remote::File) => self.resource_file(into, at, folder, origin),
                    None => {}
                },
                Ok((found, FileKind::Directory)) => {
                    if let Some(below) = self.enter(folder, at, found) {
                        self.base(into, at, below, origin);
                    }
                }
                Err(LoadError::Missing) => self.missing(at, folder),
                Err(error) => {
                    let message = format!("cannot read {}: {error}", at.value);
                    self.report.error(code::MISSING_FILE, at.pos, message);
                }
            }
        }
    }

    /// Resources with the schema that counts where they are read.
    pub(crate) fn stamped(&mut self, mut resources: Vec<Resource>) -> Vec<Resource> {
        for resource in &mut resources {
            resource.schema = self.schema.is_custom().then(|| Rc::clone(&self.schema));
            if tables::scope_known_first(resource.api_version(), resource.kind()).is_none() {
                self.need_schema();
            }
        }
        resources
    }

    fn resource_file(&mut self, into: &mut Accumulator, at: &At<yaml::Text>, folder: &Folder, origin: &Origin) {
        let Some(text) = self.text(folder, at) else { return };
        match read::documents(&text.text, text.file) {
            Ok(mut found) => {
                self.ignored(found.ignored);
                if !self.report.meter.grow_by_aliases(found.alias_nodes, at.pos) {
                    return;
                }
                found.resources = self.stamped(found.resources);
                if self.origins {
                    let origin = origin.append(&at.value);
                    found.resources.iter_mut().for_each(|resource| resource.origin = Some(origin.clone()));
                }
                into.map.append_all(found.resources, &mut self.report);
            }
            Err(flaws) => flaws.into_iter().for_each(|flaw| flaw.tell(&mut self.report)),
        }
    }

    fn base(&mut self, into: &mut Accumulator, at: &At<yaml::Text>, below: Folder, origin: &Origin) {
        let Some(target) = self.target(below, at.pos) else { return };
        self.openapi(&target);
        if target.kustomization.is_component {
            let message = format!("{} is a component", at.value);
            self.report.error_help(code::WRONG_VALUE, at.pos, message, "list it under `components`");
            return;
        }
        let base = self.accumulate(&target, Accumulator::default(), &origin.append(&at.value));
        self.merge(into, base, at.pos);
    }

    fn merge(&mut self, into: &mut Accumulator, from: Accumulator, pos: Pos) {
        into.map.append_all(from.map.into_list(), &mut self.report);
        if let Err(conflict) = into.config.merge(&from.config) {
            self.report.error(code::WRONG_VALUE, pos, conflict.to_string());
        }
        for var in from.vars {
            self.add_var(into, var);
        }
    }

    fn components(&mut self, mut into: Accumulator, target: &Target, origin: &Origin) -> Accumulator {
        for at in &target.kustomization.components {
            if self.is_spent(at.pos) {
                return into;
            }
            let Some(below) = self.component_folder(at, &target.folder) else { continue };
            let Some(component) = self.target(below, at.pos) else { continue };
            self.openapi(&component);
            if !component.kustomization.is_component {
                let message = format!("{} is not a component", at.value);
                let help = "set `kind: Component` and `apiVersion: kustomize.config.k8s.io/v1alpha1` in it, or list it under `resources`";
                self.report.error_help(code::WRONG_VALUE, at.pos, message, help);
                continue;
            }
            into = self.accumulate(&component, into, &origin.append(&at.value));
            into.map.recheck(&mut self.report);
        }
        into
    }

    fn component_folder(&mut self, at: &At<yaml::Text>, folder: &Folder) -> Option<Folder> {
        if let Some(address) = loader_remote::parse(&at.value) {
            return self.repository(at, folder, &address);
        }
        match self.loader.canonical(&path::join(&folder.path, &at.value)) {
            Ok((found, FileKind::Directory)) => self.enter(folder, at, found),
            Ok((_, FileKind::File)) => {
                let message = format!("the component {} is a file, not a folder", at.value);
                self.report.error(code::MISSING_FILE, at.pos, message);
                None
            }
            Err(_) => {
                self.missing(at, folder);
                None
            }
        }
    }

    /// Says that a file is not there, and what may have been meant.
    pub(crate) fn missing(&mut self, at: &At<yaml::Text>, folder: &Folder) {
        let given = at.value.as_str();
        let joined = path::join(&folder.path, given);
        let names = self.loader.list(&path::parent(&joined));
        let wrong = path::base(&joined);
        let help = match nearest(wrong, names.iter().map(String::as_str)) {
            Some(name) => format!("did you mean `{}{name}`?", given.strip_suffix(wrong).unwrap_or_default()),
            None => format!("the path is relative to {}", self.loader.display(&folder.path)),
        };
        self.report.error_help(code::MISSING_FILE, at.pos, format!("{given} does not exist"), help);
    }
}

/// True for a file without any field that says something.
fn is_empty(node: &Node) -> bool {
    node.is_null()
        || (node.is_map()
            && node.entries().iter().all(|entry| {
                let header = ["kind", "apiVersion"].iter().any(|name| entry.key.text.eq_ignore_ascii_case(name));
                // kustomize empties these two before it looks.
                let moved = ["bases", "imageTags"].iter().any(|name| entry.key.text.eq_ignore_ascii_case(name));
                header
                    || entry.value.is_null()
                    || entry.value.text() == Some("")
                    || (moved && entry.value.is_null_or_empty())
            }))
}

/// True for what kustomize would fetch with git or HTTP.
fn is_remote(path: &str) -> bool {
    loader_remote::is_url(path) || loader_remote::parse(path).is_some()
}
