//! The real one: a kube-apiserver without controllers.

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use kube::client::Body;

use super::servers::{Sent, Server, Wire, answer, furnish};
use crate::harness::{dir, told};

/// The real thing.
pub(crate) struct Real {
    client: kube::Client,
    process: Child,
}

const PORT: u16 = 6444;

impl Real {
    pub(crate) async fn start() -> Self {
        let process = spawn();
        let client = connect().await;
        let server = Self { client, process };
        server.wait().await;
        furnish(&server).await;
        server
    }

    async fn wait(&self) {
        let began = Instant::now();
        loop {
            let ready = http::Request::get("/readyz").body(Body::empty()).expect("a request");
            if self.client.send(ready).await.is_ok_and(|response| response.status().is_success()) {
                return;
            }
            assert!(began.elapsed() < Duration::from_secs(60), "the second API server does not serve");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
}

impl Drop for Real {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A kube-apiserver beside the cluster's own, with a part of etcd for itself.
fn spawn() -> Child {
    let log = std::fs::File::create(dir().join("twin-apiserver.log")).expect("a log file");
    let prefix = format!("/twins-{}", std::process::id());
    let flags = format!(
        "--etcd-servers http://127.0.0.1:2379 --etcd-prefix {prefix} --secure-port {PORT} --endpoint-reconciler-type none \
         --advertise-address 172.31.255.1 --service-cluster-ip-range 10.96.0.0/12 --cert-dir pki \
         --tls-cert-file pki/server.crt --tls-private-key-file pki/server.key --client-ca-file pki/ca.crt \
         --token-auth-file tokens.csv --authorization-mode RBAC --allow-privileged \
         --service-account-issuer https://kubernetes.default.svc --service-account-key-file pki/sa.pub \
         --service-account-signing-key-file pki/sa.key --profiling=false"
    );
    Command::new(told("LUCID_TEST_TOOLS").join("components/kube-apiserver"))
        .args(flags.split_whitespace())
        .current_dir(dir())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(log)
        .spawn()
        .expect("start kube-apiserver")
}

async fn connect() -> kube::Client {
    let kubeconfig = kube::config::Kubeconfig::read_from(dir().join("admin.kubeconfig")).expect("a kubeconfig");
    let mut config = kube::Config::from_custom_kubeconfig(kubeconfig, &Default::default()).await.expect("a context");
    config.cluster_url = format!("https://127.0.0.1:{PORT}").parse().expect("a URL");
    kube::Client::try_from(config).expect("a client")
}

impl Server for Real {
    fn send<'a>(&'a self, request: &Wire) -> Sent<'a> {
        let (head, body) = request.clone().into_parts();
        Box::pin(async move {
            let request = http::Request::from_parts(head, Body::from(body));
            answer(self.client.send(request).await.expect("the API server answers")).await
        })
    }
}
