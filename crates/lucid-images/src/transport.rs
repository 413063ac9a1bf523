//! One request to a registry: bounded in size and redirects, and with credentials for the host that they are meant for.

use bytes::Bytes;
use http::header::{AUTHORIZATION, LOCATION, USER_AGENT};
use http::uri::Scheme;
use http::{HeaderMap, Method, Request, StatusCode, Uri};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use lucid_https::{AGENT, certificate_error, is_loopback, root};

const REDIRECTS: usize = 5;
/// Connections to one registry that are kept open.
const IDLE: usize = 8;

/// Which certificate authorities are believed besides the system's.
#[derive(Debug, Clone, Default)]
pub struct Trust {
    /// PEM.
    pub authorities: Vec<u8>,
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum Failed {
    /// The other side speaks no TLS, or nobody listens.
    #[error("{0}")]
    Connect(String),
    #[error("the certificate is not trusted: {0}")]
    Certificate(String),
    #[error("{0}")]
    Broken(String),
    #[error("more than {0} bytes")]
    TooLarge(usize),
    #[error("{0}")]
    Redirect(&'static str),
}

#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

/// A request whose answer is at most `limit` bytes long.
pub(crate) struct Ask {
    pub(crate) method: Method,
    pub(crate) uri: Uri,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    pub(crate) limit: usize,
}

#[derive(Clone)]
pub(crate) struct Transport {
    client: lucid_https::Client,
}

impl Transport {
    pub(crate) fn new(trust: &Trust) -> Self {
        Self { client: lucid_https::client(&trust.authorities, IDLE) }
    }

    /// Follows redirects of a GET. Credentials go to the first host only, and never from TLS to plain text.
    pub(crate) async fn send(&self, ask: Ask) -> Result<Reply, Failed> {
        let origin = origin(&ask.uri);
        let Ask { method, mut uri, mut headers, body, limit } = ask;
        headers.insert(USER_AGENT, AGENT);
        for _ in 0..=REDIRECTS {
            let mut request = Request::new(Full::new(body.clone()));
            *request.method_mut() = method.clone();
            *request.uri_mut() = uri.clone();
            *request.headers_mut() = headers.clone();
            let reply = self.once(request, limit).await?;
            if method != Method::GET || !is_redirect(reply.status) {
                return Ok(reply);
            }
            uri = next(&uri, &reply.headers)?;
            if self::origin(&uri) != origin {
                headers.remove(AUTHORIZATION);
            }
        }
        Err(Failed::Redirect("it redirects without end"))
    }

    async fn once(&self, request: Request<Full<Bytes>>, limit: usize) -> Result<Reply, Failed> {
        let response = self.client.request(request).await.map_err(|error| failed(&error))?;
        let (parts, body) = response.into_parts();
        let body = Limited::new(body, limit).collect().await.map_err(|error| {
            match error.downcast_ref::<LengthLimitError>() {
                Some(_) => Failed::TooLarge(limit),
                None => Failed::Broken(error.to_string()),
            }
        })?;
        Ok(Reply { status: parts.status, headers: parts.headers, body: body.to_bytes() })
    }
}

fn is_redirect(status: StatusCode) -> bool {
    matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308)
}

fn origin(uri: &Uri) -> (Option<Scheme>, Option<String>, Option<u16>) {
    let default = if uri.scheme() == Some(&Scheme::HTTPS) { 443 } else { 80 };
    (uri.scheme().cloned(), uri.host().map(str::to_ascii_lowercase), uri.port_u16().or(Some(default)))
}

/// Where a redirect leads. From TLS it leads to TLS; from plain text on loopback also to loopback, and nowhere else.
fn next(from: &Uri, headers: &HeaderMap) -> Result<Uri, Failed> {
    let location = headers.get(LOCATION).and_then(|value| value.to_str().ok());
    let location = location.ok_or(Failed::Redirect("it redirects without saying where"))?;
    let absolute = match location.starts_with('/') && !location.starts_with("//") {
        true => format!(
            "{}://{}{location}",
            from.scheme_str().unwrap_or("https"),
            from.authority().map_or("", |authority| authority.as_str())
        ),
        false => location.to_owned(),
    };
    let to: Uri = absolute.parse().map_err(|_| Failed::Redirect("it redirects to what is no address"))?;
    let is_plain_loopback = |uri: &Uri| uri.scheme() == Some(&Scheme::HTTP) && uri.host().is_some_and(is_loopback);
    if to.scheme() == Some(&Scheme::HTTPS) || (is_plain_loopback(from) && is_plain_loopback(&to)) {
        return Ok(to);
    }
    Err(Failed::Redirect("it redirects to plain text"))
}

fn failed(error: &hyper_util::client::legacy::Error) -> Failed {
    match certificate_error(error) {
        Some(why) => Failed::Certificate(why.to_string()),
        None if error.is_connect() => Failed::Connect(root(error).to_string()),
        None => Failed::Broken(root(error).to_string()),
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[track_caller]
    fn check(from: &str, to: &'static str, expect: Option<&str>) {
        let mut headers = HeaderMap::new();
        headers.insert(LOCATION, HeaderValue::from_static(to));
        let led = next(&from.parse().expect("an address"), &headers).ok().map(|uri| uri.to_string());
        assert_eq!(led.as_deref(), expect, "{from} -> {to}");
    }

    #[test]
    fn a_redirect_keeps_tls() {
        check("https://a.example/v2/x", "/y", Some("https://a.example/y"));
        check("https://a.example/v2/x", "https://cdn.example/y", Some("https://cdn.example/y"));
        check("https://a.example/v2/x", "http://a.example/y", None);
        check("https://a.example/v2/x", "http://127.0.0.1/y", None);
        check("http://127.0.0.1:5000/v2/x", "http://127.0.0.1:5001/y", Some("http://127.0.0.1:5001/y"));
        check("http://127.0.0.1:5000/v2/x", "http://169.254.169.254/latest", None);
        check("https://a.example/v2/x", "file:///etc/passwd", None);
    }
}
