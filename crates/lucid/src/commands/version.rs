//! `lucid version`.

use crate::cli::{Format, Version};
use crate::exit::Exit;
use crate::failure::Result;
use crate::output::Outlet;

pub(crate) fn run(args: &Version, outlet: &Outlet) -> Result<Exit> {
    let version = env!("CARGO_PKG_VERSION");
    match args.output {
        Format::Text => outlet.result(&format!("lucid {version}\nKubernetes 1.34 to 1.37, kustomize 5.8.2\n")),
        Format::Json => {
            let kubernetes = ["1.34", "1.35", "1.36", "1.37"];
            outlet.json(&serde_json::json!({"version": version, "kubernetes": kubernetes, "kustomize": "5.8.2"}));
        }
    }
    Ok(Exit::Done)
}
