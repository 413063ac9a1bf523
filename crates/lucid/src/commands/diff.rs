//! `lucid diff`: what differs between two revisions, or between one and the cluster.

use lucid_deploy::compare::{self, Difference, What};
use lucid_deploy::revisions::Shelf;
use lucid_report::changes::{self, Change, Verb};
use serde_json::json;

use crate::cli::{Diff, Global, PlanFormat};
use crate::commands::{connect, runtime};
use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::manifests;
use crate::output::Outlet;

pub(crate) fn run(global: &Global, args: &Diff, outlet: &Outlet) -> Result<Exit> {
    let (_, release) = manifests::release_file(global)?;
    let namespace = global.namespace.as_ref().unwrap_or(&release.spec.namespace);
    let to = match args.to.as_str() {
        "live" => None,
        number => Some(number.parse().map_err(|_| {
            Failure::usage(format!("{number} is neither a revision nor `live`"))
                .help("`lucid history` lists the revisions")
        })?),
    };
    let differences = runtime()?.block_on(async {
        let client = connect(global).await?.client;
        let shelf = Shelf { client: &client, namespace, release: release.name() };
        Ok::<_, Failure>(match to {
            Some(to) => compare::revisions(&shelf, args.from, to).await?,
            None => compare::with_live(&shelf, args.from).await?,
        })
    })?;
    let changes: Vec<Change> = differences.into_iter().map(change).collect();
    match args.output {
        PlanFormat::Json => outlet.json(&json!({
            "apiVersion": lucid_report::result::VERSION, "kind": "Diff", "from": args.from, "to": args.to, "changes": changes,
        })),
        PlanFormat::Markdown => {
            outlet.result(&changes::markdown(&format!("Revision {} → {}", args.from, args.to), &changes))
        }
        PlanFormat::Text if changes.is_empty() => outlet.result("no difference\n"),
        PlanFormat::Text => outlet.result(&changes::text(&changes, outlet.paint_out())),
    }
    Ok(Exit::Done)
}

fn change(difference: Difference) -> Change {
    let (action, fields) = match difference.what {
        What::Added => (Verb::Create, Vec::new()),
        What::Removed => (Verb::Delete, Vec::new()),
        What::Changed(fields) => (Verb::Update, fields),
    };
    let Difference { component, object, .. } = difference;
    Change {
        component,
        object,
        action,
        fields,
        not_tried: false,
        one_way: None,
        reverse: None,
        meanwhile: None,
        managers: Vec::new(),
    }
}
