//! What a health report says of endpoints that are well, broken, hostile, or out of reach.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use lucid_health::{Pod, Site, Whom, ask_all};
use lucid_release::HealthCheck;
use lucid_status::health::{Answer, Endpoint, Tls};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

use crate::server::{Does, Server};

/// An application: reads what it is asked and says this, as often as told.
async fn app(says: &'static [u8], times: usize) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut line, _)) = listener.accept().await {
            tokio::spawn(async move {
                let _ = line.read(&mut [0; 1024]).await;
                for _ in 0..times {
                    if line.write_all(says).await.is_err() {
                        return;
                    }
                }
            });
        }
    });
    port
}

async fn mute() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        let mut lines = Vec::new();
        while let Ok((line, _)) = listener.accept().await {
            lines.push(line);
        }
    });
    port
}

/// A port where nobody listens.
async fn dead() -> u16 {
    TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port()
}

async fn tls_app(name: &str) -> u16 {
    let made = rcgen::generate_simple_self_signed(vec![name.to_owned()]).unwrap();
    let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((line, _)) = listener.accept().await {
            let Ok(mut line) = acceptor.accept(line).await else { continue };
            let _ = line.read(&mut [0; 1024]).await;
            let _ = line.write_all(b"HTTP/1.1 204 None\r\n\r\n").await;
            let _ = line.shutdown().await;
        }
    });
    port
}

fn http(port: u16) -> HealthCheck {
    HealthCheck::http(port, "/health")
}

async fn asked(server: &Server, check: HealthCheck, probed: usize) -> Endpoint {
    let pods = [Pod { namespace: "shop".into(), name: "api-1".into(), ip: None }];
    let whom = Whom { component: "api", site: Site { pods: &pods, addresses: &[] }, probed, unseen: None };
    ask_all(&server.client, whom, &[check], Duration::from_secs(2)).await.remove(0)
}

async fn answer(server: &Server, check: HealthCheck) -> Answer {
    asked(server, check, 0).await.answer
}

/// The proof that a wrong answer comes with.
fn proof(answer: Answer) -> String {
    match answer {
        Answer::Wrong(finding) => {
            assert_eq!(finding.code.0, 9011);
            finding.evidence.join("; ")
        }
        other => panic!("{other:?}"),
    }
}

const OK: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

#[tokio::test]
async fn http_tcp_and_https_are_asked_by_port_forward() {
    let server = Server::start(Does::Serve, Does::Forbid).await;
    let port = app(OK, 1).await;
    assert_eq!(
        answer(&server, http(port)).await,
        Answer::Answers(format!("/health on {port} answers at 1 pod, by port-forward"))
    );
    let port = mute().await;
    assert_eq!(
        answer(&server, HealthCheck::Tcp { port }).await,
        Answer::Answers(format!("TCP {port} accepts at 1 pod, by port-forward"))
    );
    let port = tls_app("api.example").await;
    let endpoint =
        asked(&server, HealthCheck::Https { port, host: "api.example".into(), path: "/".into(), status: None }, 0)
            .await;
    assert_eq!(
        endpoint.answer,
        Answer::Answers(format!("https://api.example:{port}/ answers at 1 pod, by port-forward"))
    );
    let served = endpoint.served.unwrap();
    let Tls::Certificate(certificate) = served.tls else { panic!("a certificate was shown") };
    assert_eq!(
        (served.host.as_str(), certificate.names, served.by),
        ("api.example", vec!["api.example".to_owned()], format!("port {port} of pod api-1"))
    );
    assert_eq!(server.forwarded.load(Ordering::SeqCst), 3);
}

#[tokio::test]
async fn a_wrong_answer_is_shown_as_it_came() {
    let server = Server::start(Does::Serve, Does::Serve).await;
    let sick = app(b"HTTP/1.1 503 Down\r\nContent-Length: 11\r\n\r\nno database", 1).await;
    assert_eq!(proof(answer(&server, http(sick)).await), "pod api-1, asked by port-forward: 503 no database");
    let garbage = app(b"\x00\x01\x02 hello \x1b[31m\r\n\r\n", 1).await;
    assert!(proof(answer(&server, http(garbage)).await).contains("is not HTTP"));
    let plain = app(OK, 1).await;
    let check = HealthCheck::Https { port: plain, host: "api.example".into(), path: "/".into(), status: None };
    assert!(proof(answer(&server, check).await).contains("TLS: "));
    let silent = mute().await;
    assert!(proof(answer(&server, http(silent)).await).contains("no answer within 2 s"));
}

