//! WATCH: what happened since a revision, then whatever happens.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::mpsc::unbounded_channel;

use crate::api::format::encode_event;
use crate::api::path::Target;
use crate::api::select::Selection;
use crate::api::{Reply, Request, read};
use crate::error::ApiError;
use crate::kinds::Kind;
use crate::world::World;
use crate::world::watchers::{Watcher, bookmark, seen};

pub(crate) fn open(world: &mut World, kind: &Arc<Kind>, target: &Target, request: &Request) -> Result<Reply, ApiError> {
    let format = read::format_of(request)?;
    let selection = Selection::of(kind, target, &request.query)?;
    let (sender, chunks) = unbounded_channel::<Bytes>();
    let timeout = request.query.number("timeoutSeconds").filter(|seconds| *seconds > 0).map(Duration::from_secs);
    let watcher =
        Watcher { kind: kind.clone(), selection, format, bookmarks: request.query.flag("allowWatchBookmarks"), sender };
    let from = request.query.get("resourceVersion").to_owned();
    let initial = match request.query.has("sendInitialEvents") {
        true => request.query.flag("sendInitialEvents"),
        false => matches!(from.as_str(), "" | "0"),
    };
    // The receiver is at hand, so sending cannot fail before this function returns.
    if initial {
        send_all(world, &watcher, request.query.has("sendInitialEvents"));
    } else if !matches!(from.as_str(), "" | "0") {
        let Ok(from) = from.parse::<u64>() else {
            return Err(ApiError::bad_request(format!(
                "Invalid value: {from:?}: strconv.ParseUint: parsing {from:?}: invalid syntax"
            )));
        };
        if from > world.store.revision() {
            return Err(ApiError::too_new(from, world.store.revision()));
        }
        if from < world.store.compacted() {
            let _ = watcher.sender.send(expired(from, world.store.compacted(), kind));
            return Ok(Reply::stream(chunks, timeout));
        }
        for change in world.store.since(from).filter(|change| change.table == kind.table) {
            if let Some((event, object)) = seen(&watcher, change) {
                let _ = watcher.sender.send(encode_event(event, &object, kind, format, world.seconds()));
            }
        }
    }
    world.watchers.add(watcher);
    Ok(Reply::stream(chunks, timeout))
}

/// The present state as a run of additions, closed by a bookmark where the client asked for the list this way.
fn send_all(world: &World, watcher: &Watcher, close: bool) {
    for object in world.store.list(watcher.kind.table).filter(|object| watcher.selection.matches(object)) {
        let _ = watcher.sender.send(encode_event("ADDED", object, &watcher.kind, watcher.format, world.seconds()));
    }
    if close {
        let _ = watcher.sender.send(bookmark(&watcher.kind, world.store.revision(), watcher.format, true));
    }
}

fn expired(from: u64, oldest: u64, kind: &Kind) -> Bytes {
    let error = ApiError::gone(format!("too old resource version: {from} ({oldest})"));
    encode_event("ERROR", &Arc::new(error.body()), kind, crate::api::format::Format::Full, 0)
}
