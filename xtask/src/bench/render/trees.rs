//! The trees that are measured, each for one of kustomize's regimes.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

#[path = "../../../../crates/lucid-kustomize/examples/time/tree.rs"]
mod overlay;

pub(super) struct Tree {
    pub(super) name: String,
    /// How many times as fast as kustomize we want to be.
    pub(super) target: f64,
    /// The folder to build, below the tree.
    root: &'static str,
    files: Vec<(String, String)>,
}

impl Tree {
    /// Writes the tree; the folder to build.
    pub(super) fn write(&self, folder: &Path) -> Result<PathBuf> {
        let tree = folder.join(self.name.replace(' ', "-"));
        for (path, text) in &self.files {
            let path = tree.join(path);
            fs::create_dir_all(path.parent().unwrap_or(&tree))?;
            fs::write(&path, text).with_context(|| format!("write {}", path.display()))?;
        }
        Ok(tree.join(self.root))
    }

    pub(super) fn bytes(&self) -> u64 {
        self.files.iter().map(|(_, text)| text.len() as u64).sum()
    }
}

const DEPLOYMENT: &str = "apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
      - name: main
        image: nginx:1.27
        envFrom: [{configMapRef: {name: settings}}]
";
const SERVICE: &str =
    "apiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec: {selector: {app: web}, ports: [{port: 80}]}\n";

/// A folder of a few objects of built-in kinds: nearly all of kustomize's time is the start of its process.
pub(super) fn few() -> Tree {
    let top = "resources: [deployment.yaml, service.yaml]\nconfigMapGenerator:\n- {name: settings, literals: [a=b]}\n";
    tree("a few objects", 5.0, top)
}

/// The same with a strategic merge patch, for which kustomize loads its schema.
pub(super) fn schema() -> Tree {
    let top = "resources: [deployment.yaml, service.yaml]\nconfigMapGenerator:\n- {name: settings, literals: [a=b]}\npatches:\n- patch: |-\n    apiVersion: apps/v1\n    kind: Deployment\n    metadata: {name: web}\n    spec: {replicas: 3}\n";
    tree("with a schema", 10.0, top)
}

fn tree(name: &str, target: f64, top: &str) -> Tree {
    let files = [("kustomization.yaml", top), ("deployment.yaml", DEPLOYMENT), ("service.yaml", SERVICE)];
    let files = files.map(|(path, text)| (path.to_owned(), text.to_owned())).to_vec();
    Tree { name: name.to_owned(), target, root: ".", files }
}

/// An overlay over many objects, with everything that makes kustomize slow.
pub(super) fn many(count: usize) -> Tree {
    let target = match count {
        0..100 => 5.0,
        100..1000 => 10.0,
        1000..5000 => 100.0,
        _ => 1000.0,
    };
    Tree { name: format!("{count} objects"), target, root: "overlay", files: overlay::tree(count) }
}

/// Megabytes of CustomResourceDefinitions: YAML in, YAML out.
pub(super) fn crds(megabytes: usize) -> Tree {
    let (mut files, mut names) = (Vec::new(), String::new());
    let mut size = 0;
    while size < megabytes * 1_000_000 {
        let number = files.len();
        let text = definition(number);
        size += text.len();
        let _ = writeln!(names, "- crd{number}.yaml");
        files.push((format!("crd{number}.yaml"), text));
    }
    files.push(("kustomization.yaml".to_owned(), format!("resources:\n{names}")));
    Tree { name: format!("{megabytes} MB of CRDs"), target: 10.0, root: ".", files }
}

fn definition(number: usize) -> String {
    let mut out = format!(
        "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata:\n  name: things{number}.example.com\nspec:\n  \
         group: example.com\n  names:\n    kind: Thing{number}\n    plural: things{number}\n  scope: Namespaced\n  versions:\n  - name: v1\n    \
         served: true\n    storage: true\n    schema:\n      openAPIV3Schema:\n        description: Thing is what this is about.\n        \
         type: object\n        properties:\n"
    );
    properties(&mut out, 10, 4);
    out
}

/// Six fields a level: two texts, a number, an enumeration, and two that go deeper.
fn properties(out: &mut String, indent: usize, depth: usize) {
    let pad = " ".repeat(indent);
    for field in 0..6 {
        let _ = writeln!(
            out,
            "{pad}field{field}:\n{pad}  description: |-\n{pad}    Field{field} says what is wanted of the thing. It is used by the controller when the thing is\n{pad}    made; a change is followed at once.\n{pad}    More info: https://example.com/docs#field{field}"
        );
        match field {
            0 | 1 if depth > 0 => {
                let _ = writeln!(out, "{pad}  type: object\n{pad}  properties:");
                properties(out, indent + 4, depth - 1);
            }
            2 if depth > 0 => {
                let _ = writeln!(out, "{pad}  type: array\n{pad}  items:\n{pad}    type: object\n{pad}    properties:");
                properties(out, indent + 6, depth - 1);
            }
            3 => {
                let _ = writeln!(out, "{pad}  type: integer\n{pad}  format: int32\n{pad}  minimum: 0");
            }
            4 => {
                let _ = writeln!(
                    out,
                    "{pad}  type: string\n{pad}  enum:\n{pad}  - Always\n{pad}  - \"Never\"\n{pad}  - ''"
                );
            }
            _ => {
                let _ = writeln!(
                    out,
                    "{pad}  type: string\n{pad}  pattern: ^[a-z0-9]([-a-z0-9]*[a-z0-9])?$\n{pad}  default: \"x\""
                );
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trees_have_the_size_that_is_asked_for() {
        assert!((1_000_000..2_000_000).contains(&crds(1).bytes()));
        assert!(many(100).bytes() > 10_000);
    }
}
