//! How a port of a pod is reached: by port-forward, which ends inside of the pod's own network; through the API proxy, if
//! it speaks HTTP; directly, from inside of the cluster. Only GET is ever sent.

use std::time::Duration;

use lucid_client::{ApiClient, Error, Forwarded};
use lucid_release::HealthCheck;
use lucid_status::health::Served;

use crate::probe::Pod;
use crate::talk::{self, Line, Reply};
use crate::tls;

/// By which way an answer came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Way {
    Forward,
    Proxy,
    Direct,
}

impl Way {
    pub(crate) fn words(self) -> &'static str {
        match self {
            Self::Forward => "by port-forward",
            Self::Proxy => "through the API proxy",
            Self::Direct => "directly",
        }
    }
}

/// What came of asking one pod.
#[derive(Debug)]
pub(crate) enum Said {
    Fine(Way, Option<Served>),
    /// It answered, and not as it should, or nobody listens.
    Wrong(Way, String, Option<Served>),
    /// No way leads there; why.
    NoWay(Vec<String>),
}

/// Asks along one way after the other until there is a verdict. A port that is closed to a port-forward may be open on the
/// pod's address, so that the other ways are tried before it counts as closed.
pub(crate) async fn ask(client: &ApiClient, check: &HealthCheck, pod: &Pod, patience: Duration) -> Said {
    let (mut closed, mut obstacles) = (None, Vec::new());
    let port = check.port();
    // A node that cannot be reached must not use up the time of the other ways.
    match client.forward(&pod.namespace, &pod.name, port, patience / 2).await {
        Ok(line) => match forwarded(line, check, pod, patience).await {
            Told::Closed(words) => closed = Some((Way::Forward, words)),
            told => return told.said(Way::Forward),
        },
        Err(error) => obstacles.push(obstacle(&error, "pods/portforward", "port-forward")),
    }
    // The proxy asks under a name of its own.
    if let HealthCheck::Http { path, host: None, .. } = check {
        match client.get_from_pod(&pod.namespace, &pod.name, "http", port, path, patience).await {
            Ok(reply) => {
                let reply = Reply { code: reply.code, text: reply.text };
                return judged(check, &reply, None).said(Way::Proxy);
            }
            Err(error) if error.is_forbidden() => obstacles.push("we may not use pods/proxy".into()),
            Err(error) => closed = closed.or(Some((Way::Proxy, reason(&error)))),
        }
    }
    if let (true, Some(address)) = (client.is_inside(), &pod.ip) {
        match directly(address, check, &pod.name, patience).await {
            Told::Closed(words) => closed = closed.or(Some((Way::Direct, words))),
            told => return told.said(Way::Direct),
        }
    }
    closed.map_or(Said::NoWay(obstacles), |(way, words)| Said::Wrong(way, words, None))
}

/// True if the port accepts a connection within the pod's own network. That no way leads there proves nothing.
pub async fn accepts_inside(client: &ApiClient, pod: &Pod, port: u16, patience: Duration) -> bool {
    let Ok(line) = client.forward(&pod.namespace, &pod.name, port, patience).await else { return false };
    matches!(forwarded(line, &HealthCheck::Tcp { port }, pod, patience).await, Told::Fine(_))
}

/// Asks an address that is to be reached from anywhere. That it is not from here proves nothing.
pub(crate) async fn ask_address(check: &HealthCheck, address: &str, patience: Duration) -> Said {
    match directly(address, check, address, patience).await {
        Told::Closed(words) => Said::NoWay(vec![format!("{address} cannot be reached from here: {words}")]),
        told => told.said(Way::Direct),
    }
}

fn obstacle(error: &Error, privilege: &str, way: &str) -> String {
    if error.is_forbidden() { format!("we may not use {privilege}") } else { format!("{way}: {}", reason(error)) }
}

fn reason(error: &Error) -> String {
    match error {
        Error::Transport { cause, .. } => cause.clone(),
        Error::Status { status, .. } => match status.get("message").and_then(|message| message.as_str()) {
            Some(message) => message.to_owned(),
            None => error.to_string(),
        },
        other => other.to_string(),
    }
}

/// What came over one line.
enum Told {
    Fine(Option<Served>),
    Wrong(String, Option<Served>),
    /// Nobody listens there.
    Closed(String),
}

