//! The health checks of one component, asked at its pods.

use std::collections::BTreeSet;
use std::time::Duration;

use futures::future::join_all;
use lucid_client::ApiClient;
use lucid_object::{Finding, ObjectRef};
use lucid_release::HealthCheck;
use lucid_status::health::Served;

use crate::way::{self, Said, Way};

/// A ready pod of the component.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pod {
    pub namespace: String,
    pub name: String,
    /// Its address in the cluster.
    pub ip: Option<String>,
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
        said.push(match ask(client, component, check, pods, PATIENCE).await.told {
            Ok(Told::Answers(how)) => how,
            // What has no pods has no probe either.
            Ok(Told::NotAsked(why)) if pods.is_empty() => format!("its objects stand; not asked: {why}"),
            Ok(Told::NotAsked(why)) => format!("by the kubelet's readiness probe ({why})"),
            Err(not_healthy) => return Err(not_healthy),
        });
    }
    Ok(Asked { how: said.join("; ") })
}

/// What came of asking at all.
#[derive(Debug)]
pub(crate) enum Told {
    Answers(String),
    NotAsked(String),
}

/// And the certificate that came along, if there was one.
pub(crate) struct Heard {
    pub(crate) told: Result<Told, NotHealthy>,
    pub(crate) served: Option<Served>,
}

pub(crate) async fn ask(
    client: &ApiClient,
    component: &str,
    check: &HealthCheck,
    pods: &[Pod],
    patience: Duration,
) -> Heard {
    let asked = &pods[..pods.len().min(PODS_ASKED)];
    let answers = join_all(asked.iter().map(|pod| way::ask(client, check, pod, patience))).await;
    sum_up(component, check, asked, answers)
}

/// One wrong answer is enough; and if no way led to one of the pods, the others have answered for it.
fn sum_up(component: &str, check: &HealthCheck, pods: &[Pod], answers: Vec<Said>) -> Heard {
    let (mut ways, mut served, mut obstacles, mut bad) = (Vec::new(), None, Vec::new(), None);
    for (pod, said) in pods.iter().zip(answers) {
        match said {
            Said::Fine(way, shown) => {
                ways.push(way);
                served = served.or(shown);
            }
            Said::Wrong(way, words, shown) => {
                bad = bad.or_else(|| Some(wrong(component, pod, check, way, &words)));
                served = served.or(shown);
            }
            Said::NoWay(why) => obstacles.extend(why),
        }
    }
    let told = match bad {
        // A component may have no workload of its own, such as one that is an Ingress.
        _ if pods.is_empty() && !matches!(check, HealthCheck::Http { .. }) => {
            Ok(Told::NotAsked(format!("{}: there is no ready pod to be asked", what(check))))
        }
        _ if pods.is_empty() => Err(nobody(component, check)),
        Some(bad) => Err(bad),
        None if ways.is_empty() => {
            obstacles.dedup();
            Ok(Told::NotAsked(format!("{}: {}", what(check), obstacles.join("; "))))
        }
        None => Ok(Told::Answers(answers_at(check, &ways))),
    };
    Heard { told, served }
}

fn answers_at(check: &HealthCheck, ways: &[Way]) -> String {
    let count = ways.len();
    let by: BTreeSet<Way> = ways.iter().copied().collect();
    let by: Vec<&str> = by.into_iter().map(Way::words).collect();
    let verb = if matches!(check, HealthCheck::Tcp { .. }) { "accepts" } else { "answers" };
    format!("{} {verb} at {count} pod{}, {}", what(check), if count == 1 { "" } else { "s" }, by.join(" and "))
}

/// "/health on 8080", "TCP 6379", "https://a.example:8443/".
fn what(check: &HealthCheck) -> String {
    match check {
        HealthCheck::Http { port, path } => format!("{path} on {port}"),
        HealthCheck::Tcp { port } => format!("TCP {port}"),
        HealthCheck::Https { port, host, path } => format!("https://{host}:{port}{path}"),
    }
}

fn nobody(component: &str, check: &HealthCheck) -> NotHealthy {
    NotHealthy(Finding::error(9011, format!("{component} has no ready pod that could be asked for {}", what(check))))
}

fn wrong(component: &str, pod: &Pod, check: &HealthCheck, way: Way, said: &str) -> NotHealthy {
    let message = match check {
        HealthCheck::Http { port, path } => {
            format!("{component} is ready, but {path} on port {port} does not answer as it should")
        }
        HealthCheck::Tcp { port } => format!("{component} is ready, but port {port} accepts no connection"),
        HealthCheck::Https { .. } => format!("{component} is ready, but {} does not answer as it should", what(check)),
    };
    let object = ObjectRef::new("", "Pod", Some(&pod.namespace), &pod.name);
    NotHealthy(
        Finding::error(9011, message)
            .on(object)
            .seen(format!("pod {}, asked {}: {said}", pod.name, way.words()))
            .help("compare the health path and port in lucid.yaml with the pod's own readiness probe"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(pods: usize, answers: Vec<Said>) -> Result<String, String> {
        let pod = |number: usize| Pod { namespace: "n".into(), name: format!("p{number}"), ip: None };
        let pods: Vec<Pod> = (0..pods).map(pod).collect();
        let check = HealthCheck::Http { port: 80, path: "/h".into() };
        match sum_up("api", &check, &pods, answers).told {
            Ok(Told::Answers(how)) => Ok(how),
            Ok(Told::NotAsked(why)) => Ok(format!("not asked: {why}")),
            Err(NotHealthy(finding)) => Err(format!("{} ({})", finding.message, finding.evidence.join(", "))),
        }
    }

    fn no_way() -> Said {
        Said::NoWay(vec!["we may not use pods/portforward".into(), "we may not use pods/proxy".into()])
    }

    #[test]
    fn the_report_says_how_it_knows() {
        let fine = |way| Said::Fine(way, None);
        assert_eq!(heard(1, vec![fine(Way::Forward)]).unwrap(), "/h on 80 answers at 1 pod, by port-forward");
        assert_eq!(
            heard(3, vec![fine(Way::Proxy), fine(Way::Forward), fine(Way::Proxy)]).unwrap(),
            "/h on 80 answers at 3 pods, by port-forward and through the API proxy"
        );
        assert_eq!(
            heard(1, vec![no_way()]).unwrap(),
            "not asked: /h on 80: we may not use pods/portforward; we may not use pods/proxy"
        );
    }

    #[test]
    fn one_wrong_answer_is_enough() {
        let wrong = Said::Wrong(Way::Forward, "503 no database".into(), None);
        assert_eq!(
            heard(2, vec![Said::Fine(Way::Forward, None), wrong]).unwrap_err(),
            "api is ready, but /h on port 80 does not answer as it should (pod p1, asked by port-forward: 503 no database)"
        );
        assert!(heard(0, vec![]).unwrap_err().contains("no ready pod"));
    }
}
