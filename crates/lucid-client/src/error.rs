//! What can go wrong between us and an API server.

use std::time::Duration;

use serde_json::Value;

pub type Result<T, E = Error> = std::result::Result<T, E>;

#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// The kubeconfig is missing, unreadable, or says nothing usable.
    #[error("{0}")]
    Config(String),
    /// No answer: refused, reset, timed out, not TLS.
    #[error("{doing}: {cause}")]
    Transport { doing: String, cause: String },
    /// The server answered, and said no.
    #[error("{doing}: {message}", message = status_message(status, *code))]
    Status { doing: String, code: u16, status: Box<Value>, retry_after: Option<Duration> },
    /// The server answered something that is no answer.
    #[error("{doing}: {cause}")]
    Answer { doing: String, cause: String },
}

impl Error {
    pub fn code(&self) -> Option<u16> {
        match self {
            Self::Status { code, .. } => Some(*code),
            _ => None,
        }
    }

    pub fn is_not_found(&self) -> bool {
        self.code() == Some(404)
    }

    pub fn is_conflict(&self) -> bool {
        self.code() == Some(409)
    }

    pub fn is_forbidden(&self) -> bool {
        self.code() == Some(403)
    }

    pub fn is_gone(&self) -> bool {
        self.code() == Some(410)
    }

    /// No verdict about the request can be had: nobody answered, or nobody knows us.
    pub fn is_unreachable(&self) -> bool {
        matches!(self, Self::Transport { .. }) || self.code() == Some(401)
    }

    /// The server or what is before it is busy or restarting; the same request may pass later.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Transport { .. } => true,
            Self::Status { code: 429 | 502 | 503 | 504, .. } => true,
            // A conversion or admission webhook that does not answer, or etcd changing its leader.
            Self::Status { code: 500, status, .. } => {
                let message = status.get("message").and_then(Value::as_str).unwrap_or("");
                ["failed calling webhook", "etcdserver: ", "context deadline exceeded"]
                    .iter()
                    .any(|part| message.contains(part))
                    && !message.contains("request is too large")
            }
            _ => false,
        }
    }

    /// The `metav1.Status` of the answer.
    pub fn status(&self) -> Option<&Value> {
        match self {
            Self::Status { status, .. } => Some(status),
            _ => None,
        }
    }
}

fn status_message(status: &Value, code: u16) -> String {
    match status.get("message").and_then(Value::as_str) {
        Some(message) => message.to_owned(),
        None => format!("the server answered {code}"),
    }
}