impl Told {
    fn said(self, way: Way) -> Said {
        match self {
            Self::Fine(served) => Said::Fine(way, served),
            Self::Wrong(words, served) => Said::Wrong(way, words, served),
            Self::Closed(words) => Said::Wrong(way, words, None),
        }
    }
}

fn judged(check: &HealthCheck, reply: &Reply, served: Option<Served>) -> Told {
    if check.wants(reply.code) { Told::Fine(served) } else { Told::Wrong(reply.words(), served) }
}

async fn forwarded(mut line: Forwarded, check: &HealthCheck, pod: &Pod, patience: Duration) -> Told {
    let trouble = line.trouble();
    let own = pod.ip.as_deref().filter(|ip| !ip.contains(':')).unwrap_or("localhost");
    let place = Place { by: format!("port {} of pod {}", check.port(), pod.name), own };
    let asked = within(patience, over(line, check, &place));
    tokio::pin!(trouble, asked);
    tokio::select! {
        biased;
        told = &mut trouble => match told {
            Some(words) => Told::Closed(closed(&words)),
            // The line has ended: whatever came before that counts.
            None => asked.await,
        },
        told = &mut asked => match told {
            // The kubelet's reason comes just before the line is cut, or just after.
            Told::Wrong(words, None) => match tokio::time::timeout(AFTERTHOUGHT, trouble).await {
                Ok(Some(why)) => Told::Closed(closed(&why)),
                _ => Told::Wrong(words, None),
            },
            told => told,
        },
    }
}

/// How long a reason may come after the line was cut.
const AFTERTHOUGHT: Duration = Duration::from_millis(100);

/// The kubelet's words name namespaces of the node's kernel and both address families; the end is what counts.
fn closed(words: &str) -> String {
    let words = words.trim();
    if words.contains("connection refused") { "connection refused: nobody listens on it".into() } else { words.into() }
}

async fn directly(address: &str, check: &HealthCheck, by: &str, patience: Duration) -> Told {
    let place = Place { by: by.to_owned(), own: address };
    match tokio::time::timeout(patience, tls::connect(address, check.port())).await {
        Ok(Ok(line)) => within(patience, over(line, check, &place)).await,
        Ok(Err(words)) => Told::Closed(words),
        Err(_) => Told::Closed(late(patience)),
    }
}

async fn within(patience: Duration, asked: impl Future<Output = Told>) -> Told {
    tokio::time::timeout(patience, asked).await.unwrap_or_else(|_| Told::Wrong(late(patience), None))
}

fn late(patience: Duration) -> String {
    format!("no answer within {} s", patience.as_secs_f64())
}

/// The other end of a line.
struct Place<'a> {
    /// Who shows a certificate there.
    by: String,
    /// What it is asked as, if not for a host name.
    own: &'a str,
}

async fn over(line: impl Line + 'static, check: &HealthCheck, place: &Place<'_>) -> Told {
    let wrong = |words: String| Told::Wrong(words, None);
    match check {
        HealthCheck::Tcp { .. } => talk::stays_open(line).await.map_or_else(wrong, |()| Told::Fine(None)),
        HealthCheck::Http { port, path, host, .. } => {
            let host = host.clone().unwrap_or_else(|| format!("{}:{port}", place.own));
            talk::get(line, &host, path).await.map_or_else(wrong, |reply| judged(check, &reply, None))
        }
        HealthCheck::Https { host, path, .. } => match tls::greet(line, host).await {
            Err(words) => Told::Wrong(words, None),
            Ok((line, tls)) => {
                let served = Served { host: host.clone(), by: place.by.clone(), tls };
                match talk::get(line, host, path).await {
                    Ok(reply) => judged(check, &reply, Some(served)),
                    Err(words) => Told::Wrong(words, Some(served)),
                }
            }
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kubelets_words_are_put_short() {
        let said = "error forwarding port 8080 to pod 1f, uid : failed to execute portforward in network namespace \
                    \"/var/run/netns/cni-1\": failed to connect to localhost:8080 inside namespace \"1f\", IPv4: dial tcp4 \
                    127.0.0.1:8080: connect: connection refused IPv6 dial tcp6: address localhost: no suitable address found ";
        assert_eq!(closed(said), "connection refused: nobody listens on it");
        assert_eq!(closed("sandbox is gone\n"), "sandbox is gone");
    }
}
