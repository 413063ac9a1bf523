//! kustomize in Rust: a kustomization tree in, the bytes of `kustomize build` out, with the origin of every field.
//!
//! [`render`] reads a tree through a [`Loader`] and gives the objects in the order in which kustomize 5.8.2 prints
//! them; [`Rendered::to_yaml`] is that print, byte for byte. Where kustomize stops at the first mistake, all mistakes
//! of the tree come back as findings with file, line and column. The crate is pure: no file system, process or network.
//!
//! ```
//! use lucid_kustomize::{MemoryLoader, Options, render};
//!
//! let loader = MemoryLoader::new()
//!     .with("app/kustomization.yaml", "resources: [web.yaml]\nnamePrefix: my-\n")
//!     .with("app/web.yaml", "apiVersion: v1\nkind: Service\nmetadata:\n  name: web\n");
//! let rendered = render(&loader, "app", &Options::default()).expect("a tree without mistakes");
//! assert!(rendered.to_yaml().ends_with("name: my-web\n"));
//! ```
//!
//! Reading order: [`loader`], `build` (the recursion), `transform` (one transformer a file), `nameref`, `finish`.

/// The examples of the README are tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

mod annotate;
mod build;
mod config;
mod equal_keys;
mod fieldspec;
mod finish;
mod generate;
mod hash;
pub mod loader;
mod meter;
mod model;
mod nameref;
mod origin;
mod pattern;
mod place;
mod print;
mod read;
mod report;
mod resmap;
mod resource;
mod schema;
mod share;
mod sort;
mod suggest;
mod tables;
mod transform;
mod vars;

use lucid_object::yaml::{Node, Pos};
use lucid_object::{Findings, ObjectSet};

pub use loader::{FileKind, HelmArgument, HelmCall, LoadError, Loader, MemoryLoader, Repository};
pub use meter::Bounds;
pub use report::code;

/// How to render.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Whether files outside of their kustomization's folder may be read (`--load-restrictor`).
    pub load_restrictor: LoadRestrictor,
    /// The order of the output where no `sortOptions` say otherwise (`--reorder`).
    pub reorder: Order,
    /// Adds `app.kubernetes.io/managed-by: kustomize-v5.8.2` to everything (`--enable-managedby-label`).
    pub managed_by_label: bool,
    /// What helm is told where a chart does not say it (`--helm-...`).
    pub helm: HelmOptions,
    /// What the build may use up.
    pub bounds: Bounds,
}

impl Options {
    /// The value of the managed-by label.
    pub const MANAGED_BY: &'static str = "kustomize-v5.8.2";
}

/// `--helm-kube-version`, `--helm-api-versions` and `--helm-debug`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HelmOptions {
    pub kube_version: Option<String>,
    pub api_versions: Vec<String>,
    pub debug: bool,
}

/// kustomize's `LoadRestrictionsRootOnly` and `LoadRestrictionsNone`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LoadRestrictor {
    #[default]
    RootOnly,
    None,
}

/// kustomize's `--reorder`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Order {
    #[default]
    Legacy,
    None,
}

/// What a kustomization builds.
#[derive(Debug, Clone)]
pub struct Rendered {
    /// In the order in which kustomize prints them. Each object knows the places of its fields.
    pub objects: ObjectSet,
    /// What is not wrong enough to stop for: deprecated fields.
    pub warnings: Findings,
    text: String,
    /// Where each object stands in the text.
    spans: Vec<std::ops::Range<usize>>,
    names: Vec<String>,
}

impl Rendered {
    /// The bytes of `kustomize build`.
    pub fn to_yaml(&self) -> &str {
        &self.text
    }
}

/// Builds the kustomization in the folder at `path`.
///
/// # Errors
/// Everything that is wrong with the tree, warnings included.
pub fn render(loader: &dyn Loader, path: &str, options: &Options) -> Result<Rendered, Findings> {
    let mut build = build::Build::new(loader, options);
    let Some(target) = build.root(path) else { return Err(build.report.take()) };
    build.start(&target);
    let accumulated = build.accumulate(&target, build::Accumulator::default(), &origin::Origin::default());
    let resources = if build.is_spent(Pos::NOWHERE) { Vec::new() } else { build.finish(accumulated, &target) };
    build.report.tell_stop(options.bounds);
    if build.report.has_errors() {
        return Err(build.report.take());
    }
    let (text, spans) = print::text(resources.iter().map(|resource| &resource.node as &Node));
    let names = print::file_names(&resources);
    let objects = finish::objects(resources, &build.report);
    Ok(Rendered { objects, warnings: build.report.take(), text, spans, names })
}
