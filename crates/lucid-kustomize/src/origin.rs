//! Where an object came from, for the `buildMetadata` annotations.

use crate::loader::{path, remote};
use crate::resource::Resource;

/// The content of `config.kubernetes.io/origin`, or one entry of `alpha.config.kubernetes.io/transformations`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Origin {
    /// Of a file or folder: its path from the root of the build.
    pub(crate) path: String,
    pub(crate) repository: String,
    pub(crate) reference: String,
    /// Of a generator or transformer: the file that configures it.
    pub(crate) configured_in: String,
    pub(crate) configured_by: Option<ConfiguredBy>,
}

/// The plugin behind a generated or changed object.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct ConfiguredBy {
    pub(crate) api_version: String,
    pub(crate) kind: String,
    pub(crate) name: String,
    pub(crate) namespace: String,
}

impl Origin {
    /// A file or folder below this one.
    pub(crate) fn append(&self, below: &str) -> Self {
        let Some(address) = remote::parse(below) else { return Self { path: join(&self.path, below), ..self.clone() } };
        Self {
            // kustomize takes the path from a made-up folder, and without one shows a part of that.
            path: if address.path.is_empty() { "notCloned".into() } else { path::clean(&address.path) },
            repository: address.repository.address,
            reference: address.repository.reference.unwrap_or_default(),
            ..self.clone()
        }
    }

    /// A built-in plugin that the kustomization file of this folder configures.
    pub(crate) fn builtin(&self, file: &str, kind: &str) -> Self {
        let by = ConfiguredBy { api_version: "builtin".into(), kind: kind.into(), ..ConfiguredBy::default() };
        let path = String::new();
        Self { path, configured_in: join(&self.path, file), configured_by: Some(by), ..self.clone() }
    }

    /// As YAML, the way the annotations hold it.
    pub(crate) fn to_yaml(&self) -> String {
        let mut lines = Vec::new();
        let mut field = |indent: &str, name: &str, value: &str| {
            if !value.is_empty() {
                let line = lucid_object::yaml::emit(&serde_json::json!({ name: value }));
                lines.push(format!("{indent}{line}"));
            }
        };
        field("", "path", &self.path);
        field("", "repo", &self.repository);
        field("", "ref", &self.reference);
        field("", "configuredIn", &self.configured_in);
        if let Some(by) = &self.configured_by {
            lines.push("configuredBy:\n".into());
            let mut field = |name: &str, value: &str| {
                if !value.is_empty() {
                    let line = lucid_object::yaml::emit(&serde_json::json!({ name: value }));
                    lines.push(format!("  {line}"));
                }
            };
            field("apiVersion", &by.api_version);
            field("kind", &by.kind);
            field("name", &by.name);
            field("namespace", &by.namespace);
        }
        lines.concat()
    }
}

fn join(folder: &str, below: &str) -> String {
    if folder.is_empty() { path::clean(below) } else { path::join(folder, below) }
}

impl Resource {
    /// Adds a transformer to the history; one without origin is taken to be made by it.
    pub(crate) fn note(&mut self, by: &Origin) {
        match self.origin {
            None => self.origin = Some(by.clone()),
            Some(_) => self.transformations.push(by.clone()),
        }
    }
}
