//! `lucid explain`: what a finding code means.

use lucid_object::Code;
use lucid_status::{catalogue, entry};

use crate::cli::{Explain, ExplainFormat};
use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::output::Outlet;

pub(crate) fn run(args: &Explain, outlet: &Outlet) -> Result<Exit> {
    if args.output == ExplainFormat::Markdown {
        outlet.result(&lucid_status::markdown());
        return Ok(Exit::Done);
    }
    let Some(text) = &args.code else {
        for entry in catalogue() {
            outlet.result(&format!("{} {}\n", entry.code, entry.title));
        }
        return Ok(Exit::Done);
    };
    let unknown = || Failure::usage(format!("there is no code {text}")).help("`lucid explain` lists all codes");
    let code: Code = text.parse().map_err(|()| unknown())?;
    let entry = entry(code).ok_or_else(unknown)?;
    let paint = outlet.paint_out();
    outlet.result(&format!(
        "{} {}\n\n{}\n\n{} {}\n",
        paint.bold(&entry.code.to_string()),
        paint.bold(entry.title),
        entry.cause,
        paint.good("What to do:"),
        entry.remedy
    ));
    Ok(Exit::Done)
}
