//! Targets: regular expressions on type, name and namespace, and Kubernetes selectors on labels and annotations.

use crate::model::Selector;
use crate::pattern::Pattern;
use crate::resource::Resource;

mod requirement;

use requirement::Requirement;

/// A compiled target.
#[derive(Debug)]
pub(crate) struct Target {
    group: Option<Pattern>,
    version: Option<Pattern>,
    kind: Option<Pattern>,
    name: Option<Pattern>,
    namespace: Option<Pattern>,
    labels: Vec<Requirement>,
    annotations: Vec<Requirement>,
}

impl Target {
    /// Compiles a target; the error says which part is wrong.
    pub(crate) fn new(selector: &Selector) -> Result<Self, String> {
        let pattern = |what: &str, text: &str| match text {
            "" => Ok(None),
            text => Pattern::whole(text).map(Some).map_err(|_| format!("{what} {text:?} is not a regular expression")),
        };
        Ok(Self {
            group: pattern("group", &selector.group)?,
            version: pattern("version", &selector.version)?,
            kind: pattern("kind", &selector.kind)?,
            name: pattern("name", &selector.name)?,
            namespace: pattern("namespace", &selector.namespace)?,
            labels: requirement::parse(&selector.labels)?,
            annotations: requirement::parse(&selector.annotations)?,
        })
    }

    /// True for resources that a patch with this target changes: by original or current name and namespace.
    pub(crate) fn selects(&self, resource: &Resource) -> bool {
        let (group, version) = resource.group_version();
        self.fits_name(resource.original_name(), resource.name())
            && self.fits_type(group, version, resource.kind())
            && fits(&self.namespace, resource.original_namespace(), resource.effective_namespace())
            && self.fits_metadata(resource)
    }

    fn fits_name(&self, original: &str, current: &str) -> bool {
        fits(&self.name, original, current)
    }

    pub(crate) fn fits_type(&self, group: &str, version: &str, kind: &str) -> bool {
        let fits = |pattern: &Option<Pattern>, text: &str| pattern.as_ref().is_none_or(|pattern| pattern.matches(text));
        fits(&self.kind, kind) && fits(&self.group, group) && fits(&self.version, version)
    }

    /// One identity, as replacements look at them.
    pub(crate) fn fits_id(&self, group: &str, version: &str, kind: &str, name: &str, namespace: &str) -> bool {
        self.fits_type(group, version, kind)
            && fits(&self.name, name, name)
            && fits(&self.namespace, namespace, namespace)
    }

    /// True if no type, name or namespace is asked for.
    pub(crate) fn is_metadata_only(&self) -> bool {
        [&self.group, &self.version, &self.kind, &self.name, &self.namespace].iter().all(|part| part.is_none())
    }

    pub(crate) fn asks_for_metadata(&self) -> bool {
        !self.labels.is_empty() || !self.annotations.is_empty()
    }

    pub(crate) fn fits_metadata(&self, resource: &Resource) -> bool {
        let fits = |requirements: &[Requirement], field: &str| {
            requirements.is_empty() || {
                let map: Vec<_> = resource.metadata_map(field).collect();
                requirements.iter().all(|requirement| requirement.matches(&map))
            }
        };
        fits(&self.labels, "labels") && fits(&self.annotations, "annotations")
    }
}

fn fits(pattern: &Option<Pattern>, original: &str, current: &str) -> bool {
    pattern.as_ref().is_none_or(|pattern| pattern.matches(original) || pattern.matches(current))
}
