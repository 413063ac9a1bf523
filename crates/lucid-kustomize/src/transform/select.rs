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
    labels: Requirements,
    annotations: Requirements,
}

/// kustomize reads a selector when it comes to an object, so that a wrong one where there is none does not count.
type Requirements = Result<Vec<Requirement>, String>;

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
            labels: requirement::parse(&selector.labels),
            annotations: requirement::parse(&selector.annotations),
        })
    }

    /// Where the resources stand that a patch with this target changes.
    pub(crate) fn among(&self, resources: &[Resource]) -> Result<Vec<usize>, String> {
        let mut found = Vec::new();
        for (index, resource) in resources.iter().enumerate() {
            if self.selects(resource)? {
                found.push(index);
            }
        }
        Ok(found)
    }

    /// By original or current name and namespace.
    fn selects(&self, resource: &Resource) -> Result<bool, String> {
        let (group, version) = resource.group_version();
        // kustomize reads the labels of each object of these names, and falls over a list that holds no pairs.
        let is_meant = self.fits_name(resource.original_name(), resource.name())
            && self.fits_type(group, version, resource.kind())
            && fits(&self.namespace, resource.original_namespace(), resource.effective_namespace());
        if is_meant
            && let Some(field) = ["labels", "annotations"].into_iter().find(|field| is_odd_list(resource, field))
        {
            return Err(format!("{field} of {} are a list", resource.reference()));
        }
        Ok(is_meant && self.fits_metadata(resource)?)
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
        let asks = |requirements: &Requirements| !matches!(requirements, Ok(list) if list.is_empty());
        asks(&self.labels) || asks(&self.annotations)
    }

    pub(crate) fn fits_metadata(&self, resource: &Resource) -> Result<bool, String> {
        let fits = |requirements: &Requirements, field: &str| {
            let requirements = requirements.as_ref().map_err(String::clone)?;
            Ok::<_, String>(
                requirements.is_empty() || {
                    let map: Vec<_> = resource.metadata_map(field).collect();
                    requirements.iter().all(|requirement| requirement.matches(&map))
                },
            )
        };
        Ok(fits(&self.labels, "labels")? && fits(&self.annotations, "annotations")?)
    }
}

fn is_odd_list(resource: &Resource, field: &str) -> bool {
    let map = resource.node.get("metadata").and_then(|metadata| metadata.get(field));
    map.is_some_and(|map| map.items().len() % 2 == 1)
}

fn fits(pattern: &Option<Pattern>, original: &str, current: &str) -> bool {
    pattern.as_ref().is_none_or(|pattern| pattern.matches(original) || pattern.matches(current))
}
