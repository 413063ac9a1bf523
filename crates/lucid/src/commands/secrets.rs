//! `lucid secrets`: first-time Secrets, and which of them are missing.

mod generate;

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use lucid_client::{ApiClient, Target};
use lucid_release::names::{FIELD_MANAGER, RELEASE_LABEL};
use lucid_release::{KeySpec, ReleaseFile, SecretSpec};
use serde_json::{Value, json};

use crate::cli::{Format, Global, Secrets, SecretsCommand};
use crate::commands::{connect, runtime};
use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::manifests;
use crate::output::Outlet;

pub(crate) fn run(global: &Global, args: &Secrets, outlet: &Outlet) -> Result<Exit> {
    let (_, release) = manifests::release_file(global)?;
    runtime()?.block_on(async {
        let client = connect(global).await?.client;
        match &args.command {
            SecretsCommand::Init(init) => run_init(&client, &release, init.dry_run, outlet).await,
            SecretsCommand::Check(check) => run_check(&client, &release, check.output, outlet).await,
        }
    })
}

/// A declared Secret beside what the cluster has.
struct State<'a> {
    spec: &'a SecretSpec,
    namespace: &'a str,
    live: Option<Value>,
}

impl State<'_> {
    fn target(&self) -> Target {
        Target::core("Secret", "secrets", Some(self.namespace))
    }

    fn has(&self, key: &str) -> bool {
        self.live.as_ref().and_then(|live| live.get("data")?.get(key)).is_some()
    }

    fn missing(&self) -> impl Iterator<Item = (&String, &KeySpec)> {
        self.spec.keys.iter().filter(|(key, _)| !self.has(key))
    }

    fn shown(&self) -> String {
        format!("{}/{}", self.namespace, self.spec.name)
    }
}

async fn look<'a>(client: &ApiClient, release: &'a ReleaseFile) -> Result<Vec<State<'a>>> {
    let mut states = Vec::new();
    for spec in &release.spec.secrets {
        let namespace = spec.namespace.as_deref().unwrap_or(&release.spec.namespace);
        let mut state = State { spec, namespace, live: None };
        state.live = match client.get(&state.target(), &spec.name).await {
            Ok(live) => Some(live),
            Err(error) if error.is_not_found() => None,
            Err(error) => return Err(error.into()),
        };
        states.push(state);
    }
    Ok(states)
}

async fn run_init(client: &ApiClient, release: &ReleaseFile, dry_run: bool, outlet: &Outlet) -> Result<Exit> {
    let states = look(client, release).await?;
    let mut outside = Vec::new();
    // Values made in this run, for the keys that copy them. They live only as long as this function.
    let mut values: BTreeMap<String, String> = known(&states);
    for state in &states {
        let made = make(state, &values)?;
        values.extend(made.iter().map(|(key, value)| (format!("{}/{key}", state.shown()), value.clone())));
        let keys: Vec<&str> = made.keys().map(String::as_str).collect();
        let left: Vec<&str> =
            state.missing().map(|(key, _)| key.as_str()).filter(|key| !made.contains_key(*key)).collect();
        if !made.is_empty() && !dry_run {
            write(client, release, state, &made).await?;
        }
        match (keys.is_empty(), state.live.is_some()) {
            (false, false) => outlet.result(&format!("created   {} ({})\n", state.shown(), keys.join(", "))),
            (false, true) => outlet.result(&format!("completed {} ({})\n", state.shown(), keys.join(", "))),
            (true, true) if left.is_empty() => outlet.result(&format!("unchanged {}\n", state.shown())),
            (true, _) => {}
        }
        if !left.is_empty() {
            outlet.result(&format!("missing   {} ({}): must come from outside\n", state.shown(), left.join(", ")));
            outside.push(state.shown());
        }
    }
    if dry_run {
        outlet.talk("dry run: nothing was created\n");
    }
    if outside.is_empty() {
        return Ok(Exit::Done);
    }
    Err(Failure::new(Exit::Failed, format!("{} Secrets lack keys that are never generated", outside.len()))
        .help("create them with `kubectl create secret generic`, an ExternalSecret or a SealedSecret"))
}

