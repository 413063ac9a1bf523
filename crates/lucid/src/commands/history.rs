//! `lucid history`: the release's runs and revisions, and single revisions as files.

use std::fs;

use jiff::Timestamp;
use lucid_deploy::lease::Identity;
use lucid_deploy::portable::{self, Importer};
use lucid_deploy::revisions::Shelf;
use lucid_release::portable::RevisionFile;
use lucid_release::{Outcome, Record, ReleaseFile};
use lucid_report::Paint;
use lucid_report::style::pad;
use serde_json::json;

use crate::cli::{Format, Global, History, HistoryCommand, HistoryExport, HistoryImport};
use crate::commands::{connect, fresh_key, runtime};
use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::manifests;
use crate::output::Outlet;

pub(crate) fn run(global: &Global, args: &History, outlet: &Outlet) -> Result<Exit> {
    let (_, release) = manifests::release_file(global)?;
    let namespace = global.namespace.as_ref().unwrap_or(&release.spec.namespace);
    match &args.command {
        Some(HistoryCommand::Export(args)) => return export(global, &release, namespace, args, outlet),
        Some(HistoryCommand::Import(args)) => return import(global, &release, namespace, args, outlet),
        None => {}
    }
    let record = runtime()?.block_on(async {
        let client = connect(global).await?.client;
        Ok::<_, crate::failure::Failure>(lucid_deploy::store::load(&client, namespace, release.name()).await?.record)
    })?;
    match args.output {
        Format::Json => outlet.json(&json!({
            "apiVersion": lucid_report::result::VERSION, "kind": "ReleaseHistory", "release": release.name(),
            "namespace": namespace, "inService": record.in_service, "underWay": record.journal.as_ref().map(|j| &j.command),
            "revisions": record.revisions, "runs": record.runs,
        })),
        Format::Text => outlet.result(&text(release.name(), namespace, &record, outlet.paint_out())),
    }
    Ok(Exit::Done)
}

fn export(
    global: &Global,
    release: &ReleaseFile,
    namespace: &str,
    args: &HistoryExport,
    outlet: &Outlet,
) -> Result<Exit> {
    let file = runtime()?.block_on(async {
        let client = connect(global).await?.client;
        let shelf = Shelf { client: &client, namespace, release: release.name() };
        Ok::<_, Failure>(portable::export(&shelf, args.revision).await?)
    })?;
    let Some(path) = &args.out else {
        outlet.json(&file);
        return Ok(Exit::Done);
    };
    let text = serde_json::to_string_pretty(&file).expect("a revision is plain data");
    fs::write(path, format!("{text}\n"))
        .map_err(|error| Failure::usage(format!("write {}: {error}", path.display())))?;
    let number = file.revision.number;
    outlet.talk(&format!("wrote revision {number} to {}; it holds no value of a Secret\n", path.display()));
    Ok(Exit::Done)
}

fn import(
    global: &Global,
    release: &ReleaseFile,
    namespace: &str,
    args: &HistoryImport,
    outlet: &Outlet,
) -> Result<Exit> {
    let unreadable = |why: String| {
        Failure::usage(format!("{} is no revision: {why}", args.from.display()))
            .help("make one with `lucid history export`")
    };
    let text = fs::read_to_string(&args.from).map_err(|error| unreadable(error.to_string()))?;
    let file = RevisionFile::read(&text).map_err(unreadable)?;
    let importer = Importer { identity: Identity::of_this_process(), fresh_key: fresh_key()?, wall: Timestamp::now() };
    let number = runtime()?.block_on(async {
        let client = connect(global).await?.client;
        let shelf = Shelf { client: &client, namespace, release: release.name() };
        Ok::<_, Failure>(portable::import(&shelf, file, &importer).await?)
    })?;
    outlet.talk(&format!("kept as revision {number}; `lucid rollback --to {number}` deploys it\n"));
    Ok(Exit::Done)
}

fn text(release: &str, namespace: &str, record: &Record, paint: Paint) -> String {
    let mut out = format!("{} in {namespace}\n", paint.bold(release));
    if record.revisions.is_empty() && record.runs.is_empty() {
        out.push_str("nothing was deployed yet\n");
        return out;
    }
    if let Some(journal) = &record.journal {
        let line = format!(
            "run {} is under way or has died: {} by {}, since {}\n",
            journal.run, journal.command, journal.by, journal.started_at
        );
        out.push_str(&paint.warn(&line));
    }
    out.push_str(&paint.dim("REVISION  OUTCOME      WHEN                  BY                    WHAT\n"));
    for revision in record.revisions.iter().rev() {
        let is_served = record.in_service == Some(revision.number);
        let mut what = format!("{}, {} objects", revision.source, revision.objects);
        if revision.partial {
            what.push_str(", single components");
        }
        if let Some(number) = revision.back_to {
            what.push_str(&format!(", as in revision {number}"));
        }
        if is_served {
            what.push_str(&format!("  {}", paint.good("← in service")));
        }
        out.push_str(&format!(
            "{}  {}  {}  {}  {what}\n",
            pad(&revision.number.to_string(), 8),
            pad(revision.outcome.map_or("under way", outcome_word), 11),
            pad(&revision.created_at, 20),
            pad(&revision.by, 20),
        ));
    }
    out.push_str(&paint.dim("RUN       OUTCOME      WHEN                  BY                    COMMAND\n"));
    for run in record.runs.iter().rev() {
        out.push_str(&format!(
            "{}  {}  {}  {}  {} ({})\n",
            pad(&run.run.to_string(), 8),
            pad(outcome_word(run.outcome), 11),
            pad(&run.started_at, 20),
            pad(&run.by, 20),
            run.command,
            run.took,
        ));
    }
    out
}

fn outcome_word(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Verified => "verified",
        Outcome::Failed => "failed",
        Outcome::RolledBack => "rolled back",
        Outcome::Partial => "partial",
        Outcome::Abandoned => "abandoned",
        Outcome::Imported => "imported",
    }
}
