//! The health endpoints of one component, each with its own answer and time: what a health report shows.

use std::time::{Duration, Instant};

use futures::future::join_all;
use lucid_client::ApiClient;
use lucid_release::HealthCheck;
use lucid_status::health::{Answer, Endpoint};

use crate::probe::{Heard, NotHealthy, Site, Told, ask, what};

/// Who is asked.
#[derive(Debug, Clone, Copy)]
pub struct Whom<'a> {
    pub component: &'a str,
    pub site: Site<'a>,
    /// How many of the pods have a readiness probe of their own, which the kubelet answers for.
    pub probed: usize,
    /// Pods could not be listed, and this is why.
    pub unseen: Option<&'a str>,
}

/// Asks every check, all at once, none for longer than `patience`.
pub async fn ask_all(client: &ApiClient, whom: Whom<'_>, checks: &[HealthCheck], patience: Duration) -> Vec<Endpoint> {
    join_all(checks.iter().map(|check| one(client, whom, check, patience))).await
}

async fn one(client: &ApiClient, whom: Whom<'_>, check: &HealthCheck, patience: Duration) -> Endpoint {
    let began = Instant::now();
    let heard = match whom.unseen {
        Some(why) => Heard { told: Ok(Told::NotAsked(format!("its pods could not be listed: {why}"))), served: None },
        None => ask(client, whom.component, check, whom.site, patience).await,
    };
    let answer = match heard.told {
        Ok(Told::Answers(how)) => Answer::Answers(how),
        Ok(Told::NotAsked(why)) if whom.unseen.is_some() => Answer::NotAsked(why),
        Ok(Told::NotAsked(why)) => by_kubelet(whom, &why),
        Err(NotHealthy(finding)) => Answer::Wrong(Box::new(finding)),
    };
    let took_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
    Endpoint { name: name(check), answer, took_ms, served: heard.served }
}

/// Where we may not ask, the kubelet's verdict on the pod's own probe counts, and it is said that it does.
fn by_kubelet(whom: Whom<'_>, why: &str) -> Answer {
    match whom.probed {
        _ if whom.site.pods.is_empty() => Answer::NotAsked(why.to_owned()),
        0 => Answer::NotAsked(format!("{why}, and its ready pods have no readiness probe")),
        count => Answer::Answers(format!(
            "the kubelet's own readiness probe passes at {count} pod{} ({why})",
            if count == 1 { "" } else { "s" }
        )),
    }
}

fn name(check: &HealthCheck) -> String {
    let what = what(check);
    if matches!(check, HealthCheck::Tcp { .. }) { what } else { format!("GET {what}") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probe::Pod;

    fn whom(probed: usize) -> Whom<'static> {
        const POD: &[Pod] = &[Pod { namespace: String::new(), name: String::new(), ip: None }];
        Whom { component: "api", site: Site { pods: POD, addresses: &[] }, probed, unseen: None }
    }

    #[test]
    fn the_kubelet_counts_only_where_it_probes() {
        let said = by_kubelet(whom(2), "we may not use pods/proxy");
        assert_eq!(
            said,
            Answer::Answers("the kubelet's own readiness probe passes at 2 pods (we may not use pods/proxy)".into())
        );
        assert!(matches!(by_kubelet(whom(0), "x"), Answer::NotAsked(why) if why.contains("no readiness probe")));
    }

    #[test]
    fn names_say_what_is_asked() {
        assert_eq!(name(&HealthCheck::http(8080, "/h")), "GET /h on 8080");
        let https = HealthCheck::Https { port: 443, host: "a.example".into(), path: "/".into(), status: None };
        assert_eq!(name(&https), "GET https://a.example/");
    }
}