/// The values that the cluster has already, by `namespace/secret/key`.
fn known(states: &[State<'_>]) -> BTreeMap<String, String> {
    let mut values = BTreeMap::new();
    for state in states {
        let data = state.live.as_ref().and_then(|live| live.get("data")?.as_object());
        for (key, value) in data.into_iter().flatten() {
            values.insert(format!("{}/{key}", state.shown()), value.as_str().unwrap_or_default().to_owned());
        }
    }
    values
}

/// The keys that are missing and may be made. Values are in base64, as the API wants them.
fn make(state: &State<'_>, values: &BTreeMap<String, String>) -> Result<BTreeMap<String, String>> {
    let mut made = BTreeMap::new();
    for (key, spec) in state.missing() {
        if made.contains_key(key) {
            continue;
        }
        if let Some(value) = &spec.value {
            made.insert(key.clone(), STANDARD.encode(value));
        } else if let Some(value) = spec.copy.as_ref().and_then(|from| values.get(from)) {
            made.insert(key.clone(), value.clone());
        } else if let (Some(kind), false) = (spec.generate, spec.required) {
            for (key, value) in
                generate::generate(kind, key, &state.spec.name).map_err(|error| Failure::new(Exit::Failed, error))?
            {
                if !state.has(&key) {
                    made.insert(key, STANDARD.encode(value));
                }
            }
        }
    }
    Ok(made)
}

async fn write(
    client: &ApiClient,
    release: &ReleaseFile,
    state: &State<'_>,
    made: &BTreeMap<String, String>,
) -> Result<()> {
    if let Some(live) = &state.live {
        // Only adds keys, and only to the version that was looked at.
        let mut whole = live.clone();
        for (key, value) in made {
            whole["data"][key] = value.clone().into();
        }
        client.replace(&state.target(), &state.spec.name, &whole, FIELD_MANAGER).await?;
        return Ok(());
    }
    ensure_namespace(client, state.namespace).await?;
    let secret = json!({
        "apiVersion": "v1", "kind": "Secret", "type": state.spec.secret_type.as_deref().unwrap_or("Opaque"),
        "metadata": {"name": state.spec.name, "namespace": state.namespace, "labels": {"lucid.dev/secret-of": release.name()}},
        "data": made,
    });
    debug_assert_ne!(
        RELEASE_LABEL, "lucid.dev/secret-of",
        "a Secret made here is not owned by the release, so it is never pruned"
    );
    client.create(&state.target(), &secret, FIELD_MANAGER).await?;
    Ok(())
}

async fn ensure_namespace(client: &ApiClient, name: &str) -> Result<()> {
    let target = Target::core("Namespace", "namespaces", None);
    match client.get(&target, name).await {
        Err(error) if error.is_not_found() => {
            let body = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}});
            client.create(&target, &body, FIELD_MANAGER).await?;
            Ok(())
        }
        Err(error) if !error.is_forbidden() => Err(error.into()),
        _ => Ok(()),
    }
}

async fn run_check(client: &ApiClient, release: &ReleaseFile, format: Format, outlet: &Outlet) -> Result<Exit> {
    let states = look(client, release).await?;
    let rows: Vec<Value> = states
        .iter()
        .map(|state| {
            let missing: Vec<Value> = state
                .missing()
                .map(|(key, spec)| json!({"key": key, "canBeGenerated": spec.can_be_made()}))
                .collect();
            json!({"namespace": state.namespace, "name": state.spec.name, "exists": state.live.is_some(), "missing": missing})
        })
        .collect();
    let complete = states.iter().all(|state| state.missing().next().is_none());
    match format {
        Format::Json => {
            outlet.json(&json!({"apiVersion": lucid_report::result::VERSION, "kind": "SecretsCheck", "secrets": rows}))
        }
        Format::Text => states.iter().for_each(|state| outlet.result(&check_line(state))),
    }
    if complete {
        return Ok(Exit::Done);
    }
    Err(Failure::new(Exit::Failed, "some references have nothing behind them")
        .help("`lucid secrets init` creates what may be generated"))
}

fn check_line(state: &State<'_>) -> String {
    let missing: Vec<String> =
        state
            .missing()
            .map(|(key, spec)| {
                if spec.generate.is_some() && !spec.required {
                    format!("{key} (can be generated)")
                } else {
                    key.clone()
                }
            })
            .collect();
    match (missing.is_empty(), state.live.is_some()) {
        (true, _) => format!("complete {} ({} keys)\n", state.shown(), state.spec.keys.len()),
        (false, true) => format!("lacks    {}: {}\n", state.shown(), missing.join(", ")),
        (false, false) => format!("missing  {}: {}\n", state.shown(), missing.join(", ")),
    }
}
