//! Who has to look at a change: the watches of controllers, scheduler and kubelets.

use std::time::Duration;

use serde_json::Value;

use lucid_object::LabelSelector;

use crate::controllers::{expiry, node};
use crate::json::Json;
use crate::kinds::Table;
use crate::store::{Change, Key, Reader};
use crate::world::{Actor, World};

const JOB_BATCH: Duration = Duration::from_secs(1);

pub(crate) fn route(world: &mut World, change: &Change) {
    let key = Key::of(change.object());
    if let Some(actor) = own_actor(change.table) {
        match actor == Actor::Job && !is_new_wish(change) {
            true => wake_job(world, key.clone()),
            false => wake(world, actor, key.clone()),
        }
    }
    wake_owners(world, change.object());
    match change.table {
        Table::PODS => pod(world, change, &key),
        Table::SERVICES if change.new.is_none() => wake(world, Actor::Endpoints, key.clone()),
        Table::VOLUMES | Table::STORAGE_CLASSES => wake_all(world, Table::CLAIMS, Actor::Claim),
        Table::CLAIMS => wake_pending_pods(world, Some(&key.namespace)),
        Table::NODES => {
            if taints(change.old.as_deref()) != taints(change.new.as_deref()) {
                node::taints_changed(world, &key.name);
            }
            wake_pending_pods(world, None);
            wake_all(world, Table::DAEMON_SETS, Actor::DaemonSet);
        }
        _ => {}
    }
    if change.table == Table::EVENTS && change.new.is_some() {
        expiry::renew(world, &key);
    }
    quotas(world, &key.namespace);
    garbage(world, change, key);
}

fn taints(node: Option<&Value>) -> &[Value] {
    node.map_or(&[], |node| node.list("spec/taints"))
}

/// Whatever changes in a namespace may change what is used there.
fn quotas(world: &mut World, namespace: &str) {
    let keys: Vec<Key> = world.store.list_in(Table::QUOTAS, namespace).map(|quota| Key::of(quota)).collect();
    keys.into_iter().for_each(|key| wake(world, Actor::Quota, key));
}

fn own_actor(table: Table) -> Option<Actor> {
    Some(match table {
        Table::NAMESPACES => Actor::Namespace,
        Table::DEPLOYMENTS => Actor::Deployment,
        Table::REPLICA_SETS => Actor::ReplicaSet,
        Table::CONTROLLERS => Actor::ReplicationController,
        Table::STATEFUL_SETS => Actor::StatefulSet,
        Table::DAEMON_SETS => Actor::DaemonSet,
        Table::JOBS => Actor::Job,
        Table::CRON_JOBS => Actor::CronJob,
        Table::CLAIMS => Actor::Claim,
        Table::SERVICES => Actor::Endpoints,
        Table::BUDGETS => Actor::Budget,
        Table::AUTOSCALERS => Actor::Autoscaler,
        Table::DEFINITIONS => Actor::Definition,
        Table::SERVICE_ACCOUNTS => Actor::ServiceAccount,
        Table::QUOTAS => Actor::Quota,
        Table::MIGRATIONS => Actor::Migration,
        _ => return None,
    })
}

pub(crate) fn wake(world: &mut World, actor: Actor, key: Key) {
    // ReplicaSets are quicker than the Deployment above them, which otherwise acts on counts that its own last step has
    // made wrong and takes away more pods than it may. The real one can do that too, but needs an odd moment for it.
    let lag = match actor {
        Actor::ReplicaSet => world.chooser.between(Duration::from_millis(1), Duration::from_millis(3)),
        Actor::Deployment => world.chooser.between(Duration::from_millis(4), Duration::from_millis(14)),
        // Autoscalers are looked at in turn, whatever happens.
        Actor::Autoscaler => Duration::from_secs(15),
        _ => world.soon(),
    };
    match actor.reader() {
        Some(reader) => {
            let known = world.store.known_at(reader).max(world.now());
            world.queue.wake(known + lag, actor, key);
        }
        None => world.queue.push(world.now() + lag, actor, key),
    }
}

fn wake_owners(world: &mut World, object: &Value) {
    let Some(owner) = object.controller() else { return };
    let actor = match owner.str("kind") {
        "Deployment" => Actor::Deployment,
        "ReplicaSet" => Actor::ReplicaSet,
        "ReplicationController" => Actor::ReplicationController,
        "StatefulSet" => Actor::StatefulSet,
        "DaemonSet" => Actor::DaemonSet,
        "Job" => Actor::Job,
        "CronJob" => Actor::CronJob,
        _ => return,
    };
    let key = Key::new(object.namespace(), owner.str("name"));
    match actor {
        Actor::Job => wake_job(world, key),
        _ => wake(world, actor, key),
    }
}

