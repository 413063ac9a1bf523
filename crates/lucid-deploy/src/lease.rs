//! The lock of a release: a Lease with an epoch.
//!
//! A Lease gives no mutual exclusion by itself (whoever is paused may wake and write), so every holder has an epoch that
//! stands on what it writes. A holder renews every 2 s; a Lease that an observer sees unchanged for 6 s by its own clock
//! is dead, and one whose process on this very host is gone is dead at once.

use std::time::Duration;

use jiff::Timestamp;
use lucid_client::{ApiClient, Error, Result, Target};
use lucid_object::{Finding, Gvk};
use lucid_release::names::{self, FIELD_MANAGER};
use serde_json::{Value, json};

const RENEW: Duration = Duration::from_secs(2);
const DEAD_AFTER: Duration = Duration::from_secs(6);
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// Annotation: what the holder is doing, for the one who finds the lock taken.
const DOING: &str = "lucid.dev/doing";

/// Who holds a lock: readable, and precise enough to tell on the same host whether it still lives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    pub who: String,
    /// `host/boot id/pid/start time`.
    pub process: String,
}

impl Identity {
    /// This process, for this user.
    pub fn of_this_process() -> Self {
        let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default().trim().to_owned();
        let host = read("/proc/sys/kernel/hostname");
        let user = ["GITHUB_ACTOR", "USER", "LOGNAME"].iter().find_map(|name| std::env::var(name).ok());
        let pid = std::process::id();
        let started = start_time(pid).unwrap_or_default();
        let process = format!("{host}/{}/{pid}/{started}", read("/proc/sys/kernel/random/boot_id"));
        Self { who: format!("{}@{host}", user.unwrap_or_else(|| "unknown".into())), process }
    }

    fn to_holder(&self) -> String {
        format!("{} {}", self.who, self.process)
    }

    fn from_holder(text: &str) -> Self {
        let (who, process) = text.split_once(' ').unwrap_or((text, ""));
        Self { who: who.into(), process: process.into() }
    }

    /// The holder ran on this host, in this boot, and is gone.
    fn is_surely_dead(&self, own: &Self) -> bool {
        let parts = |text: &str| text.split('/').map(str::to_owned).collect::<Vec<_>>();
        match (&parts(&self.process)[..], &parts(&own.process)[..]) {
            ([host, boot, pid, started], [own_host, own_boot, ..]) if host == own_host && boot == own_boot => {
                pid.parse().ok().and_then(start_time).as_ref() != Some(started)
            }
            _ => false,
        }
    }
}

/// Clock ticks after boot when a process started; field 22 of its stat line, counted after the command in brackets.
fn start_time(pid: u32) -> Option<String> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit_once(')')?.1.split_whitespace().nth(19).map(str::to_owned)
}

/// A lock that is held.
pub struct Held {
    client: ApiClient,
    target: Target,
    name: String,
    lease: Value,
    pub epoch: u64,
    /// When it was taken, by the server's clock in seconds since 1970.
    pub since: i64,
    /// The holder before us has not given it back: it died, or will find out that it lost it.
    pub took_over: bool,
}

/// Why there is no lock.
#[derive(Debug)]
pub enum NotHeld {
    /// Someone else deploys right now.
    Busy(Finding),
    Client(Error),
}

impl From<Error> for NotHeld {
    fn from(error: Error) -> Self {
        Self::Client(error)
    }
}

fn target(namespace: &str) -> Target {
    Target::new(Gvk::new("coordination.k8s.io", "v1", "Lease"), "leases", Some(namespace))
}

/// The lock is ours to take: what it looked like, and the epoch that taking it will give.
#[derive(Debug)]
pub struct Turn {
    lease: Option<Value>,
    pub epoch: u64,
}

