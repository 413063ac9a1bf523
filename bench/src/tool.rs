//! The clients side by side: what each is called with, as a person who knows it would.

use std::path::{Path, PathBuf};
use std::{env, fs};

use anyhow::{Context, Result};

use crate::folder::{self, phase_name};
use crate::release::Release;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tool {
    Lucid,
    Bare,
    Script,
    Helm,
    HelmTuned,
    ApplySet,
}

impl Tool {
    pub(crate) const ALL: [Self; 6] =
        [Self::Lucid, Self::Bare, Self::Script, Self::Helm, Self::HelmTuned, Self::ApplySet];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Lucid => "lucid",
            Self::Bare => "bare client",
            Self::Script => "kubectl script",
            Self::Helm => "helm",
            Self::HelmTuned => "helm, tuned",
            Self::ApplySet => "kubectl applyset",
        }
    }

    /// For folders and namespaces.
    pub(crate) fn slug(self) -> String {
        self.name().replace(", ", "-").replace(' ', "-")
    }

    /// How it is called, for the page.
    pub(crate) fn setting(self) -> &'static str {
        match self {
            Self::Lucid => "`lucid deploy`, `lucid cleanup --yes`; every component's health endpoint is asked as well",
            Self::Bare => {
                "no product: server-side apply in the order of the graph over one connection, one watch of Deployments; \
                 checks, records and diagnoses nothing (`bench/src/bare.rs`)"
            }
            Self::Script => {
                "a phase after the other: `kubectl apply -f phase-N`, then `kubectl rollout status` of each Deployment; \
                 `kubectl delete -f phase-N` backwards"
            }
            Self::Helm => {
                "one chart a phase: `helm upgrade --install phase-N ./phase-N --wait` with the default 5 minutes a chart and \
                 default client limits; `helm uninstall --wait` backwards"
            }
            Self::HelmTuned => {
                "the same with `--qps 1000 --burst-limit 2000 --timeout 15m`: no client throttling, which is its best setting"
            }
            Self::ApplySet => {
                "a phase after the other: `KUBECTL_APPLYSET=true kubectl apply --prune --applyset=phase-N -f phase-N`, then \
                 `kubectl rollout status`; `kubectl delete -f` backwards"
            }
        }
    }
}

/// A tool with a namespace and a folder of its own.
#[derive(Debug)]
pub(crate) struct Stage<'a> {
    pub(crate) tool: Tool,
    pub(crate) namespace: String,
    pub(crate) folder: PathBuf,
    /// Of the user whose requests are counted.
    pub(crate) kubeconfig: PathBuf,
    pub(crate) lucid: &'a Path,
}

