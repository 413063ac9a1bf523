//! A pod's own endpoint, through the API server's proxy. Only GET is ever sent.

use std::time::Duration;

use http_body_util::BodyExt;

use crate::error::{Error, Result};
use crate::request::{ApiClient, Call, no_json, read};
use crate::target::Target;

/// The most of an answer that is kept, to be shown when it is no success.
const KEPT: usize = 2048;

/// What an endpoint answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    pub code: u16,
    /// The beginning of the body.
    pub text: String,
}

impl ApiClient {
    /// What the kubelet of a node says of its pods and their volumes; asked once. Source:
    /// k8s.io/kubelet/pkg/apis/stats/v1alpha1.
    ///
    /// # Errors
    /// 403 without the privilege `nodes/proxy`, which few have.
    pub async fn node_stats(&self, node: &str) -> Result<serde_json::Value> {
        let path = format!("{}/proxy/stats/summary", Target::core("Node", "nodes", None).object_path(node));
        let call = Call::get(path, format!("ask the kubelet of {node}"));
        let bytes = read(self.open(&call).await?, &call.doing).await?;
        serde_json::from_slice(&bytes).map_err(|error| no_json(&call, &error))
    }

    /// GETs `scheme://pod:port/path`, within `patience`.
    ///
    /// # Errors
    /// When the API server cannot or may not reach the pod; an answer of any code is `Ok`.
    pub async fn get_from_pod(
        &self,
        namespace: &str,
        pod: &str,
        scheme: &str,
        port: u16,
        path: &str,
        patience: Duration,
    ) -> Result<Reply> {
        let base = Target::core("Pod", "pods", Some(namespace)).path();
        let url =
            format!("{base}/{scheme}:{}:{port}/proxy/{}", crate::target::escape(pod), path.trim_start_matches('/'));
        let doing = format!("get {path} on port {port} of pod {pod}");
        let call = Call { accept: "*/*", ..Call::get(url, doing.clone()) };
        match tokio::time::timeout(patience, self.open(&call)).await {
            Ok(Ok(response)) => {
                let code = response.status().as_u16();
                Ok(Reply { code, text: beginning(response.into_body()).await })
            }
            Ok(Err(error)) => reply_of(error),
            Err(_) => Err(Error::Transport { doing, cause: format!("no answer within {} s", patience.as_secs()) }),
        }
    }
}

/// The application's own error codes come through the proxy; those of the proxy are Status objects.
fn reply_of(error: Error) -> Result<Reply> {
    match &error {
        Error::Status { code, status, .. } if status.get("kind").is_none() => {
            let text = status.get("message").and_then(|message| message.as_str()).unwrap_or_default();
            Ok(Reply { code: *code, text: text.chars().take(KEPT).collect() })
        }
        _ => Err(error),
    }
}

async fn beginning(mut body: kube::client::Body) -> String {
    let mut bytes = Vec::new();
    while bytes.len() < KEPT {
        match body.frame().await {
            Some(Ok(frame)) => bytes.extend_from_slice(frame.data_ref().map_or(&[][..], |data| data)),
            _ => break,
        }
    }
    bytes.truncate(KEPT);
    String::from_utf8_lossy(&bytes).into_owned()
}
