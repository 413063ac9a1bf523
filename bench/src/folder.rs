//! The same release as a folder: in one piece with `lucid.yaml`, in a folder a phase, and in a chart a phase.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde_json::{Value, json};

use crate::objects::{self, PORT};
use crate::release::{Release, Workload};

/// `lucid.yaml`, and `manifests` with a file a workload.
pub(crate) fn whole(release: &Release, namespace: &str, folder: &Path) -> Result<()> {
    let manifests = fresh(&folder.join("manifests"))?;
    write_yaml(&folder.join("lucid.yaml"), &[release_file(release, namespace)])?;
    release.workloads.iter().try_for_each(|workload| write(workload, namespace, &manifests))
}

/// `phase-0`, `phase-1` and so on, with a file a workload each.
pub(crate) fn phases(release: &Release, namespace: &str, folder: &Path) -> Result<()> {
    in_phases(release, namespace, folder, "")
}

/// The same as charts, with nothing in them that is a template.
pub(crate) fn charts(release: &Release, namespace: &str, folder: &Path) -> Result<()> {
    in_phases(release, namespace, folder, "templates")?;
    for phase in 0..release.layers() {
        let chart = json!({"apiVersion": "v2", "name": phase_name(phase), "version": "1.0.0"});
        write_yaml(&folder.join(phase_name(phase)).join("Chart.yaml"), &[chart])?;
    }
    Ok(())
}

pub(crate) fn phase_name(phase: usize) -> String {
    format!("phase-{phase}")
}

fn in_phases(release: &Release, namespace: &str, folder: &Path, below: &str) -> Result<()> {
    for phase in 0..release.layers() {
        fresh(&folder.join(phase_name(phase)).join(below))?;
    }
    for workload in &release.workloads {
        write(workload, namespace, &folder.join(phase_name(workload.layer)).join(below))?;
    }
    Ok(())
}

/// The folder, empty.
pub(crate) fn fresh(folder: &Path) -> Result<PathBuf> {
    if folder.exists() {
        fs::remove_dir_all(folder).with_context(|| format!("remove {}", folder.display()))?;
    }
    fs::create_dir_all(folder).with_context(|| format!("create {}", folder.display()))?;
    Ok(folder.to_owned())
}

fn write(workload: &Workload, namespace: &str, folder: &Path) -> Result<()> {
    write_yaml(&folder.join(format!("{}.yaml", workload.name)), &objects::of(workload, namespace))
}

fn write_yaml(path: &Path, documents: &[Value]) -> Result<()> {
    let texts = documents.iter().map(serde_saphyr::to_string).collect::<Result<Vec<_>, _>>();
    fs::write(path, texts.context("write YAML")?.join("---\n")).with_context(|| format!("write {}", path.display()))
}

/// Every component says what it needs, so that nothing waits for a phase.
fn release_file(release: &Release, namespace: &str) -> Value {
    let components: Vec<Value> = release.workloads.iter().map(|workload| component(release, workload)).collect();
    json!({
        "apiVersion": "lucid.dev/v1alpha1",
        "kind": "Release",
        "metadata": {"name": "bench"},
        "spec": {
            "source": "manifests",
            "namespace": namespace,
            "phases": (0..release.layers()).map(phase_name).collect::<Vec<_>>(),
            "deadline": "15m",
            "onFailure": "rollback",
            "images": {"check": false},
            "components": components,
        },
    })
}

/// What stands alone has no endpoint that is asked.
fn component(release: &Release, workload: &Workload) -> Value {
    let needs: Vec<&str> = workload.needs.iter().map(|&i| release.workloads[i].name.as_str()).collect();
    let mut component = json!({
        "name": workload.name,
        "phase": phase_name(workload.layer),
        "select": {"app.kubernetes.io/name": workload.name},
        "needs": needs,
    });
    if !workload.alone {
        component["health"] = json!([{"http": {"port": PORT, "path": "/health"}}]);
    }
    component
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scratch(name: &str) -> PathBuf {
        fresh(&std::env::temp_dir().join(format!("lucid-bench-{name}-{}", std::process::id()))).expect("a folder")
    }

    #[test]
    fn the_folder_holds_every_object_once() {
        let folder = scratch("whole");
        let release = Release::generate(5);
        whole(&release, "here", &folder).expect("write");
        whole(&release, "here", &folder).expect("write again over what is there");
        let text = fs::read_to_string(folder.join("manifests/app-004.yaml")).expect("read");
        for kind in ["kind: ConfigMap", "kind: Service", "kind: Deployment"] {
            assert_eq!(text.matches(kind).count(), 1, "{text}");
        }
        assert_eq!(text.matches("---\n").count(), 2, "{text}");
        assert_eq!(fs::read_dir(folder.join("manifests")).expect("list").count(), 5);
        fs::remove_dir_all(&folder).expect("remove");
    }

    #[test]
    fn a_phase_holds_the_workloads_of_its_layer() {
        let folder = scratch("phases");
        let release = Release::generate(27);
        charts(&release, "here", &folder).expect("write");
        let files = |phase: usize| {
            let templates = folder.join(phase_name(phase)).join("templates");
            fs::read_dir(templates).expect("list").count()
        };
        let layer = |phase: usize| release.workloads.iter().filter(|w| w.layer == phase).count();
        assert_eq!((0..5).map(files).collect::<Vec<_>>(), (0..5).map(layer).collect::<Vec<_>>());
        let chart = fs::read_to_string(folder.join("phase-4/Chart.yaml")).expect("a chart");
        assert!(chart.contains("name: phase-4"), "{chart}");
        fs::remove_dir_all(&folder).expect("remove");
    }
}
