//! What goes back to the client.

use bytes::Bytes;
use serde_json::Value;
use tokio::sync::mpsc::UnboundedReceiver;

use crate::error::ApiError;

/// Status, headers that matter, body.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) code: u16,
    pub(crate) content_type: &'static str,
    pub(crate) retry_after_seconds: Option<u32>,
    pub(crate) warnings: Vec<String>,
    pub(crate) body: Body,
}

#[derive(Debug)]
pub(crate) enum Body {
    Full(Bytes),
    /// Chunks as they come, for at most so long.
    Stream {
        chunks: UnboundedReceiver<Bytes>,
        timeout: Option<std::time::Duration>,
    },
}

impl Reply {
    pub(crate) fn json(code: u16, value: &Value) -> Self {
        Self::bytes(code, "application/json", serde_json::to_vec(value).unwrap_or_default())
    }

    pub(crate) fn text(code: u16, text: impl Into<String>) -> Self {
        Self::bytes(code, "text/plain; charset=utf-8", text.into().into_bytes())
    }

    pub(crate) fn bytes(code: u16, content_type: &'static str, bytes: Vec<u8>) -> Self {
        Self { code, content_type, retry_after_seconds: None, warnings: Vec::new(), body: Body::Full(bytes.into()) }
    }

    pub(crate) fn error(error: &ApiError) -> Self {
        Self { retry_after_seconds: error.retry_after_seconds, ..Self::json(error.code, &error.body()) }
    }

    pub(crate) fn stream(chunks: UnboundedReceiver<Bytes>, timeout: Option<std::time::Duration>) -> Self {
        Self { body: Body::Stream { chunks, timeout }, ..Self::bytes(200, "application/json", Vec::new()) }
    }
}
