//! `lucid notify`: those whom lucid.yaml names are told how a run went.

mod result;

use std::path::Path;

use lucid_notify::{Limits, Message, Outside, Receiver, Told, Unready};
use lucid_release::{Notification, NotifyEvent, ReleaseFile};
use serde_json::{Value, json};

use crate::cli::{Format, Global, Happened, Notify};
use crate::commands::block_on;
use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::manifests;
use crate::output::Outlet;

/// Variables whose values leave in no message, whoever put them into one.
const SECRET_ENDINGS: [&str; 5] = ["TOKEN", "SECRET", "PASSWORD", "_KEY", "WEBHOOK"];

pub(crate) fn run(global: &Global, args: &Notify, outlet: &Outlet) -> Result<Exit> {
    let (path, release) = manifests::release_file(global)?;
    let folder = path.parent().unwrap_or(Path::new("."));
    for (_, value) in std::env::vars().filter(|(name, _)| SECRET_ENDINGS.iter().any(|end| name.ends_with(end))) {
        outlet.keep_secret(&value);
    }
    let event = event(args.event);
    let (receivers, mut rows) = receivers(chosen(&release, args)?, event, folder, outlet);
    let message = message(args, event, &release)?.cleaned(|text| outlet.clean(text));
    if args.dry_run {
        rows.extend(
            receivers.iter().map(|receiver| Row::new(&receiver.notification.name, receiver.door(), State::WouldBeTold)),
        );
    } else {
        let told = block_on(async { Ok(lucid_notify::tell(&receivers, &message, Limits::default()).await) })?;
        rows.extend(told.into_iter().map(Row::of));
    }
    show(&rows, &message, args.output, outlet);
    Ok(verdict(&rows, args.strict))
}

fn event(happened: Happened) -> NotifyEvent {
    match happened {
        Happened::Start => NotifyEvent::Start,
        Happened::Success => NotifyEvent::Success,
        Happened::Failure => NotifyEvent::Failure,
        Happened::Rollback => NotifyEvent::Rollback,
    }
}

/// Those of the file, or those of them that the command line names.
fn chosen<'a>(release: &'a ReleaseFile, args: &Notify) -> Result<Vec<&'a Notification>> {
    let all = &release.spec.notifications;
    if let Some(unknown) = args.to.iter().find(|name| all.iter().all(|one| one.name != **name)) {
        let names: Vec<&str> = all.iter().map(|one| one.name.as_str()).collect();
        return Err(Failure::usage(format!("lucid.yaml has no notification {unknown}"))
            .help(format!("`spec.notifications` has: {}", names.join(", "))));
    }
    Ok(all.iter().filter(|one| args.to.is_empty() || args.to.contains(&one.name)).collect())
}

/// Those who can be told, and what keeps us from telling the others.
fn receivers(
    chosen: Vec<&Notification>,
    event: NotifyEvent,
    folder: &Path,
    outlet: &Outlet,
) -> (Vec<Receiver>, Vec<Row>) {
    let outside = Outside { folder, variable: &|name| std::env::var(name).ok() };
    let (mut receivers, mut rows) = (Vec::new(), Vec::new());
    for notification in chosen.into_iter().filter(|one| one.wants(event)) {
        match Receiver::new(notification, &outside) {
            Ok(receiver) => {
                receiver.secrets.iter().for_each(|value| outlet.keep_secret(value));
                receivers.push(receiver);
            }
            Err(error @ Unready::Missing(_)) => {
                rows.push(Row::new(&notification.name, "", State::NotSetUp(error.to_string())));
            }
            Err(error) => rows.push(Row::new(&notification.name, "", State::Wrong(error.to_string()))),
        }
    }
    (receivers, rows)
}

fn message(args: &Notify, event: NotifyEvent, release: &ReleaseFile) -> Result<Message> {
    let result = args.result.as_deref().map(result::summary).transpose()?.unwrap_or_default();
    let details = [args.detail.as_str(), &result].map(str::trim);
    let details: Vec<&str> = details.into_iter().filter(|part| !part.is_empty()).collect();
    Ok(Message {
        event,
        release: release.name().to_owned(),
        environment: args.environment.clone(),
        component: args.component.clone(),
        detail: details.join("; "),
        by: args.by.clone(),
        reason: args.reason.clone(),
        link: args.link.clone(),
        commit: args.commit.clone(),
        time: jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
    })
}

/// One receiver and what became of it.
struct Row {
    name: String,
    door: &'static str,
    state: State,
}

enum State {
    Told,
    WouldBeTold,
    NotSetUp(String),
    Wrong(String),
    Failed { why: String, help: &'static str },
}

impl Row {
    fn new(name: &str, door: &'static str, state: State) -> Self {
        Self { name: name.to_owned(), door, state }
    }

    fn of(told: Told) -> Self {
        let state = match told.outcome {
            Ok(()) => State::Told,
            Err(failed) => State::Failed { why: failed.to_string(), help: failed.help() },
        };
        Self { name: told.name, door: told.door, state }
    }

    fn line(&self) -> String {
        let (name, door) = (&self.name, self.door);
        match &self.state {
            State::Told => format!("{name} was told ({door})"),
            State::WouldBeTold => format!("{name} would be told ({door})"),
            State::NotSetUp(why) => format!("{name} was not told, since it is not set up: {why}"),
            State::Wrong(why) => format!("{name} was not told: {why}; correct it"),
            State::Failed { why, help } => format!("{name} was not told ({door}): {why}; {help}"),
        }
    }

    fn object(&self) -> Value {
        let (state, why) = match &self.state {
            State::Told => ("told", None),
            State::WouldBeTold => ("would be told", None),
            State::NotSetUp(why) => ("not set up", Some(why)),
            State::Wrong(why) => ("wrong", Some(why)),
            State::Failed { why, .. } => ("failed", Some(why)),
        };
        json!({"name": self.name, "state": state, "why": why})
    }
}

fn show(rows: &[Row], message: &Message, format: Format, outlet: &Outlet) {
    let text = message.text(None);
    match format {
        Format::Json => outlet.json(&json!({
            "apiVersion": lucid_report::result::VERSION, "kind": "Notified", "event": message.event, "text": text,
            "receivers": rows.iter().map(Row::object).collect::<Vec<_>>(),
        })),
        Format::Text => {
            outlet.result(&format!("{text}\n"));
            for row in rows {
                outlet.result(&format!("  {}\n", row.line()));
            }
            if rows.is_empty() {
                outlet.result("  nobody is to be told of it: `spec.notifications` of lucid.yaml says who is\n");
            }
        }
    }
}

fn verdict(rows: &[Row], strict: bool) -> Exit {
    let has = |is: fn(&State) -> bool| rows.iter().any(|row| is(&row.state));
    if has(|state| matches!(state, State::Failed { .. })) {
        return Exit::Failed;
    }
    match has(|state| matches!(state, State::Wrong(_))) || (strict && has(|state| matches!(state, State::NotSetUp(_))))
    {
        true => Exit::Usage,
        false => Exit::Done,
    }
}
