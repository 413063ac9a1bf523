//! The same release as a folder: `lucid.yaml` and one file of manifests a workload.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use crate::objects::{self, NAMESPACE, PORT};
use crate::release::Release;

/// Writes the folder anew.
pub(crate) fn write(release: &Release, folder: &Path) -> Result<()> {
    let manifests = folder.join("manifests");
    if folder.exists() {
        fs::remove_dir_all(folder).with_context(|| format!("remove {}", folder.display()))?;
    }
    fs::create_dir_all(&manifests).with_context(|| format!("create {}", manifests.display()))?;
    write_yaml(&folder.join("lucid.yaml"), &[release_file(release)])?;
    for workload in &release.workloads {
        write_yaml(&manifests.join(format!("{}.yaml", workload.name)), &objects::of(workload))?;
    }
    Ok(())
}

fn write_yaml(path: &Path, documents: &[Value]) -> Result<()> {
    let texts = documents.iter().map(serde_saphyr::to_string).collect::<Result<Vec<_>, _>>();
    fs::write(path, texts.context("write YAML")?.join("---\n")).with_context(|| format!("write {}", path.display()))
}

/// Every component says what it needs, so that nothing waits for a phase.
fn release_file(release: &Release) -> Value {
    let components: Vec<Value> = release
        .workloads
        .iter()
        .map(|workload| {
            let needs: Vec<&str> = workload.needs.iter().map(|&i| release.workloads[i].name.as_str()).collect();
            json!({
                "name": workload.name,
                "phase": format!("layer-{}", workload.layer),
                "select": {"app.kubernetes.io/name": workload.name},
                "needs": needs,
                "health": [{"http": {"port": PORT, "path": "/health"}}],
            })
        })
        .collect();
    json!({
        "apiVersion": "lucid.dev/v1alpha1",
        "kind": "Release",
        "metadata": {"name": "bench"},
        "spec": {
            "source": "manifests",
            "namespace": NAMESPACE,
            "phases": (0..release.layers()).map(|i| format!("layer-{i}")).collect::<Vec<_>>(),
            "deadline": "5m",
            "onFailure": "stop",
            "images": {"check": false},
            "components": components,
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_folder_holds_every_object_once() {
        let folder = std::env::temp_dir().join(format!("lucid-bench-{}", std::process::id()));
        let release = Release::generate(5);
        write(&release, &folder).expect("write");
        write(&release, &folder).expect("write again over what is there");
        let text = fs::read_to_string(folder.join("manifests/app-004.yaml")).expect("read");
        for kind in ["kind: ConfigMap", "kind: Service", "kind: Deployment"] {
            assert_eq!(text.matches(kind).count(), 1, "{text}");
        }
        assert_eq!(text.matches("---\n").count(), 2, "{text}");
        assert_eq!(fs::read_dir(folder.join("manifests")).expect("list").count(), 5);
        fs::remove_dir_all(&folder).expect("remove");
    }
}
