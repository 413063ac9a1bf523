//! One request and its answer, with the retries that are safe.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Limited};
use hyper::body::Bytes;
use jiff::Timestamp;
use kube::client::Body;
use serde_json::Value;
use tokio::time::Instant;

use crate::error::{Error, Result};

/// The largest answer that is read into memory: a LIST page of large objects stays far below it.
const BODY_LIMIT: usize = 512 << 20;
/// How long one request may take before it counts as lost; the server gives up after 60 s itself.
const PATIENCE: Duration = Duration::from_secs(65);
const ATTEMPTS: u32 = 6;
/// However long a server wants to be left alone, it is asked again after this.
const LONGEST_QUIET: Duration = Duration::from_secs(30);

/// A connection to one API server. Cheap to clone.
#[derive(Clone)]
pub struct ApiClient {
    inner: kube::Client,
    counters: Arc<Counters>,
    /// What the server's clock showed when it last answered, and when that was by ours.
    date: Arc<Mutex<Option<(Timestamp, Instant)>>>,
    /// Until when the server wants to be left alone.
    quiet_until: Arc<Mutex<Option<Instant>>>,
    is_inside: bool,
}

#[derive(Default)]
struct Counters {
    reads: AtomicU64,
    writes: AtomicU64,
}

/// What is sent.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) query: Vec<(&'static str, String)>,
    pub(crate) accept: &'static str,
    pub(crate) content_type: &'static str,
    pub(crate) body: Vec<u8>,
    /// What is being done, for error messages: "list Deployments in lucid-system".
    pub(crate) doing: String,
    /// Sending it twice does no harm.
    pub(crate) is_idempotent: bool,
}

pub(crate) const JSON: &str = "application/json";

impl Call {
    pub(crate) fn get(path: String, doing: String) -> Self {
        Self {
            method: Method::GET,
            path,
            query: Vec::new(),
            accept: JSON,
            content_type: JSON,
            body: Vec::new(),
            doing,
            is_idempotent: true,
        }
    }

    pub(crate) fn with_body(method: Method, path: String, body: &Value, doing: String) -> Self {
        let body = serde_json::to_vec(body).expect("a JSON value serialises");
        Self { method, body, is_idempotent: false, ..Self::get(path, doing) }
    }

    fn uri(&self) -> String {
        let mut uri = self.path.clone();
        for (index, (key, value)) in self.query.iter().enumerate() {
            uri.push(if index == 0 { '?' } else { '&' });
            uri.push_str(key);
            uri.push('=');
            uri.push_str(&crate::target::escape(value));
        }
        uri
    }

    fn to_request(&self) -> Result<Request<Body>> {
        let builder = Request::builder().method(&self.method).uri(self.uri()).header(http::header::ACCEPT, self.accept);
        let builder =
            if self.body.is_empty() { builder } else { builder.header(http::header::CONTENT_TYPE, self.content_type) };
        builder
            .body(Body::from(self.body.clone()))
            .map_err(|error| Error::Answer { doing: self.doing.clone(), cause: error.to_string() })
    }
}

/// An answer of 2xx, read whole.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) value: Value,
    /// Texts of `Warning: 299` headers.
    pub(crate) warnings: Vec<String>,
}

impl ApiClient {
    pub fn new(inner: kube::Client) -> Self {
        Self { inner, counters: Arc::default(), date: Arc::default(), quiet_until: Arc::default(), is_inside: false }
    }

    /// We run in a pod of this cluster, so that other pods' addresses can be reached.
    #[must_use]
    pub fn inside(self) -> Self {
        Self { is_inside: true, ..self }
    }

    pub fn is_inside(&self) -> bool {
        self.is_inside
    }

    pub(crate) fn kube(&self) -> kube::Client {
        self.inner.clone()
    }

    /// A request that goes out by another way than [`Self::call`].
    pub(crate) fn count_read(&self) {
        self.counters.reads.fetch_add(1, Ordering::Relaxed);
    }

