//! `lucid validate`: mistakes that are found without a cluster, and with `--cluster` what that cluster would object to.

mod cluster;

use lucid_object::Finding;
use lucid_plan::check::Known;
use lucid_release::ReleaseFile;

use crate::cli::{Format, Global, Validate};
use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::manifests;
use crate::output::Outlet;

pub(crate) fn run(global: &Global, args: &Validate, outlet: &Outlet) -> Result<Exit> {
    let manifests = manifests::load(global, &args.source)?;
    let mut findings = manifests.warnings.clone();
    findings.extend(lucid_plan::check::identities(&manifests.objects));
    let ownership = lucid_plan::ownership::assign(&manifests.release, &manifests.objects);
    findings.extend(ownership.findings);
    findings.extend(lucid_plan::check::empty_components(&manifests.release, &ownership.owners, "lucid.yaml"));
    findings.extend(lucid_plan::graph::needs(&manifests.release, &manifests.objects, &ownership.owners).findings);
    if global.cluster.is_some() {
        findings.extend(cluster::findings(global, &manifests, outlet)?);
    } else {
        findings.extend(references(&manifests.release, &manifests.objects));
    }
    if args.output == Format::Json {
        outlet.json(&findings);
        return Ok(if findings.has_errors() { Exit::Usage } else { Exit::Done });
    }
    if findings.has_errors() {
        return Err(Failure::manifests(findings));
    }
    outlet.findings(findings.iter());
    let (objects, components) = (manifests.objects.len(), manifests.release.spec.components.len());
    outlet.talk(&format!("{}: {objects} objects in {components} components, no errors\n", manifests.name));
    Ok(Exit::Done)
}

/// Secrets that lucid.yaml declares come from outside; everything else a pod names must be in the release.
fn references(release: &ReleaseFile, objects: &lucid_object::ObjectSet) -> Vec<Finding> {
    lucid_plan::check::references(objects, &|target| {
        let namespace = target.namespace.as_deref().unwrap_or(&release.spec.namespace);
        let declared = release.spec.secrets.iter().find(|secret| {
            target.kind == "Secret"
                && secret.name == target.name
                && secret.namespace.as_deref().unwrap_or(&release.spec.namespace) == namespace
        });
        declared.map_or(Known::Absent, |secret| Known::PresentWith(secret.keys.keys().cloned().collect()))
    })
}
