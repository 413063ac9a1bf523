//! One request over https: bounded in time, attempts and size of the answer; no redirect is followed.

use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, RETRY_AFTER, USER_AGENT};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, StatusCode, Uri};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use lucid_https::{AGENT, certificate_error};

use crate::limits::{Attempt, Limits};
use crate::send::Failed;

pub(crate) struct Ask {
    pub(crate) method: Method,
    pub(crate) uri: Uri,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    /// How much of an answer is read; nothing when only the status counts.
    pub(crate) limit: usize,
}

impl Ask {
    pub(crate) fn post(uri: Uri, body: &serde_json::Value) -> Self {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        Self { method: Method::POST, uri, headers, body: Bytes::from(body.to_string()), limit: 0 }
    }

    pub(crate) fn get(uri: Uri) -> Self {
        Self { method: Method::GET, uri, headers: HeaderMap::new(), body: Bytes::new(), limit: 0 }
    }

    /// Whose answer counts.
    pub(crate) fn answered(mut self, limit: usize) -> Self {
        self.limit = limit;
        self
    }

    pub(crate) fn header(mut self, name: &'static str, value: &str) -> Result<Self, Failed> {
        // Not shown where headers are listed, which are credentials and signatures here.
        let mut value = HeaderValue::from_str(value).map_err(|_| Failed::Nonsense)?;
        value.set_sensitive(true);
        self.headers.insert(HeaderName::from_static(name), value);
        Ok(self)
    }
}

pub(crate) struct Http {
    client: lucid_https::Client,
    limits: Limits,
}

impl Http {
    pub(crate) fn new(limits: Limits) -> Self {
        // http is for loopback; which addresses are taken was decided when they were read.
        Self { client: lucid_https::client(&[], 0), limits }
    }

    /// Sends it until it is taken or there is no use in it.
    pub(crate) async fn send(&self, ask: &Ask) -> Result<Bytes, Failed> {
        self.limits.patiently(async || self.once(ask).await).await
    }

    async fn once(&self, ask: &Ask) -> Attempt<Bytes> {
        let mut request = Request::new(Full::new(ask.body.clone()));
        *request.method_mut() = ask.method.clone();
        *request.uri_mut() = ask.uri.clone();
        *request.headers_mut() = ask.headers.clone();
        request.headers_mut().insert(USER_AGENT, AGENT);
        let response = self.client.request(request).await.map_err(|error| (failed(&error), None))?;
        let (parts, body) = response.into_parts();
        judge(parts.status).map_err(|failed| (failed, wish(&parts.headers)))?;
        if ask.limit == 0 {
            return Ok(Bytes::new());
        }
        let whole = Limited::new(body, ask.limit).collect().await;
        let whole = whole.map_err(|error| match error.is::<LengthLimitError>() {
            true => (Failed::TooLarge, None),
            false => (Failed::Broken, None),
        })?;
        Ok(whole.to_bytes())
    }
}

fn judge(status: StatusCode) -> Result<(), Failed> {
    match status {
        status if status.is_success() => Ok(()),
        status if status.is_redirection() => Err(Failed::Redirect),
        status => Err(Failed::Status(status.as_u16())),
    }
}

/// The pause that the receiver asks for, in seconds; a date is as good as none.
fn wish(headers: &HeaderMap) -> Option<Duration> {
    headers.get(RETRY_AFTER)?.to_str().ok()?.parse().ok().map(Duration::from_secs)
}

fn failed(error: &hyper_util::client::legacy::Error) -> Failed {
    if certificate_error(error).is_some() {
        return Failed::Certificate;
    }
    if error.is_connect() { Failed::Connect } else { Failed::Broken }
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