    /// A client of anything that answers like an API server, such as a simulator in the same process.
    pub fn from_service<S, B>(service: S) -> Self
    where
        S: tower_service::Service<Request<Body>, Response = Response<B>> + Send + 'static,
        S::Future: Send + 'static,
        S::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
        B: http_body::Body<Data = Bytes> + Send + 'static,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        Self::new(kube::Client::new(service, "default"))
    }

    /// Requests sent so far: those that read, and those that may change something.
    pub fn requests(&self) -> (u64, u64) {
        (self.counters.reads.load(Ordering::Relaxed), self.counters.writes.load(Ordering::Relaxed))
    }

    /// What time it is by the server's clock, to the second; `None` before its first answer. What stands in objects was
    /// written by that clock, and ours may be wrong.
    pub fn server_time(&self) -> Option<Timestamp> {
        let (date, seen) = (*self.date.lock().unwrap_or_else(PoisonError::into_inner))?;
        date.checked_add(seen.elapsed()).ok()
    }

    /// A `Retry-After` of an overloaded server is for all that we send, not for the one request alone.
    fn note_overload(&self, error: &Error) {
        if let Error::Status { code: 429, retry_after: Some(wanted), .. } = error {
            let until = Instant::now() + (*wanted).min(LONGEST_QUIET);
            let mut quiet = self.quiet_until.lock().unwrap_or_else(PoisonError::into_inner);
            *quiet = quiet.max(Some(until));
        }
    }

    async fn keep_quiet(&self) {
        let until = *self.quiet_until.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(until) = until {
            tokio::time::sleep_until(until).await;
        }
    }

    fn note_date(&self, response: &Response<Body>) {
        let text = response.headers().get(http::header::DATE).and_then(|value| value.to_str().ok());
        let date = text.and_then(|text| Timestamp::try_from(httpdate::parse_http_date(text).ok()?).ok());
        if let Some(date) = date {
            *self.date.lock().unwrap_or_else(PoisonError::into_inner) = Some((date, Instant::now()));
        }
    }

    /// Sends until an answer that means something, or until the attempts are used up.
    pub(crate) async fn call(&self, call: &Call) -> Result<Answer> {
        let (bytes, warnings) = self.call_unread(call).await?;
        let value = if bytes.is_empty() { Ok(Value::Null) } else { serde_json::from_slice(&bytes) };
        Ok(Answer { value: value.map_err(|error| no_json(call, &error))?, warnings })
    }

    /// As [`Self::call`], and leaves the bytes for the caller to understand.
    pub(crate) async fn call_unread(&self, call: &Call) -> Result<(Bytes, Vec<String>)> {
        let mut attempt = 0;
        loop {
            attempt += 1;
            let error = match self.once(call).await {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            let Some(pause) = pause_before_retry(&error, call, attempt) else { return Err(error) };
            tracing::debug!(doing = %call.doing, %error, ?pause, "retry");
            tokio::time::sleep(pause).await;
        }
    }

    async fn once(&self, call: &Call) -> Result<(Bytes, Vec<String>)> {
        let response = self.open(call).await?;
        let warnings = warnings(&response);
        Ok((read(response, &call.doing).await?, warnings))
    }

    /// Sends once and returns the answer unread, if it is a 2xx.
    pub(crate) async fn open(&self, call: &Call) -> Result<Response<Body>> {
        self.keep_quiet().await;
        let counter = if call.method == Method::GET { &self.counters.reads } else { &self.counters.writes };
        counter.fetch_add(1, Ordering::Relaxed);
        let lost = |cause: String| Error::Transport { doing: call.doing.clone(), cause };
        let response = match tokio::time::timeout(PATIENCE, self.inner.send(call.to_request()?)).await {
            Ok(Ok(response)) => response,
            Ok(Err(error)) => return Err(lost(chain(&error))),
            Err(_) => return Err(lost(format!("no answer within {} s", PATIENCE.as_secs()))),
        };
        self.note_date(&response);
        if response.status().is_success() {
            return Ok(response);
        }
        let error = refusal(response, call).await;
        self.note_overload(&error);
        Err(error)
    }
}

pub(crate) fn no_json(call: &Call, error: &serde_json::Error) -> Error {
    Error::Answer { doing: call.doing.clone(), cause: format!("the answer is not JSON: {error}") }
}

/// Null when the error is final. Only what surely was not carried out, or may be done twice, is sent again.
fn pause_before_retry(error: &Error, call: &Call, attempt: u32) -> Option<Duration> {
    let was_refused_unread = error.code() == Some(429) || is_connect_failure(error);
    if attempt >= ATTEMPTS || !error.is_transient() || !(call.is_idempotent || was_refused_unread) {
        return None;
    }
    let backoff = Duration::from_millis(100 << attempt.min(5));
    match error {
        Error::Status { retry_after: Some(wanted), .. } => Some((*wanted).max(backoff)),
        // Nobody listens: trying for long would only delay the verdict.
        Error::Transport { .. } if attempt >= 3 => None,
        _ => Some(backoff),
    }
}

fn is_connect_failure(error: &Error) -> bool {
    matches!(error, Error::Transport { cause, .. } if cause.contains("tcp connect error") || cause.contains("Connection refused"))
}

async fn refusal(response: Response<Body>, call: &Call) -> Error {
    let code = response.status().as_u16();
    let retry_after = response.headers().get(http::header::RETRY_AFTER);
    let retry_after = retry_after.and_then(|value| value.to_str().ok()?.parse().ok()).map(Duration::from_secs);
    let bytes = read(response, &call.doing).await.unwrap_or_default();
    // A 429 and what proxies say may be plain text.
    let status = serde_json::from_slice(&bytes).unwrap_or_else(|_| {
        let text = String::from_utf8_lossy(&bytes).chars().take(500).collect::<String>();
        let reason = StatusCode::from_u16(code).ok().and_then(|code| code.canonical_reason()).unwrap_or("error");
        serde_json::json!({"code": code, "message": format!("{code} {reason}: {}", text.trim())})
    });
    Error::Status { doing: call.doing.clone(), code, status: Box::new(status), retry_after }
}

pub(crate) async fn read(response: Response<Body>, doing: &str) -> Result<Bytes> {
    let body = Limited::new(response.into_body(), BODY_LIMIT).collect().await;
    let collected = body.map_err(|error| Error::Transport { doing: doing.to_owned(), cause: error.to_string() })?;
    Ok(collected.to_bytes())
}

/// `299 - "text"`. Source: RFC 7234 §5.5, KEP-1693.
fn warnings(response: &Response<Body>) -> Vec<String> {
    let headers = response.headers().get_all(http::header::WARNING);
    let texts = headers.iter().filter_map(|value| {
        let text = value.to_str().ok()?.split_once('"')?.1;
        Some(text.trim_end_matches('"').replace("\\\"", "\""))
    });
    texts.collect()
}

/// An error and what caused it, each cause once.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        next = cause.source();
    }
    for noise in ["ServiceError: ", "HyperError: ", "client error (Connect): "] {
        text = text.replace(noise, "");
    }
    text
}
