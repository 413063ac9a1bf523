//! A kind, followed: one LIST, then one WATCH, renewed for as long as someone listens.

use std::time::Duration;

use futures::StreamExt;
use futures::stream::{self, BoxStream};
use serde_json::Value;

use crate::error::Error;
use crate::objects::ListKind;
use crate::request::ApiClient;
use crate::target::Target;
use crate::watch::Event;

/// What happened to the objects of a target.
#[derive(Debug)]
pub enum Change {
    /// All of them, from a new LIST; what is not among them is gone.
    Replace(Vec<Value>),
    Set(Value),
    Removed(Value),
    /// The server cannot be asked right now; following goes on.
    Trouble(Error),
}

enum State {
    List,
    Watch { version: String },
    Watching { version: String, events: BoxStream<'static, Event> },
}

/// Follows a target from a version that was listed before, or from a LIST of its own.
pub fn follow(client: ApiClient, target: Target, kind: ListKind, from: Option<String>) -> BoxStream<'static, Change> {
    let state = from.map_or(State::List, |version| State::Watch { version });
    let follower = Follower { client, target, kind, failures: 0 };
    stream::unfold((follower, state), |(mut follower, mut state)| async move {
        loop {
            let (change, next) = follower.step(state).await;
            match change {
                Some(change) => return Some((change, (follower, next))),
                None => state = next,
            }
        }
    })
    .boxed()
}

struct Follower {
    client: ApiClient,
    target: Target,
    kind: ListKind,
    failures: u32,
}

impl Follower {
    async fn step(&mut self, state: State) -> (Option<Change>, State) {
        match state {
            State::List => match self.client.list(&self.target, self.kind).await {
                Ok(listed) => {
                    self.failures = 0;
                    (Some(Change::Replace(listed.items)), State::Watch { version: listed.resource_version })
                }
                Err(error) => (Some(self.trouble(error).await), State::List),
            },
            State::Watch { version } => match self.client.watch(&self.target, self.kind, &version).await {
                Ok(events) => (None, State::Watching { version, events: events.boxed() }),
                Err(error) if error.is_gone() => (None, State::List),
                Err(error) => (Some(self.trouble(error).await), State::Watch { version }),
            },
            State::Watching { version, mut events } => match events.next().await {
                None => (None, State::Watch { version }),
                Some(event) => self.receive(event, version, events).await,
            },
        }
    }

    async fn receive(
        &mut self,
        event: Event,
        version: String,
        events: BoxStream<'static, Event>,
    ) -> (Option<Change>, State) {
        match event {
            Event::Set(object) => {
                self.failures = 0;
                let version = version_of(&object).unwrap_or(version);
                (Some(Change::Set(object)), State::Watching { version, events })
            }
            Event::Removed(object) => {
                let version = version_of(&object).unwrap_or(version);
                (Some(Change::Removed(object)), State::Watching { version, events })
            }
            Event::Bookmark(version) => (None, State::Watching { version, events }),
            Event::Error(error) if error.is_gone() => (None, State::List),
            Event::Error(error) => (Some(self.trouble(error).await), State::Watch { version }),
        }
    }

    /// Waits before the next try: longer each time, never longer than a few seconds.
    async fn trouble(&mut self, error: Error) -> Change {
        self.failures += 1;
        let pause = Duration::from_millis(200 << self.failures.min(4));
        tokio::time::sleep(pause).await;
        Change::Trouble(error)
    }
}

fn version_of(object: &Value) -> Option<String> {
    Some(object.pointer("/metadata/resourceVersion")?.as_str()?.to_owned())
}
