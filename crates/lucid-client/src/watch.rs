//! One WATCH request: a stream of JSON lines.

use futures::stream::{self, Stream};
use http_body_util::BodyExt;
use kube::client::Body;
use serde_json::Value;

use crate::error::{Error, Result};
use crate::objects::{ListKind, doing_list, typed};
use crate::request::{ApiClient, Call};
use crate::target::Target;

/// What a watch says.
#[derive(Debug)]
pub(crate) enum Event {
    Set(Value),
    Removed(Value),
    /// Nothing happened up to this version.
    Bookmark(String),
    /// The server ends the watch with a Status, mostly 410.
    Error(Error),
}

/// A line longer than this is no event of any API server (objects end at 3 MiB).
const LINE_LIMIT: usize = 64 << 20;

impl ApiClient {
    pub(crate) async fn watch(
        &self,
        target: &Target,
        kind: ListKind,
        version: &str,
    ) -> Result<impl Stream<Item = Event> + Send + use<>> {
        let doing = doing_list(target).replacen("list", "watch", 1);
        let mut call = Call { accept: kind.watch_accept(), ..Call::get(target.path(), doing) };
        call.query = vec![
            ("watch", "true".into()),
            ("allowWatchBookmarks", "true".into()),
            ("resourceVersion", version.into()),
            // Ends before any proxy's idle limit; a new one follows at once.
            ("timeoutSeconds", "290".into()),
        ];
        let response = self.open(&call).await?;
        let lines = Lines { body: response.into_body(), buffer: Vec::new() };
        let state = (lines, target.clone(), call.doing);
        Ok(stream::unfold(state, |(mut lines, target, doing)| async move {
            let event = match lines.next().await? {
                Ok(line) => parse(&line, &target, &doing),
                Err(cause) => Event::Error(Error::Transport { doing: doing.clone(), cause }),
            };
            Some((event, (lines, target, doing)))
        }))
    }
}

struct Lines {
    body: Body,
    buffer: Vec<u8>,
}

impl Lines {
    async fn next(&mut self) -> Option<Result<Vec<u8>, String>> {
        loop {
            if let Some(end) = self.buffer.iter().position(|byte| *byte == b'\n') {
                let rest = self.buffer.split_off(end + 1);
                let line = std::mem::replace(&mut self.buffer, rest);
                return Some(Ok(line));
            }
            if self.buffer.len() > LINE_LIMIT {
                return Some(Err("a line of the watch is too long".into()));
            }
            match self.body.frame().await? {
                Ok(frame) => self.buffer.extend_from_slice(frame.data_ref().map_or(&[][..], |data| data)),
                Err(error) => return Some(Err(error.to_string())),
            }
        }
    }
}

fn parse(line: &[u8], target: &Target, doing: &str) -> Event {
    let mut event: Value = match serde_json::from_slice(line) {
        Ok(event) => event,
        Err(error) => {
            return Event::Error(Error::Answer {
                doing: doing.into(),
                cause: format!("an event is not JSON: {error}"),
            });
        }
    };
    let object = event.get_mut("object").map(Value::take).unwrap_or_default();
    match event.get("type").and_then(Value::as_str) {
        Some("ADDED" | "MODIFIED") => Event::Set(typed(object, target)),
        Some("DELETED") => Event::Removed(typed(object, target)),
        Some("BOOKMARK") => {
            let version = object.pointer("/metadata/resourceVersion").and_then(Value::as_str);
            Event::Bookmark(version.unwrap_or_default().to_owned())
        }
        _ => {
            let code =
                object.get("code").and_then(Value::as_u64).and_then(|code| u16::try_from(code).ok()).unwrap_or(500);
            Event::Error(Error::Status { doing: doing.into(), code, status: Box::new(object), retry_after: None })
        }
    }
}
