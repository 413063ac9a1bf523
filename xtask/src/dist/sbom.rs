//! The software bill of materials: every package that is compiled into a program, in CycloneDX 1.6.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Source, Target};
use crate::process::{cargo, output};

#[derive(Debug, Deserialize)]
struct Metadata {
    packages: Vec<Package>,
    resolve: Resolve,
}

#[derive(Debug, Deserialize)]
struct Package {
    id: String,
    name: String,
    version: String,
    license: Option<String>,
    repository: Option<String>,
    /// None for the workspace's own.
    source: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Resolve {
    nodes: Vec<Node>,
}

#[derive(Debug, Deserialize)]
struct Node {
    id: String,
    deps: Vec<Edge>,
}

#[derive(Debug, Deserialize)]
struct Edge {
    pkg: String,
    dep_kinds: Vec<Kind>,
}

#[derive(Debug, Deserialize)]
struct Kind {
    /// None for an ordinary dependency; `dev` and `build`.
    kind: Option<String>,
}

pub(super) fn of(source: &Source, target: &Target) -> Result<String> {
    let mut metadata = cargo();
    metadata.args(["metadata", "--format-version=1", "--locked", "--filter-platform", target.triple]);
    let metadata: Metadata = serde_json::from_str(&output(&mut metadata)?).context("read cargo's metadata")?;
    let bill = bill(&metadata, "lucid", &source.name_for(target))?;
    Ok(format!("{}\n", serde_json::to_string_pretty(&bill)?))
}

/// No time and no serial number: the same source has the same bill.
fn bill(metadata: &Metadata, root: &str, file: &str) -> Result<Value> {
    let own = |package: &&Package| package.name == root && package.source.is_none();
    let root = metadata.packages.iter().find(own).with_context(|| format!("find the package {root}"))?;
    let edges = edges(&metadata.resolve);
    let inside = reached(&edges, &root.id);
    let names: BTreeMap<&str, String> =
        metadata.packages.iter().map(|package| (package.id.as_str(), reference(package))).collect();
    let mut packages: Vec<&Package> =
        metadata.packages.iter().filter(|package| inside.contains(package.id.as_str())).collect();
    packages.sort_by_key(|package| &names[package.id.as_str()]);
    let components = packages.iter().filter(|package| package.id != root.id).map(|package| component(package));
    let dependencies = packages.iter().map(|package| {
        let to: BTreeSet<&String> = edges.get(package.id.as_str()).into_iter().flatten().map(|id| &names[id]).collect();
        json!({"ref": names[package.id.as_str()], "dependsOn": to})
    });
    let mut about = component(root);
    about["type"] = "application".into();
    about["properties"] = json!([{"name": "lucid:archive", "value": file}]);
    Ok(json!({
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"component": about},
        "components": components.collect::<Vec<_>>(),
        "dependencies": dependencies.collect::<Vec<_>>(),
    }))
}

/// What is compiled into the program: neither what builds it nor what tests it.
fn edges(resolve: &Resolve) -> BTreeMap<&str, Vec<&str>> {
    let ordinary = |edge: &&Edge| edge.dep_kinds.iter().any(|kind| kind.kind.is_none());
    let of = |node| -> (&str, Vec<&str>) {
        let node: &Node = node;
        (&node.id, node.deps.iter().filter(ordinary).map(|edge| edge.pkg.as_str()).collect())
    };
    resolve.nodes.iter().map(of).collect()
}

fn reached<'a>(edges: &BTreeMap<&'a str, Vec<&'a str>>, from: &'a str) -> BTreeSet<&'a str> {
    let (mut seen, mut open) = (BTreeSet::from([from]), vec![from]);
    while let Some(id) = open.pop() {
        open.extend(edges.get(id).into_iter().flatten().copied().filter(|next| seen.insert(next)));
    }
    seen
}

/// A package URL, by the rules of purl-spec.
fn reference(package: &Package) -> String {
    // A build's metadata begins with a plus, which means a blank there.
    format!("pkg:cargo/{}@{}", package.name, package.version.replace('+', "%2B"))
}