#[tokio::test]
async fn without_pods_the_address_of_the_ingress_is_asked_for_the_name() {
    let server = Server::start(Does::Forbid, Does::Forbid).await;
    let at = async |check: HealthCheck, address: &str| {
        let addresses = [address.to_owned()];
        let whom =
            Whom { component: "ingress", site: Site { pods: &[], addresses: &addresses }, probed: 0, unseen: None };
        ask_all(&server.client, whom, &[check], Duration::from_secs(2)).await.remove(0).answer
    };
    let moved = |port, status| HealthCheck::Http { port, path: "/".into(), host: Some("a.example".into()), status };
    let port = app(b"HTTP/1.1 301 Moved\r\nLocation: https://a.example/\r\nContent-Length: 0\r\n\r\n", 1).await;
    assert_eq!(
        at(moved(port, Some(301)), "127.0.0.1").await,
        Answer::Answers(format!("http://a.example:{port}/ answers 301 at 127.0.0.1, directly"))
    );
    assert_eq!(proof(at(moved(port, Some(404)), "127.0.0.1").await), "127.0.0.1, asked directly: 301");
    let port = tls_app("a.example").await;
    let https = HealthCheck::Https { port, host: "a.example".into(), path: "/".into(), status: None };
    assert_eq!(
        at(https, "localhost").await,
        Answer::Answers(format!("https://a.example:{port}/ answers at localhost, directly"))
    );
    // What cannot be reached from here proves nothing.
    let Answer::NotAsked(why) = at(moved(dead().await, None), "127.0.0.1").await else { panic!("nobody is there") };
    assert!(why.contains("127.0.0.1 cannot be reached from here: "), "{why}");
}

#[tokio::test]
async fn an_endless_answer_is_cut_off() {
    let server = Server::start(Does::Serve, Does::Forbid).await;
    // 200, and then a gigabyte.
    let huge = app(&[b'\n'; 1 << 16], 1 << 14).await;
    let said = proof(answer(&server, http(huge)).await);
    assert!(said.len() < 500, "{said}");
}

#[tokio::test]
async fn a_closed_port_is_asked_by_the_other_ways_before_it_counts_as_closed() {
    let server = Server::start(Does::Serve, Does::Forbid).await;
    let said = proof(answer(&server, http(dead().await)).await);
    assert_eq!(said, "pod api-1, asked by port-forward: connection refused: nobody listens on it");
    let said = proof(answer(&server, HealthCheck::Tcp { port: dead().await }).await);
    assert!(said.ends_with("nobody listens on it"), "{said}");
    // It listens on the pod's address only, where the API proxy comes from.
    let server = Server::start(Does::Serve, Does::Serve).await;
    assert!(
        matches!(answer(&server, http(dead().await)).await, Answer::Answers(how) if how.ends_with("through the API proxy"))
    );
}

#[tokio::test]
async fn without_a_port_forward_the_proxy_is_asked_and_then_the_kubelet_believed() {
    for obstacle in [Does::Forbid, Does::Fail, Does::Hang] {
        let server = Server::start(obstacle, Does::Serve).await;
        let said = answer(&server, http(80)).await;
        assert!(
            matches!(&said, Answer::Answers(how) if how == "/health on 80 answers at 1 pod, through the API proxy"),
            "{obstacle:?}: {said:?}"
        );
    }
    let server = Server::start(Does::Forbid, Does::Forbid).await;
    let tcp = HealthCheck::Tcp { port: 80 };
    assert_eq!(
        answer(&server, tcp.clone()).await,
        Answer::NotAsked("TCP 80: we may not use pods/portforward, and its ready pods have no readiness probe".into())
    );
    assert_eq!(
        asked(&server, http(80), 1).await.answer,
        Answer::Answers(
            "the kubelet's own readiness probe passes at 1 pod (/health on 80: we may not use pods/portforward; we may \
             not use pods/proxy)"
                .into()
        )
    );
    let server = Server::start(Does::Fail, Does::Forbid).await;
    let said = answer(&server, tcp).await;
    assert!(matches!(&said, Answer::NotAsked(why) if why.contains("port-forward: error dialing backend")), "{said:?}");
}
