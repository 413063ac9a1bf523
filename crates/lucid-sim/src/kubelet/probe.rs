//! Probes of a container against the application that its scenario plays.

use std::time::Duration;

use serde_json::Value;

use crate::json::Json;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Startup,
    Readiness,
    Liveness,
}

impl Kind {
    pub(crate) fn field(self) -> &'static str {
        match self {
            Self::Startup => "startupProbe",
            Self::Readiness => "readinessProbe",
            Self::Liveness => "livenessProbe",
        }
    }

    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Startup => "Startup",
            Self::Readiness => "Readiness",
            Self::Liveness => "Liveness",
        }
    }
}

/// What the application in a running container does at some moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum App {
    /// The process runs, but nobody listens yet.
    Starting,
    Serving,
    /// Answers that it is not ready.
    Unready,
    /// Takes connections and says nothing.
    Hung,
}

/// One probe of one running container.
#[derive(Debug, Clone)]
pub(crate) struct Probe {
    pub(crate) kind: Kind,
    spec: Value,
    pub(crate) next: Duration,
    run: i64,
    last: Option<bool>,
    pub(crate) result: Option<bool>,
}

impl Probe {
    /// The probe of that kind, if the container has one; it asks first at `first` or after its initial delay.
    pub(crate) fn of(container: &Value, kind: Kind, since: Duration, first: Duration) -> Option<Self> {
        let spec = container.at(kind.field());
        if spec.is_null() {
            return None;
        }
        let delay = Duration::from_secs(u64::try_from(spec.int("initialDelaySeconds")).unwrap_or(0));
        let result = match kind {
            Kind::Startup => None,
            Kind::Readiness => Some(false),
            Kind::Liveness => Some(true),
        };
        let next = first.max(since + delay);
        Some(Self { kind, spec: spec.clone(), next, run: 0, last: None, result })
    }

    /// Asks the application; `Some` holds the failure's text. The result changes at the thresholds only.
    pub(crate) fn ask(&mut self, app: App, ip: &str, container: &Value) -> Option<String> {
        let failure = self.failure(app, ip, container);
        let good = failure.is_none();
        self.run = if self.last == Some(good) { self.run + 1 } else { 1 };
        self.last = Some(good);
        let threshold =
            if good { self.threshold("successThreshold", 1) } else { self.threshold("failureThreshold", 3) };
        if self.run >= threshold {
            self.result = Some(good);
        }
        self.next += Duration::from_secs(self.threshold("periodSeconds", 10).unsigned_abs());
        failure
    }

    fn threshold(&self, field: &str, default: i64) -> i64 {
        if self.spec.int(field) > 0 { self.spec.int(field) } else { default }
    }

    /// An application that says it is not ready fails its readiness probe; the startup probe only where it stands in
    /// for a readiness probe; never the liveness probe.
    fn failure(&self, app: App, ip: &str, container: &Value) -> Option<String> {
        let counts = match app {
            App::Serving => false,
            App::Unready => {
                self.kind == Kind::Readiness || self.kind == Kind::Startup && !container.has("readinessProbe")
            }
            App::Starting | App::Hung => true,
        };
        counts.then(|| self.text(app, ip, container))
    }

    fn text(&self, app: App, ip: &str, container: &Value) -> String {
        let spec = &self.spec;
        if spec.has("httpGet") {
            let scheme = spec.str("httpGet/scheme").to_lowercase();
            let scheme = if scheme.is_empty() { "http" } else { &scheme };
            let host = if spec.str("httpGet/host").is_empty() { ip } else { spec.str("httpGet/host") };
            let address = format!("{host}:{}", port(spec.at("httpGet/port"), container));
            let url = format!("{scheme}://{address}{}", spec.str("httpGet/path"));
            return match app {
                App::Unready => "HTTP probe failed with statuscode: 503".to_owned(),
                App::Hung => {
                    format!("Get {url:?}: context deadline exceeded (Client.Timeout exceeded while awaiting headers)")
                }
                _ => format!("Get {url:?}: dial tcp {address}: connect: connection refused"),
            };
        }
        if spec.has("tcpSocket") {
            let address = format!("{ip}:{}", port(spec.at("tcpSocket/port"), container));
            return match app {
                App::Hung => format!("dial tcp {address}: i/o timeout"),
                _ => format!("dial tcp {address}: connect: connection refused"),
            };
        }
        let seconds = self.threshold("timeoutSeconds", 1);
        if spec.has("grpc") {
            let address = format!("{ip}:{}", spec.int("grpc/port"));
            return match app {
                App::Unready => "service unhealthy (responded with \"NOT_SERVING\")".to_owned(),
                _ => format!(
                    "timeout: failed to connect service {address:?} within {seconds}s: context deadline exceeded"
                ),
            };
        }
        match app {
            App::Hung => format!("command timed out: {:?} timed out after {seconds}s", command(spec)),
            _ => String::new(),
        }
    }
}

fn command(spec: &Value) -> String {
    let words: Vec<&str> = spec.list("exec/command").iter().filter_map(Value::as_str).collect();
    words.join(" ")
}

/// A port by number, or by the name that the container gives it.
fn port(port: &Value, container: &Value) -> i64 {
    if let Some(number) = port.as_i64() {
        return number;
    }
    let name = port.as_str().unwrap_or("");
    let named = container.list("ports").iter().find(|port| port.str("name") == name);
    named.map_or(0, |port| port.int("containerPort"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn container() -> Value {
        json!({"ports": [{"name": "http", "containerPort": 8080}],
            "readinessProbe": {"httpGet": {"path": "/ready", "port": "http"}, "periodSeconds": 5, "failureThreshold": 2,
                "successThreshold": 2, "initialDelaySeconds": 3}})
    }

    #[test]
    fn thresholds_count_in_a_row() {
        let container = container();
        let mut probe = Probe::of(&container, Kind::Readiness, Duration::ZERO, Duration::ZERO).unwrap();
        assert_eq!(probe.next, Duration::from_secs(3));
        let mut ask = |app| {
            probe.ask(app, "10.0.0.1", &container);
            probe.result
        };
        let answers =
            [App::Serving, App::Serving, App::Unready, App::Serving, App::Unready, App::Unready].map(&mut ask);
        assert_eq!(answers.map(Option::unwrap), [false, true, true, true, true, false]);
        assert_eq!(probe.next, Duration::from_secs(33));
    }

    #[track_caller]
    fn check(app: App, expect: &str) {
        let container = container();
        let mut probe = Probe::of(&container, Kind::Readiness, Duration::ZERO, Duration::ZERO).unwrap();
        assert_eq!(probe.ask(app, "10.0.0.1", &container).unwrap_or_default(), expect);
    }

    #[test]
    fn failures_have_the_kubelets_words() {
        check(App::Serving, "");
        check(App::Unready, "HTTP probe failed with statuscode: 503");
        check(App::Starting, "Get \"http://10.0.0.1:8080/ready\": dial tcp 10.0.0.1:8080: connect: connection refused");
    }
}
