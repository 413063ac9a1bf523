//! `lucid version`.

use lucid_sim::SCORE;
use serde_json::json;

use crate::cli::{Format, Version};
use crate::exit::Exit;
use crate::failure::Result;
use crate::output::Outlet;

pub(crate) fn run(args: &Version, outlet: &Outlet) -> Result<Exit> {
    let version = env!("CARGO_PKG_VERSION");
    match args.output {
        Format::Text => {
            outlet.result(&format!("lucid {version}\nKubernetes 1.34 to 1.37, kustomize 5.8.2\n"));
            if args.sim {
                outlet.result(&score());
            }
        }
        Format::Json => {
            let kubernetes = ["1.34", "1.35", "1.36", "1.37"];
            let mut value = json!({"version": version, "kubernetes": kubernetes, "kustomize": "5.8.2"});
            if args.sim {
                let ((passed, all), (requests, open)) = (SCORE.conformance, SCORE.twins);
                value["sim"] = json!({"kubernetes": "1.37", "conformance": {"passed": passed, "of": all},
                    "twins": {"requests": requests, "unexplained": open}, "storageProperties": SCORE.storage});
            }
            outlet.json(&value);
        }
    }
    Ok(Exit::Done)
}

fn score() -> String {
    let ((passed, all), (requests, open)) = (SCORE.conformance, SCORE.twins);
    format!(
        "simulator of Kubernetes 1.37: {passed} of {all} conformance tests of the API server, {open} unexplained differences \
         in {requests} random requests beside a real one, {} storage properties\n",
        SCORE.storage
    )
}