/// Waits until the lock is free or its holder is dead; reads only.
///
/// # Errors
/// [`NotHeld::Busy`] names the living holder.
pub async fn wait_for_turn(
    client: &ApiClient,
    namespace: &str,
    release: &str,
    own: &Identity,
) -> Result<Turn, NotHeld> {
    let (target, name) = (target(namespace), names::lease(release));
    let mut seen: Option<(String, tokio::time::Instant)> = None;
    loop {
        let lease = match client.get(&target, &name).await {
            Ok(lease) => lease,
            Err(error) if error.is_not_found() => return Ok(Turn { lease: None, epoch: 1 }),
            Err(error) => return Err(error.into()),
        };
        let (holder, version) = (holder_of(&lease), version_of(&lease));
        let is_free = holder.as_ref().is_none_or(|holder| holder == own || holder.is_surely_dead(own));
        let is_stale = seen.as_ref().is_some_and(|(old, since)| *old == version && since.elapsed() >= DEAD_AFTER);
        if is_free || is_stale {
            return Ok(Turn { epoch: epoch_of(&lease) + 1, lease: Some(lease) });
        }
        match &seen {
            None => seen = Some((version, tokio::time::Instant::now())),
            Some((old, _)) if *old == version => {}
            // It moved while we looked: its holder lives.
            Some(_) => return Err(NotHeld::Busy(busy(&lease, namespace))),
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

impl Turn {
    /// Takes the lock as it was seen. `None`: someone was quicker, and what was planned meanwhile is void.
    ///
    /// # Errors
    /// When the server does not take the write.
    pub async fn claim(
        self,
        client: &ApiClient,
        namespace: &str,
        release: &str,
        own: &Identity,
        doing: &str,
        now: Timestamp,
    ) -> lucid_client::Result<Option<Held>> {
        let (target, name) = (target(namespace), names::lease(release));
        let took_over = self.lease.as_ref().is_some_and(|lease| holder_of(lease).is_some());
        let bare = json!({"metadata": {"name": name, "namespace": namespace}});
        let is_new = self.lease.is_none();
        let wanted = fill(self.lease.unwrap_or(bare), own, doing, self.epoch, now);
        for _ in 0..ATTEMPTS {
            let written = match is_new {
                true => client.create(&target, &wanted, FIELD_MANAGER).await,
                false => client.replace(&target, &name, &wanted, FIELD_MANAGER).await,
            };
            let error = match written {
                Ok(lease) => return Ok(Some(held(client, target, name, lease, now, took_over))),
                Err(error) if error.is_conflict() || error.is_transient() => error,
                Err(error) => return Err(error),
            };
            // It may have been taken all the same, by us: then the answer was lost.
            let lease = match client.get(&target, &name).await {
                Err(error) if error.is_not_found() => None,
                result => Some(result?),
            };
            match lease {
                Some(lease) if epoch_of(&lease) == self.epoch && holder_of(&lease).as_ref() == Some(own) => {
                    return Ok(Some(held(client, target, name, lease, now, took_over)));
                }
                Some(lease) if is_new || version_of(&lease) != version_of(&wanted) => return Ok(None),
                _ => tracing::warn!(%error, "the Lease could not be taken"),
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
        Ok(None)
    }
}

/// How often taking the lock is tried when the server does not answer as it should.
const ATTEMPTS: usize = 5;

fn held(client: &ApiClient, target: Target, name: String, lease: Value, now: Timestamp, took_over: bool) -> Held {
    let since = written_at(&lease).unwrap_or(now).as_second();
    Held { client: client.clone(), target, name, epoch: epoch_of(&lease), lease, since, took_over }
}

/// When the server took the last write of an object, by its own clock.
fn written_at(object: &Value) -> Option<Timestamp> {
    let entries = object.pointer("/metadata/managedFields")?.as_array()?;
    entries.iter().filter_map(|entry| entry.get("time")?.as_str()?.parse().ok()).max()
}

fn fill(mut lease: Value, own: &Identity, doing: &str, epoch: u64, now: Timestamp) -> Value {
    lease["apiVersion"] = "coordination.k8s.io/v1".into();
    lease["kind"] = "Lease".into();
    lease["metadata"]["annotations"][DOING] = doing.into();
    lease["spec"] = json!({
        "holderIdentity": own.to_holder(), "leaseTransitions": epoch, "leaseDurationSeconds": DEAD_AFTER.as_secs(),
        "acquireTime": micro_time(now), "renewTime": micro_time(now),
    });
    lease
}

/// RFC 3339 with six decimals, as `metav1.MicroTime` wants it.
fn micro_time(time: Timestamp) -> String {
    format!("{time:.6}")
}

fn holder_of(lease: &Value) -> Option<Identity> {
    let text = lease.pointer("/spec/holderIdentity").and_then(Value::as_str).filter(|text| !text.is_empty())?;
    Some(Identity::from_holder(text))
}

fn version_of(lease: &Value) -> String {
    lease.pointer("/metadata/resourceVersion").and_then(Value::as_str).unwrap_or_default().to_owned()
}

fn epoch_of(lease: &Value) -> u64 {
    lease.pointer("/spec/leaseTransitions").and_then(Value::as_u64).unwrap_or(0)
}

fn busy(lease: &Value, namespace: &str) -> Finding {
    let who = holder_of(lease).map_or_else(|| "someone".to_owned(), |holder| holder.who);
    let text = |pointer: &str| lease.pointer(pointer).and_then(Value::as_str).unwrap_or("?").to_owned();
    let doing = text("/metadata/annotations/lucid.dev~1doing");
    let finding = Finding::error(9001, format!("{who} is at work on this release in {namespace}: {doing}"));
    finding
        .seen(format!("since {}, renewed {}", text("/spec/acquireTime"), text("/spec/renewTime")))
        .help("wait for it to end; a run that has died is taken over by itself within 6 s")
}

impl Held {
    /// Renews until the lock is lost; then says who has it. Cancel it by dropping the future.
    pub async fn keep(&mut self, now: impl Fn() -> Timestamp) -> String {
        loop {
            tokio::time::sleep(RENEW).await;
            let mut lease = self.lease.clone();
            lease["spec"]["renewTime"] = micro_time(now()).into();
            match self.client.replace(&self.target, &self.name, &lease, FIELD_MANAGER).await {
                Ok(lease) => self.lease = lease,
                Err(error) if error.is_conflict() || error.is_not_found() => {
                    match self.client.get(&self.target, &self.name).await {
                        // Our own write whose answer was lost, or a bystander's label: still ours.
                        Ok(lease) if epoch_of(&lease) == self.epoch && holder_of(&lease) == holder_of(&self.lease) => {
                            self.lease = lease
                        }
                        Ok(lease) => return holder_of(&lease).map_or_else(|| "nobody".into(), |holder| holder.who),
                        Err(_) => return "nobody: the Lease is gone".into(),
                    }
                }
                Err(error) => tracing::warn!(%error, "the Lease could not be renewed"),
            }
        }
    }

    /// Takes the Lease away, because there is no release any more.
    pub async fn remove(self) {
        let uid = self.lease.pointer("/metadata/uid").and_then(Value::as_str).unwrap_or_default();
        if let Err(error) = self.client.delete(&self.target, &self.name, uid).await {
            tracing::warn!(%error, "the Lease could not be removed");
        }
    }

    /// Gives the lock back; the epoch stays, so that the next holder's is larger.
    pub async fn give_back(mut self) {
        self.lease["spec"]["holderIdentity"] = "".into();
        for _ in 0..2 {
            match self.client.replace(&self.target, &self.name, &self.lease, FIELD_MANAGER).await {
                Ok(_) => return,
                Err(error) => tracing::warn!(%error, "the Lease could not be given back"),
            }
            match self.client.get(&self.target, &self.name).await {
                Ok(lease) if epoch_of(&lease) == self.epoch => {
                    self.lease = lease;
                    self.lease["spec"]["holderIdentity"] = "".into();
                }
                _ => return,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_that_is_gone_is_dead_and_this_one_is_not() {
        let own = Identity::of_this_process();
        assert!(!own.is_surely_dead(&own));
        let mut parts: Vec<&str> = own.process.split('/').collect();
        parts[3] = "1";
        let gone = Identity { who: "x".into(), process: parts.join("/") };
        assert!(gone.is_surely_dead(&own));
    }

    #[test]
    fn of_another_host_nothing_is_known() {
        let own = Identity::of_this_process();
        let other = Identity { who: "x".into(), process: "elsewhere/boot/1/1".into() };
        assert!(!other.is_surely_dead(&own));
    }

    #[test]
    fn a_holder_survives_the_round_trip() {
        let own = Identity::of_this_process();
        assert_eq!(Identity::from_holder(&own.to_holder()), own);
    }
}
