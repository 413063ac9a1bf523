//! What the cluster would object to: asked without changing anything in it.

use jiff::Timestamp;
use lucid_object::Finding;

use crate::cli::Global;
use crate::commands::{connect, keep_secrets, runtime, signals};
use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::manifests::Manifests;
use crate::output::Outlet;

pub(super) fn findings(global: &Global, manifests: &Manifests, outlet: &Outlet) -> Result<Vec<Finding>> {
    keep_secrets(outlet, &manifests.objects);
    runtime()?.block_on(async {
        let connected = connect(global).await.map_err(|failure| explained(failure, global))?;
        let mut signals = signals();
        let asked =
            lucid_deploy::validate(&connected.client, &manifests.release, manifests.objects.clone(), Timestamp::now());
        let findings = tokio::select! {
            findings = asked => findings?,
            _ = signals.recv() => return Err(Failure::new(Exit::Interrupted, "interrupted")),
        };
        Ok(findings.into_iter().map(|finding| placed(finding, manifests)).collect())
    })
}

/// What the server says knows no files.
fn placed(finding: Finding, manifests: &Manifests) -> Finding {
    let object = finding.object.as_ref().filter(|_| finding.position.is_none());
    let position = object.and_then(|object| manifests.objects.get(object)?.position(""));
    if position.is_some() { finding.at(position) } else { finding }
}

/// An overlay that was written behind `--cluster` was taken for its name.
fn explained(failure: Failure, global: &Global) -> Failure {
    match &global.cluster {
        Some(name) if !name.is_empty() && failure.exit == Exit::Usage => {
            failure.help(format!("if {name} is an overlay, write it first: `lucid validate {name} --cluster`"))
        }
        _ => failure,
    }
}
