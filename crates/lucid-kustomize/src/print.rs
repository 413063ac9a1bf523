//! What a build can be printed as: one text, one file an object, or lines with their origins.

use std::ops::Range;

use lucid_object::yaml::{Node, emit_node};
use lucid_object::{Object, Position};

use crate::Rendered;
use crate::resource::Resource;

/// The longest place that others are lined up with.
const WIDEST: usize = 64;

pub(crate) fn text<'a>(nodes: impl Iterator<Item = &'a Node>) -> (String, Vec<Range<usize>>) {
    join(nodes.map(emit_node))
}

/// Documents joined as kustomize joins them, and where each stands.
fn join(documents: impl Iterator<Item = String>) -> (String, Vec<Range<usize>>) {
    let (mut out, mut spans) = (String::new(), Vec::new());
    for document in documents {
        if !out.is_empty() {
            out.push_str("---\n");
        }
        let start = out.len();
        out.push_str(&document);
        spans.push(start..out.len());
    }
    (out, spans)
}

/// The names under which kustomize writes objects into a folder.
pub(crate) fn file_names(resources: &[Resource]) -> Vec<String> {
    let namespaced = |resource: &&Resource| !resource.is_cluster_scoped();
    let mut namespaces: Vec<&str> = resources.iter().filter(namespaced).map(Resource::effective_namespace).collect();
    namespaces.sort_unstable();
    namespaces.dedup();
    resources
        .iter()
        .map(|resource| {
            let (group, version) = resource.group_version();
            let parts: Vec<&str> =
                [group, version, resource.kind()].into_iter().filter(|part| !part.is_empty()).collect();
            let name = format!("{}_{}.yaml", parts.join("_"), resource.name()).to_lowercase();
            match namespaced(&resource) && namespaces.len() > 1 {
                true => format!("{}_{name}", resource.effective_namespace().to_lowercase()),
                false => name,
            }
        })
        .collect()
}

impl Rendered {
    /// Prints again what was changed in the objects since.
    pub fn reprint(&mut self) {
        (self.text, self.spans) = join(self.objects.iter().map(Object::to_yaml));
    }

    /// One file an object, as `kustomize build -o DIR` writes them: name and content.
    ///
    /// Two objects may have one name there (a group that differs only in case, say); the later one then stays.
    pub fn files(&self) -> impl Iterator<Item = (&str, &str)> {
        let documents = self.spans.iter().map(|span| &self.text[span.clone()]);
        self.names.iter().map(String::as_str).zip(documents)
    }

    /// The print with the place that last set it before each line, as `git blame` shows lines.
    pub fn to_yaml_with_origins(&self) -> String {
        let documents: Vec<Vec<(String, String)>> = self.objects.iter().map(lines).collect();
        let places = documents.iter().flatten().map(|(place, _)| place.chars().count());
        let width = places.max().unwrap_or(0).min(WIDEST);
        let mut out = String::new();
        for (index, document) in documents.iter().enumerate() {
            if index > 0 {
                out.push_str(&format!("{:width$} | ---\n", ""));
            }
            for (place, line) in document {
                out.push_str(&format!("{place:width$} | {line}\n"));
            }
        }
        out
    }
}

fn lines(object: &Object) -> Vec<(String, String)> {
    let shown = |place: Option<Position>| place.map_or(String::new(), |p| format!("{}:{}", p.file, p.line));
    object.lines().into_iter().map(|(place, line)| (shown(place), line)).collect()
}
