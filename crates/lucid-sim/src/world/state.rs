//! A cluster as a document: everything that the store holds, written down and taken up again.

use serde_json::{Value, json};

use crate::config::Config;
use crate::json::Json;
use crate::kinds::Table;
use crate::store::Change;
use crate::time;
use crate::world::{World, addresses, routes};

/// By which a saved cluster is known.
pub const FORMAT: &str = "lucid.dev/sim-state/v1";

pub(crate) fn save(world: &World) -> Value {
    let mut tables: Vec<Table> = world.kinds.iter().map(|kind| kind.table).collect();
    tables.sort_unstable();
    tables.dedup();
    // What makes kinds comes before what is of these kinds.
    tables.sort_by_key(|table| *table != Table::DEFINITIONS);
    let objects: Vec<&Value> = tables.iter().flat_map(|table| world.store.list(*table)).map(AsRef::as_ref).collect();
    json!({"format": FORMAT, "revision": world.store.revision(), "time": world.stamp(), "objects": objects})
}

/// The saved cluster, at the time that the configuration says, but never before it was saved.
pub(crate) fn load(config: Config, mut state: Value) -> Result<World, String> {
    if state.str("format") != FORMAT {
        return Err(format!("this is no saved cluster: format is {:?}, not {FORMAT:?}", state.str("format")));
    }
    let saved = time::parse_seconds(state.str("time")).ok_or("the saved cluster does not say its time")?;
    let revision = state.at("revision").as_u64().ok_or("the saved cluster does not say its revision")?;
    let mut config = config;
    config.start = config.start.max(saved);
    // No identity is drawn twice.
    config.seed ^= revision.rotate_left(32);
    let mut world = World::empty(config);
    // Moved, not copied: it may be a large cluster.
    let Value::Array(objects) = state["objects"].take() else { return Err("the saved cluster has no objects".into()) };
    for object in objects {
        restore(&mut world, object)?;
    }
    world.store.resume(revision);
    let tables: Vec<Table> = world.kinds.iter().map(|kind| kind.table).collect();
    let all: Vec<_> = tables
        .into_iter()
        .flat_map(|table| world.store.list(table).cloned().map(move |o| (table, o)).collect::<Vec<_>>())
        .collect();
    for (table, object) in all {
        routes::route(&mut world, &Change { revision, table, old: None, new: Some(object) });
    }
    Ok(world)
}

fn restore(world: &mut World, object: Value) -> Result<(), String> {
    let (version, name) = (object.str("apiVersion"), object.str("kind"));
    let kind = world.kinds.by_kind(version, name).ok_or_else(|| format!("no such kind: {version} {name}"))?;
    let table = kind.table;
    match table {
        Table::DEFINITIONS if object.condition("Established") == "True" => world.kinds.define(&object),
        Table::SERVICES => claim(world, &object),
        _ => {}
    }
    world.store.restore(table, object);
    Ok(())
}

fn claim(world: &mut World, service: &Value) {
    if let Some(address) = addresses::parse(service.str("spec/clusterIP")) {
        world.addresses.claim_service(address);
    }
    let ports = service.list("spec/ports").iter().map(|port| port.int("nodePort"));
    let ports = ports.chain([service.int("spec/healthCheckNodePort")]).filter_map(|port| u16::try_from(port).ok());
    ports.filter(|port| *port > 0).for_each(|port| world.addresses.claim_port(port));
}
