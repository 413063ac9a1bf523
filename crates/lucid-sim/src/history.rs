//! What has happened, from the server's side: every request that would change something, and every change.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

/// A change as it was committed.
#[derive(Debug, Clone)]
pub struct Commit {
    pub revision: u64,
    pub at: Duration,
    /// The client whose request it was; none when a part of the cluster made it.
    pub client: Option<u32>,
    /// `deployments.apps`, `pods`.
    pub resource: String,
    pub old: Option<Arc<Value>>,
    /// None when the object was deleted.
    pub new: Option<Arc<Value>>,
}

impl Commit {
    pub fn object(&self) -> &Value {
        self.new.as_deref().or(self.old.as_deref()).unwrap_or(&Value::Null)
    }
}

/// A request of a client with a door of its own that would change something.
#[derive(Debug, Clone)]
pub struct Heard {
    pub at: Duration,
    pub client: u32,
    pub method: String,
    pub path: String,
    pub body: Value,
    /// The status code; none when the request never arrived.
    pub code: Option<u16>,
}

/// Both, in order.
#[derive(Debug, Clone, Default)]
pub struct History {
    pub commits: Vec<Commit>,
    pub requests: Vec<Heard>,
}
