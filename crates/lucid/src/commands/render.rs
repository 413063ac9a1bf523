//! `lucid render`: what `kustomize build` prints.

use lucid_kustomize::{LoadRestrictor, Options, Order};

use crate::cli::{Global, Render, Reorder, Restrictor};
use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::manifests;
use crate::output::Outlet;

pub(crate) fn run(global: &Global, args: &Render, outlet: &Outlet) -> Result<Exit> {
    let folder = manifests::folder(global, args.source.source.as_deref())?;
    let rendered = manifests::render(&folder, &options(args))?;
    outlet.findings(rendered.warnings.iter());
    let text = rendered.to_yaml();
    match &args.output {
        Some(path) => {
            std::fs::write(path, text).map_err(|error| Failure::usage(format!("write {}: {error}", path.display())))?;
        }
        None => outlet.manifests(text),
    }
    Ok(Exit::Done)
}

fn options(args: &Render) -> Options {
    Options {
        reorder: match args.reorder {
            Reorder::Legacy => Order::Legacy,
            Reorder::None => Order::None,
        },
        load_restrictor: match args.load_restrictor {
            Restrictor::RootOnly => LoadRestrictor::RootOnly,
            Restrictor::None => LoadRestrictor::None,
        },
        managed_by_label: args.enable_managedby_label,
        ..Options::default()
    }
}