impl Stage<'_> {
    /// Writes the release as this tool wants it.
    pub(crate) fn write(&self, release: &Release) -> Result<()> {
        fs::create_dir_all(&self.folder).with_context(|| format!("create {}", self.folder.display()))?;
        match self.tool {
            Tool::Lucid => folder::whole(release, &self.namespace, &self.folder),
            Tool::Bare => Ok(fs::write(self.folder.join("release.json"), serde_json::to_string(release)?)?),
            Tool::Script | Tool::ApplySet => folder::phases(release, &self.namespace, &self.folder),
            Tool::Helm | Tool::HelmTuned => folder::charts(release, &self.namespace, &self.folder),
        }
    }

    /// The shell that brings the release to the cluster and waits for it.
    pub(crate) fn deploy(&self, release: &Release) -> Result<String> {
        let phases = 0..release.layers();
        Ok(match self.tool {
            Tool::Lucid => self.lucid_does("deploy --progress quiet"),
            Tool::Bare => self.bare("")?,
            Tool::Script => phases.map(|phase| self.kubectl_phase(release, phase, "")).collect(),
            Tool::ApplySet => {
                let set = |phase| format!("--prune --applyset={}", phase_name(phase));
                let phases: String = phases.map(|phase| self.kubectl_phase(release, phase, &set(phase))).collect();
                format!("export KUBECTL_APPLYSET=true\n{phases}")
            }
            Tool::Helm | Tool::HelmTuned => phases.map(|phase| self.helm_phase(phase, self.limits())).collect(),
        })
    }

    pub(crate) fn remove(&self, release: &Release) -> Result<String> {
        let backwards = (0..release.layers()).rev();
        Ok(match self.tool {
            Tool::Lucid => self.lucid_does("cleanup --yes --progress quiet"),
            Tool::Bare => self.bare("--remove")?,
            Tool::Script | Tool::ApplySet => {
                backwards.map(|phase| format!("{} delete -f {}\n", self.kubectl(), phase_name(phase))).collect()
            }
            Tool::Helm | Tool::HelmTuned => {
                let limits = self.limits();
                let line = |phase| format!("{} uninstall {} --wait {limits}\n", self.helm(), phase_name(phase));
                backwards.map(line).collect()
            }
        })
    }

    pub(crate) fn lucid_does(&self, what: &str) -> String {
        format!("exec {} {what} --kubeconfig {}\n", quoted(self.lucid), quoted(&self.kubeconfig))
    }

    fn bare(&self, flag: &str) -> Result<String> {
        let program = env::current_exe()?;
        let (program, kubeconfig, namespace) = (quoted(&program), quoted(&self.kubeconfig), &self.namespace);
        Ok(format!(
            "exec {program} bare --release release.json --kubeconfig {kubeconfig} --namespace {namespace} {flag}\n"
        ))
    }

    /// `kubectl` with the namespace and the user.
    pub(crate) fn kubectl(&self) -> String {
        format!("kubectl --kubeconfig {} -n {}", quoted(&self.kubeconfig), self.namespace)
    }

    pub(crate) fn helm(&self) -> String {
        format!("helm --kubeconfig {} -n {}", quoted(&self.kubeconfig), self.namespace)
    }

    fn limits(&self) -> &'static str {
        match self.tool {
            Tool::HelmTuned => "--qps 1000 --burst-limit 2000 --timeout 15m",
            _ => "",
        }
    }

    pub(crate) fn helm_phase(&self, phase: usize, flags: &str) -> String {
        let phase = phase_name(phase);
        format!("{} upgrade --install {phase} ./{phase} --wait {flags}\n", self.helm())
    }

    fn kubectl_phase(&self, release: &Release, phase: usize, flags: &str) -> String {
        let kubectl = self.kubectl();
        let status = |name: &str| format!("{kubectl} rollout status deployment/{name}\n");
        let all: String = release.workloads.iter().filter(|w| w.layer == phase).map(|w| status(&w.name)).collect();
        format!("{kubectl} apply -f {} {flags}\n{all}", phase_name(phase))
    }
}

/// A path for the shell.
pub(crate) fn quoted(path: &Path) -> String {
    format!("'{}'", path.display().to_string().replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stage(tool: Tool) -> Stage<'static> {
        let folder = PathBuf::from("f");
        Stage { tool, namespace: "ns".into(), folder, kubeconfig: "k".into(), lucid: Path::new("lucid") }
    }

    #[test]
    fn a_tool_in_phases_waits_for_one_before_it_begins_the_next() {
        let release = Release::generate(27);
        let script = stage(Tool::Script).deploy(&release).expect("a script");
        let lines: Vec<&str> = script.lines().collect();
        let of_phase =
            |n: usize| lines.iter().position(|l| l.contains(&format!("apply -f phase-{n}"))).expect("a phase");
        assert_eq!(lines.len(), 27 + 5);
        assert_eq!(of_phase(1), 1 + release.workloads.iter().filter(|w| w.layer == 0).count());
        let removed = stage(Tool::Helm).remove(&release).expect("a script");
        assert!(removed.find("phase-4") < removed.find("phase-0"), "{removed}");
    }

    #[test]
    fn only_the_tuned_helm_has_its_limits_raised() {
        let release = Release::flat(2);
        let script = |tool| stage(tool).deploy(&release).expect("a script");
        assert!(script(Tool::HelmTuned).contains("--qps 1000") && !script(Tool::Helm).contains("--qps"));
    }

    #[test]
    fn paths_survive_the_shell() {
        assert_eq!(quoted(Path::new("/a b/it's")), r"'/a b/it'\''s'");
    }
}
