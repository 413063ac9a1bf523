//! `lucid validate`: mistakes that are found without a cluster, and with `--cluster` what that cluster would object to.

mod cluster;

use lucid_object::Findings;
use lucid_plan::validate;
use lucid_report::findings::{github, sarif};

use crate::cli::{Global, Validate, ValidateFormat};
use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::manifests;
use crate::output::Outlet;

pub(crate) fn run(global: &Global, args: &Validate, outlet: &Outlet) -> Result<Exit> {
    let manifests = match manifests::load(global, &args.source) {
        Ok(manifests) => manifests,
        // What does not render is findings too, and machines want them in their form.
        Err(failure) if args.output != ValidateFormat::Text && !failure.findings.is_empty() => {
            return Ok(print(&failure.findings, args.output, outlet));
        }
        Err(failure) => return Err(failure),
    };
    super::keep_secrets(outlet, &manifests.objects);
    let (release, source) = (&manifests.release, manifests.source);
    let mut placed = manifests.objects.clone();
    validate::place(&mut placed, &release.spec.namespace);
    let mut findings = manifests.warnings.clone();
    if global.cluster.is_some() {
        // What the manifests leave out is looked for in the cluster.
        findings.extend(validate::before_a_run(release, &placed, source));
        findings.extend(cluster::findings(global, &manifests, outlet)?);
    } else {
        findings.extend(validate::manifests(release, &placed, source));
    }
    if args.output != ValidateFormat::Text {
        return Ok(print(&findings, args.output, outlet));
    }
    if findings.has_errors() {
        return Err(Failure::manifests(findings));
    }
    outlet.findings(findings.iter());
    let (objects, components) = (placed.len(), manifests.release.spec.components.len());
    outlet.talk(&format!("{}: {objects} objects in {components} components, no errors\n", manifests.name));
    Ok(Exit::Done)
}

fn print(findings: &Findings, format: ValidateFormat, outlet: &Outlet) -> Exit {
    match format {
        ValidateFormat::Sarif => outlet.result(&sarif(&findings.0)),
        ValidateFormat::Github => outlet.annotations(&github(&findings.0)),
        ValidateFormat::Text | ValidateFormat::Json => outlet.json(findings),
    }
    if findings.has_errors() { Exit::Usage } else { Exit::Done }
}
