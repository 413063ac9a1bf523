//! `lucid render`: what `kustomize build` prints.

use std::fs;
use std::path::Path;

use lucid_kustomize::{LoadRestrictor, Options, Order, Rendered};

use crate::cli::{Global, Render, Reorder, Restrictor};
use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::manifests;
use crate::output::Outlet;

pub(crate) fn run(global: &Global, args: &Render, outlet: &Outlet) -> Result<Exit> {
    let folder = manifests::folder(global, &args.source)?;
    let rendered = manifests::render(&folder, &options(args), &args.source)?;
    manifests::tell_warnings(&rendered.warnings, outlet);
    match &args.output {
        Some(folder) if folder.is_dir() => {
            rendered.files().try_for_each(|(name, text)| write(&folder.join(name), text))?
        }
        Some(path) => write(path, rendered.to_yaml())?,
        None => outlet.manifests(&printed(args, &rendered)),
    }
    // The process ends now; of thousands of objects each would be taken apart for nothing.
    std::mem::forget(rendered);
    Ok(Exit::Done)
}

fn printed(args: &Render, rendered: &Rendered) -> String {
    if args.origins { rendered.to_yaml_with_origins() } else { rendered.to_yaml().to_owned() }
}

fn write(path: &Path, text: &str) -> Result<()> {
    fs::write(path, text).map_err(|error| Failure::usage(format!("write {}: {error}", path.display())))
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
