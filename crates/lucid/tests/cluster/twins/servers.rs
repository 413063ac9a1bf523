//! What both servers are to the test, and the simulator, without controllers.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::Full;
use lucid_sim::{Config, Sim, SimService};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tower::ServiceExt;

use super::requests::Request;

/// A request as it goes over the wire.
pub(crate) type Wire = http::Request<Vec<u8>>;

/// What came back.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Answer {
    pub(crate) code: u16,
    pub(crate) warnings: Vec<String>,
    pub(crate) body: Value,
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.code, self.body)?;
        if self.warnings.is_empty() { Ok(()) } else { write!(f, " {:?}", self.warnings) }
    }
}

pub(crate) type Sent<'a> = Pin<Box<dyn Future<Output = Answer> + 'a>>;

pub(crate) trait Server {
    fn send<'a>(&'a self, request: &Wire) -> Sent<'a>;

    /// Takes away the object that a request was about, whatever became of it.
    fn forget<'a>(&'a self, request: &Request) -> Pin<Box<dyn Future<Output = ()> + 'a>> {
        let Some(path) = request.object_path() else { return Box::pin(async {}) };
        Box::pin(async move {
            let free = json!({"metadata": {"finalizers": null}});
            let uri = |method: &str, media: &str, body: Vec<u8>| {
                http::Request::builder()
                    .method(method)
                    .uri(&path)
                    .header("content-type", media)
                    .body(body)
                    .expect("a request")
            };
            self.send(&uri("PATCH", "application/merge-patch+json", free.to_string().into_bytes())).await;
            let now = json!({"propagationPolicy": "Background", "gracePeriodSeconds": 0});
            self.send(&uri("DELETE", "application/json", now.to_string().into_bytes())).await;
            self.send(&uri("PATCH", "application/merge-patch+json", free.to_string().into_bytes())).await;
        })
    }
}

pub(super) async fn answer<B>(response: http::Response<B>) -> Answer
where
    B: http_body_util::BodyExt<Data = Bytes>,
    B::Error: fmt::Debug,
{
    let code = response.status().as_u16();
    let warnings = response.headers().get_all("warning").iter();
    let warnings = warnings.map(|text| text.to_str().unwrap_or_default().to_owned()).collect();
    let bytes = response.into_body().collect().await.expect("the whole answer").to_bytes();
    let text = || Value::String(String::from_utf8_lossy(&bytes).into_owned());
    Answer { code, warnings, body: serde_json::from_slice(&bytes).unwrap_or_else(|_| text()) }
}

/// What both servers hold before the conversation begins.
pub(super) async fn furnish(server: &dyn Server) {
    for (path, object) in super::objects::furniture() {
        let body = object.to_string().into_bytes();
        let builder = http::Request::post(path).header("content-type", "application/json");
        let answer = server.send(&builder.body(body).expect("a request")).await;
        assert!(matches!(answer.code, 201 | 409), "{path}: {answer}");
    }
    let began = Instant::now();
    loop {
        let list = http::Request::get("/apis/twins.lucid.dev/v1/widgets").body(Vec::new()).expect("a request");
        if server.send(&list).await.code == 200 {
            return;
        }
        assert!(began.elapsed() < Duration::from_secs(20), "the custom resource is not served");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// The simulator.
pub(crate) struct Simulated {
    service: SimService,
}

impl Simulated {
    pub(crate) async fn start() -> Self {
        let sim = Sim::new(Config { controllers: false, latency: Duration::ZERO, ..Config::default() });
        let server = Self { service: sim.service() };
        furnish(&server).await;
        server
    }
}

impl Server for Simulated {
    fn send<'a>(&'a self, request: &Wire) -> Sent<'a> {
        let (head, body) = request.clone().into_parts();
        Box::pin(async move {
            let request = http::Request::from_parts(head, Full::new(Bytes::from(body)));
            answer(self.service.clone().oneshot(request).await.expect("the simulator answers")).await
        })
    }
}
