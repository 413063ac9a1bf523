//! What a stand-in says to a request.

use std::fmt::Write;
use std::time::{SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderValue, Response, StatusCode};
use http_body_util::Full;
use serde_json::{Value, json};

use crate::state::{Health, State};
use crate::token;

pub(crate) type Answer = Response<Full<Bytes>>;

/// On the service's own ports: health, version, and for everything else a word behind the token check.
pub(crate) fn service(state: &State, path: &str, headers: &HeaderMap) -> Answer {
    let service = state.settings.service;
    match path {
        path if path == service.health || path == "/health" => health(state),
        "/version" => json(StatusCode::OK, &about(state)),
        _ => match allowed(state, headers) {
            Ok(()) => json(StatusCode::OK, &about(state)),
            Err(refused) => unauthorized(refused),
        },
    }
}

/// On the port of the metrics, in Prometheus' text format.
pub(crate) fn metrics(state: &State, path: &str) -> Answer {
    if path != "/metrics" {
        return json(StatusCode::NOT_FOUND, &json!({"error": "only /metrics is served here"}));
    }
    let mut response = Response::new(Full::from(exposition(state)));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; version=0.0.4"));
    response
}

/// Peers that are gone are told of and are no reason to be restarted: the health is what this service can do itself.
fn health(state: &State) -> Answer {
    let seen = state.health();
    let code = if seen == Health::Serving { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    if let (Health::Serving, Some(words)) = (seen, state.settings.service.says_healthy()) {
        return with_json(code, words.to_owned());
    }
    let mut body = about(state);
    body["status"] = json!(match seen {
        Health::Starting => "starting",
        Health::Serving => "ok",
        Health::Stopping => "stopping",
        Health::Broken => "broken on command",
    });
    body["peers"] = state.peers().into_iter().map(|(name, up)| (name, json!(up))).collect::<Value>();
    json(code, &body)
}

fn about(state: &State) -> Value {
    json!({
        "service": state.settings.service.name,
        "revision": state.settings.revision,
        "standin": true,
    })
}

fn allowed(state: &State, headers: &HeaderMap) -> Result<(), token::Refused> {
    if !state.settings.service.checks_tokens {
        return Ok(());
    }
    // Read each time: a mounted Secret changes while the program runs. Without a key nobody is let in.
    let key = std::fs::read_to_string(&state.settings.jwt_key).ok();
    let key = key.as_deref().and_then(token::public_key).ok_or(token::Refused::Forged)?;
    let header = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs());
    token::check(header, &key, now)
}

fn unauthorized(refused: token::Refused) -> Answer {
    let mut response = json(StatusCode::UNAUTHORIZED, &json!({"error": refused.to_string()}));
    response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    response
}

fn json(status: StatusCode, body: &Value) -> Answer {
    with_json(status, body.to_string())
}

fn with_json(status: StatusCode, mut body: String) -> Answer {
    body.push('\n');
    let mut response = Response::new(Full::from(body));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

fn exposition(state: &State) -> String {
    let mut text =
        String::from("# HELP lucid_standin_info What this stands in for.\n# TYPE lucid_standin_info gauge\n");
    let settings = &state.settings;
    let mut line = |text_of_line: std::fmt::Arguments<'_>| {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{text_of_line}");
    };
    line(format_args!(
        "lucid_standin_info{{service=\"{}\",revision=\"{}\"}} 1",
        settings.service.name,
        label(&settings.revision)
    ));
    line(format_args!("# HELP lucid_healthy Whether the health endpoint answers 200.\n# TYPE lucid_healthy gauge"));
    line(format_args!("lucid_healthy {}", u8::from(state.health() == Health::Serving)));
    line(format_args!("# HELP lucid_running_seconds Since the start.\n# TYPE lucid_running_seconds gauge"));
    line(format_args!("lucid_running_seconds {}", state.running().as_secs()));
    line(format_args!("# HELP lucid_leaked_bytes Taken on command.\n# TYPE lucid_leaked_bytes gauge"));
    line(format_args!("lucid_leaked_bytes {}", state.leaked()));
    line(format_args!("# HELP lucid_requests_total Answers by status.\n# TYPE lucid_requests_total counter"));
    for (status, count) in state.answers() {
        line(format_args!("lucid_requests_total{{code=\"{status}\"}} {count}"));
    }
    line(format_args!("# HELP lucid_peer_up Whether the peer's port answers.\n# TYPE lucid_peer_up gauge"));
    for (peer, up) in state.peers() {
        line(format_args!("lucid_peer_up{{peer=\"{}\"}} {}", label(&peer), u8::from(up)));
    }
    text
}

/// The value of a label: what Prometheus' format wants escaped.
fn label(value: &str) -> String {
    value.replace('\\', r"\\").replace('"', "\\\"").replace('\n', r"\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_cannot_leave_their_quotes() {
        assert_eq!(label("a\"b\\c\nd"), r#"a\"b\\c\nd"#);
    }
}
