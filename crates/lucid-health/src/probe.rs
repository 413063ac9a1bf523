//! The health checks of one component, asked at its pods; of one without pods, at the addresses of its Ingresses.

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

/// Where a component can be asked.
#[derive(Debug, Clone, Copy, Default)]
pub struct Site<'a> {
    /// Those that are ready, those of the newest revision first.
    pub pods: &'a [Pod],
    /// Of its Ingresses and Gateways: where a component that has no pods of its own answers.
    pub addresses: &'a [String],
}

/// One of a site's.
#[derive(Debug, Clone, Copy)]
enum Place<'a> {
    Pod(&'a Pod),
    Address(&'a str),
}

impl<'a> Site<'a> {
    /// Enough to see that a new revision answers, without asking a hundred replicas. An address is asked for a name.
    fn places(self, check: &HealthCheck) -> Vec<Place<'a>> {
        let pods = self.pods.iter().map(Place::Pod);
        let is_asked_there = self.pods.is_empty() && check.host().is_some();
        let addresses = self.addresses.iter().filter(|_| is_asked_there);
        pods.chain(addresses.map(|address| Place::Address(address))).take(PLACES_ASKED).collect()
    }
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
const PLACES_ASKED: usize = 3;

/// Asks every check at up to three places.
///
/// # Errors
/// The first endpoint that gave a wrong answer or none.
pub async fn probe(
    client: &ApiClient,
    component: &str,
    checks: &[HealthCheck],
    site: Site<'_>,
) -> Result<Asked, NotHealthy> {
    let (mut said, mut not_asked) = (Vec::new(), Vec::new());
    for check in checks {
        match ask(client, component, check, site, PATIENCE).await.told {
            Ok(Told::Answers(how)) => said.push(how),
            // What has no pods has no probe either.
            Ok(Told::NotAsked(why)) if site.pods.is_empty() => not_asked.push(why),
            Ok(Told::NotAsked(why)) => said.push(format!("by the kubelet's readiness probe ({why})")),
            Err(not_healthy) => return Err(not_healthy),
        }
    }
    let unknown = in_short(&not_asked).map(|words| format!("its objects stand; not asked: {words}"));
    Ok(Asked { how: in_short(&said).into_iter().chain(unknown).collect::<Vec<_>>().join("; ") })
}

/// Two endpoints by their names, and how many there are besides.
fn in_short(said: &[String]) -> Option<String> {
    match said {
        [] => None,
        [one] => Some(one.clone()),
        [one, other] => Some(format!("{one}; {other}")),
        [one, rest @ ..] => Some(format!("{one}; and {} more endpoints", rest.len())),
    }
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
    site: Site<'_>,
    patience: Duration,
) -> Heard {
    let places = site.places(check);
    let answers = join_all(places.iter().map(|place| async {
        match place {
            Place::Pod(pod) => way::ask(client, check, pod, patience).await,
            Place::Address(address) => way::ask_address(check, address, patience).await,
        }
    }));
    sum_up(component, check, &places, answers.await)
}

/// One wrong answer is enough; and if no way led to one of the places, the others have answered for it.
fn sum_up(component: &str, check: &HealthCheck, places: &[Place<'_>], answers: Vec<Said>) -> Heard {
    let (mut ways, mut served, mut obstacles, mut bad) = (Vec::new(), None, Vec::new(), None);
    for (place, said) in places.iter().zip(answers) {
        match said {
            Said::Fine(way, shown) => {
                ways.push(way);
                served = served.or(shown);
            }
            Said::Wrong(way, words, shown) => {
                bad = bad.or_else(|| Some(wrong(component, *place, check, way, &words)));
                served = served.or(shown);
            }
            Said::NoWay(why) => obstacles.extend(why),
        }
    }
    let told = match bad {
        // A component may have no workload of its own, such as one that is an Ingress.
        _ if places.is_empty() && check.host().is_some() => {
            Ok(Told::NotAsked(format!("{}: there is no ready pod and no address to be asked", what(check))))
        }
        _ if places.is_empty() && matches!(check, HealthCheck::Tcp { .. }) => {
            Ok(Told::NotAsked(format!("{}: there is no ready pod to be asked", what(check))))
        }
        _ if places.is_empty() => Err(nobody(component, check)),
        Some(bad) => Err(bad),
        None if ways.is_empty() => {
            obstacles.dedup();
            Ok(Told::NotAsked(format!("{}: {}", what(check), obstacles.join("; "))))
        }
        None => Ok(Told::Answers(answers_at(check, places, &ways))),
    };
    Heard { told, served }
}

fn answers_at(check: &HealthCheck, places: &[Place<'_>], ways: &[Way]) -> String {
    let count = ways.len();
    let places = match (places.first(), count) {
        (Some(Place::Address(address)), 1) => (*address).to_owned(),
        (Some(Place::Address(_)), _) => format!("{count} addresses"),
        (_, 1) => "1 pod".to_owned(),
        (_, _) => format!("{count} pods"),
    };
    let by: BTreeSet<Way> = ways.iter().copied().collect();
    let by: Vec<&str> = by.into_iter().map(Way::words).collect();
    let verb = match (check, check.status()) {
        (HealthCheck::Tcp { .. }, _) => "accepts".to_owned(),
        (_, Some(status)) => format!("answers {status}"),
        (_, None) => "answers".to_owned(),
    };
    format!("{} {verb} at {places}, {}", what(check), by.join(" and "))
}

/// "/health on 8080", "TCP 6379", "https://a.example:8443/".
pub(crate) fn what(check: &HealthCheck) -> String {
    match check {
        HealthCheck::Http { port, path, host: None, .. } => format!("{path} on {port}"),
        HealthCheck::Tcp { port } => format!("TCP {port}"),
        HealthCheck::Http { host: Some(_), .. } | HealthCheck::Https { .. } => check.url().unwrap_or_default(),
    }
}

fn nobody(component: &str, check: &HealthCheck) -> NotHealthy {
    NotHealthy(Finding::error(9011, format!("{component} has no ready pod that could be asked for {}", what(check))))
}

fn wrong(component: &str, place: Place<'_>, check: &HealthCheck, way: Way, said: &str) -> NotHealthy {
    let message = match check {
        HealthCheck::Http { port, path, host: None, .. } => {
            format!("{component} is ready, but {path} on port {port} does not answer as it should")
        }
        HealthCheck::Tcp { port } => format!("{component} is ready, but port {port} accepts no connection"),
        _ => format!("{component} is ready, but {} does not answer as it should", what(check)),
    };
    let pod = match place {
        Place::Pod(pod) => pod,
        Place::Address(address) => {
            let finding = Finding::error(9011, message).seen(format!("{address}, asked {}: {said}", way.words()));
            return NotHealthy(
                finding.help("look at the rules of its Ingress and at the log of the Ingress controller"),
            );
        }
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
        let check = HealthCheck::http(80, "/h");
        said(&check, Site { pods: &pods, addresses: &[] }, answers)
    }

    fn said(check: &HealthCheck, site: Site<'_>, answers: Vec<Said>) -> Result<String, String> {
        match sum_up("api", check, &site.places(check), answers).told {
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
    fn without_pods_a_name_is_asked_for_at_the_addresses() {
        let addresses = ["192.0.2.7".to_owned(), "lb.example".to_owned()];
        let at = |count: usize| Site { pods: &[], addresses: &addresses[..count] };
        let check = HealthCheck::Https { port: 443, host: "a.example".into(), path: "/".into(), status: None };
        let fine = || Said::Fine(Way::Direct, None);
        assert_eq!(said(&check, at(1), vec![fine()]).unwrap(), "https://a.example/ answers at 192.0.2.7, directly");
        let wrong = Said::Wrong(Way::Direct, "404".into(), None);
        assert_eq!(
            said(&check, at(2), vec![fine(), wrong]).unwrap_err(),
            "api is ready, but https://a.example/ does not answer as it should (lb.example, asked directly: 404)"
        );
        assert_eq!(
            said(&check, at(0), vec![]).unwrap(),
            "not asked: https://a.example/: there is no ready pod and no address to be asked"
        );
        // An address answers for a name only.
        assert!(said(&HealthCheck::http(80, "/"), at(2), vec![]).unwrap_err().contains("no ready pod"));
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