fn component(package: &Package) -> Value {
    let mut component = json!({
        "type": "library",
        "bom-ref": reference(package),
        "name": package.name,
        "version": package.version,
        "purl": reference(package),
    });
    if let Some(license) = &package.license {
        // Older manifests separate alternatives by a slash.
        component["licenses"] = json!([{"expression": license.replace('/', " OR ")}]);
    }
    if let Some(address) = &package.repository {
        component["externalReferences"] = json!([{"type": "vcs", "url": address}]);
    }
    component
}

#[cfg(test)]
mod tests {
    use super::*;

    fn metadata() -> Metadata {
        let package = |name: &str, version: &str, source: Option<&str>| json!({"id": name, "name": name, "version": version, "license": "MIT/Apache-2.0", "repository": null, "source": source});
        let to = |pkg: &str, kind: Option<&str>| json!({"pkg": pkg, "dep_kinds": [{"kind": kind}]});
        let all = json!({
            "packages": [
                package("tests", "1.0.0", Some("registry")), package("lucid", "0.1.0", None),
                package("deep", "2.0.0+1.5", Some("registry")), package("near", "1.0.0", Some("registry")),
                package("compiler", "1.0.0", Some("registry")), package("elsewhere", "1.0.0", Some("registry")),
            ],
            "resolve": {"nodes": [
                {"id": "lucid", "deps": [to("near", None), to("tests", Some("dev")), to("compiler", Some("build"))]},
                {"id": "near", "deps": [to("deep", None)]},
                {"id": "deep", "deps": [to("near", None)]},
                {"id": "elsewhere", "deps": [to("lucid", None)]},
            ]},
        });
        serde_json::from_value(all).expect("metadata")
    }

    #[test]
    fn the_bill_lists_what_is_inside_and_who_uses_whom() {
        let bill = bill(&metadata(), "lucid", "lucid-0.1.0-x").expect("a bill");
        let names: Vec<&str> =
            bill["components"].as_array().unwrap().iter().map(|c| c["purl"].as_str().unwrap()).collect();
        assert_eq!(names, ["pkg:cargo/deep@2.0.0%2B1.5", "pkg:cargo/near@1.0.0"]);
        assert_eq!(bill["metadata"]["component"]["bom-ref"], "pkg:cargo/lucid@0.1.0");
        assert_eq!(bill["components"][0]["licenses"][0]["expression"], "MIT OR Apache-2.0");
        let uses = json!({"ref": "pkg:cargo/lucid@0.1.0", "dependsOn": ["pkg:cargo/near@1.0.0"]});
        assert!(bill["dependencies"].as_array().unwrap().contains(&uses), "{bill}");
    }

    /// Every reference is to something that is in the bill, for each platform.
    #[test]
    fn the_bill_of_this_workspace_is_whole() {
        let source = Source { version: "0.1.0".to_owned(), epoch: 0 };
        let text = of(&source, &super::super::TARGETS[0]).expect("a bill");
        assert_eq!(of(&source, &super::super::TARGETS[0]).expect("a bill"), text);
        let bill: Value = serde_json::from_str(&text).expect("JSON");
        let components = bill["components"].as_array().expect("components");
        let mut known: BTreeSet<&str> = components.iter().map(|c| c["bom-ref"].as_str().unwrap()).collect();
        assert_eq!(known.len(), components.len(), "a reference stands twice");
        assert!(known.iter().any(|name| name.starts_with("pkg:cargo/kube-client@")), "{known:?}");
        assert!(!known.iter().any(|name| name.starts_with("pkg:cargo/proptest@")), "what only tests use is not inside");
        known.insert(bill["metadata"]["component"]["bom-ref"].as_str().expect("the program"));
        let nodes = bill["dependencies"].as_array().expect("dependencies");
        let to = nodes.iter().flat_map(|node| node["dependsOn"].as_array().unwrap()).map(|to| to.as_str().unwrap());
        for name in nodes.iter().map(|node| node["ref"].as_str().unwrap()).chain(to) {
            assert!(known.contains(name), "{name}");
        }
    }
}
