//! The health checks of one component, asked at its pods.

use std::time::Duration;

use futures::future::join_all;
use lucid_client::{ApiClient, Error};
use lucid_object::{Finding, ObjectRef};
use lucid_release::HealthCheck;

/// A ready pod of the component.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pod {
    pub namespace: String,
    pub name: String,
}

/// How the component was found to answer, in words for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    pub how: String,
}

/// It does not answer as it should.
#[derive(Debug, Clone)]
pub struct NotHealthy(pub Finding);

const PATIENCE: Duration = Duration::from_secs(5);
/// Pods asked of one component: enough to see that a new revision answers, without asking a hundred replicas.
const PODS_ASKED: usize = 3;

/// Asks every check at up to three of the pods.
///
/// # Errors
/// The first endpoint that gave a wrong answer or none.
pub async fn probe(
    client: &ApiClient,
    component: &str,
    checks: &[HealthCheck],
    pods: &[Pod],
) -> Result<Asked, NotHealthy> {
    let mut said = Vec::new();
    for check in checks {
        said.push(match ask(client, component, check, pods, PATIENCE).await? {
            Told::Answers(how) => how,
            Told::NotAsked(why) => format!("by the kubelet's readiness probe ({why})"),
        });
    }
    Ok(Asked { how: said.join("; ") })
}

/// What came of asking at all.
pub(crate) enum Told {
    Answers(String),
    NotAsked(String),
}

pub(crate) async fn ask(
    client: &ApiClient,
    component: &str,
    check: &HealthCheck,
    pods: &[Pod],
    patience: Duration,
) -> Result<Told, NotHealthy> {
    match check {
        HealthCheck::Http { port, path } => over_http(client, component, *port, path, pods, patience).await,
        HealthCheck::Tcp { port } => Ok(Told::NotAsked(format!("TCP {port} cannot be asked through the API server"))),
        HealthCheck::Https { host, .. } => Ok(Told::NotAsked(format!("https://{host} is not asked from here"))),
    }
}

async fn over_http(
    client: &ApiClient,
    component: &str,
    port: u16,
    path: &str,
    pods: &[Pod],
    patience: Duration,
) -> Result<Told, NotHealthy> {
    let asked = &pods[..pods.len().min(PODS_ASKED)];
    if asked.is_empty() {
        let message = format!("{component} has no ready pod that could be asked for {path}");
        return Err(NotHealthy(Finding::error(9011, message)));
    }
    let replies =
        join_all(asked.iter().map(|pod| client.get_from_pod(&pod.namespace, &pod.name, "http", port, path, patience)))
            .await;
    for (pod, reply) in asked.iter().zip(replies) {
        match reply {
            Ok(reply) if (200..400).contains(&reply.code) => {}
            Ok(reply) => {
                return Err(wrong(component, pod, port, path, &format!("{} {}", reply.code, reply.text.trim())));
            }
            Err(error) if error.is_forbidden() => {
                return Ok(Told::NotAsked(format!("{path} on {port}: we may not use pods/proxy")));
            }
            Err(error) => return Err(wrong(component, pod, port, path, &reason(&error))),
        }
    }
    let count = asked.len();
    Ok(Told::Answers(format!("{path} on {port} answers at {count} pod{}", if count == 1 { "" } else { "s" })))
}

fn wrong(component: &str, pod: &Pod, port: u16, path: &str, said: &str) -> NotHealthy {
    let message = format!("{component} is ready, but {path} on port {port} does not answer");
    let object = ObjectRef::new("", "Pod", Some(&pod.namespace), &pod.name);
    NotHealthy(
        Finding::error(9011, message)
            .on(object)
            .seen(format!("pod {}: {said}", pod.name))
            .help("compare the health path and port in lucid.yaml with the pod's own readiness probe"),
    )
}

fn reason(error: &Error) -> String {
    match error {
        Error::Transport { cause, .. } => cause.clone(),
        other => other.to_string(),
    }
}
