//! An API server with the kubelet behind it, as far as port-forward (WebSocket, `v4.channel.k8s.io`) and the API proxy go.
//! A pod's port is the port of this machine's loopback.

use std::io::Write as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures::{SinkExt as _, StreamExt as _};
use lucid_client::{ApiClient, ConnectOptions};
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::server::{Request, Response};

/// What the server does with requests of one kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Does {
    Serve,
    Forbid,
    /// The node does not answer.
    Fail,
    Hang,
}

pub(crate) struct Server {
    pub(crate) client: ApiClient,
    /// Connections that were forwarded.
    pub(crate) forwarded: Arc<AtomicUsize>,
    kubeconfig: PathBuf,
}

impl Server {
    pub(crate) async fn start(forward: Does, proxy: Does) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let forwarded = Arc::new(AtomicUsize::new(0));
        let count = forwarded.clone();
        tokio::spawn(async move {
            while let Ok((line, _)) = listener.accept().await {
                tokio::spawn(serve(line, forward, proxy, count.clone()));
            }
        });
        let config = json!({"apiVersion": "v1", "kind": "Config", "current-context": "c",
            "contexts": [{"name": "c", "context": {"cluster": "k", "user": "u"}}],
            "clusters": [{"name": "k", "cluster": {"server": format!("http://{address}")}}],
            "users": [{"name": "u", "user": {}}]});
        let kubeconfig =
            std::env::temp_dir().join(format!("lucid-health-{}-{}.json", std::process::id(), address.port()));
        std::fs::File::create(&kubeconfig).unwrap().write_all(config.to_string().as_bytes()).unwrap();
        let options = ConnectOptions { kubeconfig: Some(kubeconfig.clone()), ..ConnectOptions::default() };
        Self { client: lucid_client::connect(&options).await.unwrap().client, forwarded, kubeconfig }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.kubeconfig);
    }
}

async fn serve(mut line: TcpStream, forward: Does, proxy: Does, count: Arc<AtomicUsize>) {
    let head = head_of(&line).await;
    let is_forward = head.contains("/portforward");
    match if is_forward { forward } else { proxy } {
        Does::Serve if is_forward => forward_port(line, count).await,
        Does::Serve => answer(&mut line, 200, "ok").await,
        Does::Forbid => answer(&mut line, 403, &status(403, "pods is forbidden")).await,
        Does::Fail => answer(&mut line, 500, &status(500, "error dialing backend: connection refused")).await,
        Does::Hang => std::future::pending().await,
    }
}

/// Looks at the request without taking it.
async fn head_of(line: &TcpStream) -> String {
    let mut bytes = [0; 4096];
    loop {
        let count = line.peek(&mut bytes).await.unwrap();
        let text = String::from_utf8_lossy(&bytes[..count]).into_owned();
        if text.contains("\r\n\r\n") || count == 0 {
            return text;
        }
        tokio::task::yield_now().await;
    }
}

fn status(code: u16, message: &str) -> String {
    json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "message": message, "code": code}).to_string()
}

async fn answer(line: &mut TcpStream, code: u16, body: &str) {
    let mut request = [0; 4096];
    let _ = line.read(&mut request).await;
    let text = format!(
        "HTTP/1.1 {code} X\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    );
    let _ = line.write_all(text.as_bytes()).await;
}

/// Channel 0 carries the data, channel 1 what the kubelet has to say; each begins with the number of the port.
/// Source: k8s.io/kubelet/pkg/cri/streaming/portforward/websocket.go.
async fn forward_port(line: TcpStream, count: Arc<AtomicUsize>) {
    let mut port = 0;
    let greeted = tokio_tungstenite::accept_hdr_async(line, |request: &Request, mut response: Response| {
        port = request.uri().query().unwrap().trim_start_matches("&ports=").parse().unwrap();
        response.headers_mut().insert("Sec-WebSocket-Protocol", "v4.channel.k8s.io".parse().unwrap());
        Ok(response)
    });
    let (mut sink, mut stream) = greeted.await.unwrap().split();
    count.fetch_add(1, Ordering::SeqCst);
    for channel in [0, 1] {
        let [low, high] = u16::to_le_bytes(port);
        sink.send(Message::binary(vec![channel, low, high])).await.unwrap();
    }
    let Ok(pod) = TcpStream::connect(("127.0.0.1", port)).await else {
        let words = format!("error forwarding port {port}: dial tcp4 127.0.0.1:{port}: connect: connection refused");
        let _ = sink.send(Message::binary([&[1], words.as_bytes()].concat())).await;
        let _ = sink.send(Message::Close(None)).await;
        return;
    };
    let (mut from_pod, mut to_pod) = pod.into_split();
    let there = async {
        while let Some(Ok(message)) = stream.next().await {
            if let Message::Binary(bytes) = message
                && let Some((0, data)) = bytes.split_first().map(|(channel, data)| (*channel, data))
            {
                let _ = to_pod.write_all(data).await;
            }
        }
    };
    let back = async {
        let mut bytes = vec![0; 1 << 15];
        while let Ok(count @ 1..) = from_pod.read(&mut bytes).await {
            if sink.send(Message::binary([&[0], &bytes[..count]].concat())).await.is_err() {
                return;
            }
        }
        let _ = sink.send(Message::Close(None)).await;
    };
    tokio::select! {
        () = there => {}
        () = back => {}
    }
}
