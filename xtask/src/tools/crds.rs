//! CustomResourceDefinitions of other projects, copied out of their Go modules into `target/tools/crds`.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use super::go;
use crate::process::output;
use crate::root::tools;

/// A Go module that carries CRDs.
struct Module {
    path: &'static str,
    version: &'static str,
    /// Of the module's content, as go.sum has it.
    sum: &'static str,
    files: &'static [&'static str],
}

const CONTOUR: Module = Module {
    path: "github.com/projectcontour/contour",
    version: super::CONTOUR.version,
    sum: "h1:QoOfwqWws+CVRFpsRC2+f1DmB5IdurtyUtepIsiWfE0=",
    files: &["examples/contour/01-crds.yaml"],
};

const MODULES: [Module; 4] = [
    Module {
        path: "sigs.k8s.io/gateway-api",
        version: "v1.6.3",
        sum: "h1:lKpJa5bGlraC/QeACvCpsHLdmO6y0iKfzVl6gzaFEYc=",
        files: &[
            "config/crd/standard/gateway.networking.k8s.io_gateways.yaml",
            "config/crd/standard/gateway.networking.k8s.io_httproutes.yaml",
        ],
    },
    Module {
        path: "github.com/external-secrets/external-secrets",
        version: "v1.3.2",
        sum: "h1:u2J8RjlHIeF0oZCqtl92adI/uZWUwOesJIDkfql6LqQ=",
        files: &["config/crds/bases/external-secrets.io_externalsecrets.yaml"],
    },
    Module {
        path: "github.com/bitnami-labs/sealed-secrets",
        version: "v0.40.0",
        sum: "h1:rvCP35JL8ZV5LNA2SrwNR6iLyoM3ulrSFWN0lBtYEYI=",
        files: &["helm/sealed-secrets/crds/bitnami.com_sealedsecrets.yaml"],
    },
    CONTOUR,
];

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Downloaded {
    dir: String,
    sum: String,
}

/// Makes sure that every file is there; what is there already was checked when it was copied.
pub(super) fn ensure() -> Result<()> {
    let folder = tools().join("crds");
    fs::create_dir_all(&folder)?;
    for module in
        MODULES.iter().filter(|module| module.files.iter().any(|file| !copy_of(&folder, module, file).exists()))
    {
        module.copy(&folder)?;
    }
    Ok(())
}

/// Those of the ingress controller.
pub(crate) fn contour() -> std::path::PathBuf {
    copy_of(&tools().join("crds"), &CONTOUR, CONTOUR.files[0])
}

/// The version is in the name, so that a new one is fetched.
fn copy_of(folder: &Path, module: &Module, file: &str) -> std::path::PathBuf {
    let name = file.rsplit('/').next().unwrap_or(file);
    folder.join(format!("{}@{name}", module.version))
}

impl Module {
    fn copy(&self, folder: &Path) -> Result<()> {
        let wanted = format!("{}@{}", self.path, self.version);
        let mut go = go::command(&format!("fetch {wanted}"))?;
        let answer = output(go.args(["mod", "download", "-json", &wanted]).current_dir(folder))?;
        let downloaded: Downloaded = serde_json::from_str(&answer).with_context(|| format!("fetch {wanted}"))?;
        if downloaded.sum != self.sum {
            bail!("{wanted}: its content has the sum {}, not {}", downloaded.sum, self.sum);
        }
        for file in self.files {
            let from = Path::new(&downloaded.dir).join(file);
            // What is in the module cache is read-only; a copy of it should not be.
            let text = fs::read_to_string(&from).with_context(|| format!("read {file} of {wanted}"))?;
            fs::write(copy_of(folder, self, file), text)?;
        }
        println!("fetched the CRDs of {wanted}");
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_copy_has_a_name_of_its_own() {
        let folder = Path::new("crds");
        let names = MODULES.iter().flat_map(|module| module.files.iter().map(|file| copy_of(folder, module, file)));
        let all: Vec<_> = names.collect();
        let unique: std::collections::BTreeSet<_> = all.iter().collect();
        assert_eq!(unique.len(), all.len(), "{all:?}");
        assert_eq!(all[0], folder.join("v1.6.3@gateway.networking.k8s.io_gateways.yaml"));
    }
}
