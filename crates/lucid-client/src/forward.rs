//! A line to one port of a pod, through the API server and the kubelet: it ends inside of the pod's own network, so that
//! no NetworkPolicy stands in its way.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use kube::api::Portforwarder;
use tokio::io::{AsyncRead, AsyncWrite, DuplexStream, ReadBuf};

use crate::error::{Error, Result};
use crate::request::{ApiClient, chain};

/// Bytes to and from the port. The line is cut when this is dropped.
pub struct Forwarded {
    stream: DuplexStream,
    trouble: Option<BoxFuture<'static, Option<String>>>,
    forwarder: Portforwarder,
}

impl ApiClient {
    /// Opens a line to a port of a pod. That it is open says nothing of the port: see [`Forwarded::trouble`].
    ///
    /// # Errors
    /// When we may not, or when the API server or the pod's kubelet cannot.
    pub async fn forward(&self, namespace: &str, pod: &str, port: u16, patience: Duration) -> Result<Forwarded> {
        let doing = format!("forward port {port} of pod {pod}");
        self.count_read();
        let pods: Api<Pod> = Api::namespaced(self.kube(), namespace);
        let ports = [port];
        let opened = tokio::time::timeout(patience, pods.portforward(pod, &ports)).await;
        let mut forwarder = match opened {
            Ok(Ok(forwarder)) => forwarder,
            Ok(Err(error)) => return Err(refusal(error, doing)),
            Err(_) => {
                let cause = format!("no answer within {:.1} s", patience.as_secs_f64());
                return Err(Error::Transport { doing, cause });
            }
        };
        let trouble = forwarder.take_error(port).map(|told| told.boxed());
        let stream = forwarder.take_stream(port).expect("the port was asked for, and is taken once");
        Ok(Forwarded { stream, trouble, forwarder })
    }
}

impl Forwarded {
    /// What the kubelet says of the port if it cannot be used, such as that nobody listens there. Resolves to `None` when
    /// the line ends without a word, and not at all while it is in use.
    pub fn trouble(&mut self) -> BoxFuture<'static, Option<String>> {
        self.trouble.take().unwrap_or_else(|| futures::future::pending().boxed())
    }
}

impl Drop for Forwarded {
    fn drop(&mut self) {
        self.forwarder.abort();
    }
}

fn refusal(error: kube::Error, doing: String) -> Error {
    match error {
        kube::Error::Api(status) => Error::Status {
            doing,
            code: status.code,
            status: Box::new(serde_json::json!({"kind": "Status", "code": status.code, "message": status.message})),
            retry_after: None,
        },
        other => Error::Transport { doing, cause: chain(&other) },
    }
}

impl AsyncRead for Forwarded {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Forwarded {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<std::io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