/// The real controller gathers what happens to pods and statuses for a second.
fn wake_job(world: &mut World, key: Key) {
    let known = world.store.known_at(Reader::Controllers).max(world.now());
    let at = known + JOB_BATCH + world.soon();
    world.queue.wake(at, Actor::Job, key);
}

fn is_new_wish(change: &Change) -> bool {
    match (&change.old, &change.new) {
        (Some(old), Some(new)) => old.generation() != new.generation() || old.is_deleting() != new.is_deleting(),
        _ => true,
    }
}

fn pod(world: &mut World, change: &Change, key: &Key) {
    let pod = change.object().clone();
    if pod.str("spec/nodeName").is_empty() {
        wake(world, Actor::Scheduler, key.clone());
    } else {
        wake(world, Actor::Kubelet, key.clone());
        if !node::evicting(world, pod.str("spec/nodeName")).is_empty() {
            wake(world, Actor::Eviction, key.clone());
        }
    }
    if freed_capacity(change) {
        wake_pending_pods(world, None);
    }
    wake_matching(world, &pod, Table::SERVICES, Actor::Endpoints, |o| {
        Some(LabelSelector::from_map(o.at("spec/selector")))
    });
    wake_matching(world, &pod, Table::BUDGETS, Actor::Budget, |o| LabelSelector::from_value(o.at("spec/selector")));
}

fn freed_capacity(change: &Change) -> bool {
    let scheduled = !change.object().str("spec/nodeName").is_empty();
    let over = |phase: &str| matches!(phase, "Succeeded" | "Failed");
    let ended = match (&change.old, &change.new) {
        (Some(old), Some(new)) => !over(old.str("status/phase")) && over(new.str("status/phase")),
        (Some(_), None) => true,
        _ => false,
    };
    scheduled && ended
}

/// Objects of the pod's namespace whose selector picks it.
fn wake_matching(
    world: &mut World,
    pod: &Value,
    table: Table,
    actor: Actor,
    selector: impl Fn(&Value) -> Option<LabelSelector>,
) {
    let labels = pod.labels();
    let picks = |object: &Value| selector(object).is_some_and(|s| !s.is_empty() && s.matches(&labels));
    let objects = world.store.list_in(table, pod.namespace()).filter(|object| picks(object));
    let keys: Vec<Key> = objects.map(|object| Key::of(object)).collect();
    keys.into_iter().for_each(|key| wake(world, actor, key));
}

fn wake_all(world: &mut World, table: Table, actor: Actor) {
    let keys: Vec<Key> = world.store.list(table).map(|object| Key::of(object)).collect();
    keys.into_iter().for_each(|key| wake(world, actor, key));
}

fn wake_pending_pods(world: &mut World, namespace: Option<&str>) {
    let pending = |pod: &Value| pod.str("spec/nodeName").is_empty() && namespace.is_none_or(|n| n == pod.namespace());
    let keys: Vec<Key> = world
        .scheduling
        .iter()
        .filter(|key| world.store.get(Table::PODS, &key.namespace, &key.name).is_some_and(|p| pending(p)))
        .cloned()
        .collect();
    keys.into_iter().for_each(|key| wake(world, Actor::Scheduler, key));
}

/// Deletions concern whoever depends on the object; marked objects, the collector itself.
fn garbage(world: &mut World, change: &Change, key: Key) {
    let object = change.object();
    match &change.new {
        None if !world.store.owned_by(object.uid()).is_empty() => {
            wake(world, Actor::Garbage, Key::new("", object.uid()));
        }
        Some(new) if new.is_deleting() && !new.list("metadata/finalizers").is_empty() => {
            wake(world, Actor::Garbage, Key::new("", object.uid()));
        }
        Some(new) if change.old.is_none() && !new.list("metadata/ownerReferences").is_empty() => {
            wake(world, Actor::Garbage, Key::new("", object.uid()));
        }
        _ => {}
    }
    if change.new.is_none() {
        for owner in object.list("metadata/ownerReferences") {
            if let Some((_, found)) = world.store.by_uid(owner.str("uid"))
                && found.is_deleting()
            {
                let uid = owner.str("uid").to_owned();
                wake(world, Actor::Garbage, Key::new("", &uid));
            }
        }
        if let Some(namespace) = world.store.get(Table::NAMESPACES, "", &key.namespace)
            && namespace.is_deleting()
        {
            wake(world, Actor::Namespace, Key::new("", &key.namespace));
        }
    }
}
