//! The plan that the supervisor follows: the network, each component's command line, and when it counts as up.

use anyhow::Result;
use serde::Serialize;

use super::layout::Layout;
use super::node;
use super::options::Options;
use crate::tools;

/// The server as clients inside the namespace reach it.
pub(crate) const SERVER: &str = "https://127.0.0.1:6443";
/// The one address of the namespace besides loopback's. Pods are in 10.0.0.0/16, Services in 10.96.0.0/16.
pub(crate) const ADDRESS: &str = "172.31.255.1";
pub(crate) const PODS: &str = "10.0.0.0/16";
pub(super) const SERVICES: &str = "10.96.0.0/16";

/// What the supervisor reads; `testcluster/supervisor.go` explains the fields.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Plan {
    pub(crate) dir: String,
    pub(crate) until_eof: bool,
    pub(crate) steps: Vec<Step>,
}

#[derive(Debug, Default, Serialize)]
pub(crate) struct Step {
    pub(crate) name: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    run: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    start: Vec<String>,
    ready: String,
    within: u32,
}

impl Step {
    pub(super) fn run(name: &str, command: &str) -> Self {
        Self { name: name.to_owned(), run: words(command), within: 30, ..Self::default() }
    }

    pub(super) fn start(name: &str, flags: &str) -> Self {
        let program = tools::path(name).display().to_string();
        Self::command(name, std::iter::once(program).chain(words(flags)).collect())
    }

    /// A component that is started by this command line.
    pub(super) fn command(name: &str, start: Vec<String>) -> Self {
        Self { name: name.to_owned(), start, within: 60, ..Self::default() }
    }

    /// A script that ends.
    pub(super) fn script(name: &str, text: &str) -> Self {
        let run = vec!["sh".to_owned(), "-ec".to_owned(), text.to_owned()];
        Self { name: name.to_owned(), run, within: 60, ..Self::default() }
    }

    pub(super) fn ready(self, url: &str) -> Self {
        Self { ready: url.to_owned(), ..self }
    }
}

pub(super) fn words(line: &str) -> Vec<String> {
    line.split_whitespace().map(str::to_owned).collect()
}

pub(crate) fn plan(layout: &Layout, options: &Options, until_eof: bool) -> Result<Plan> {
    let mut steps = network();
    if options.containers {
        steps.extend(node::ground(layout));
        steps.extend([etcd(), apiserver(), controllers(), scheduler()]);
        steps.extend(node::steps(layout)?);
    } else {
        steps.push(Step::run("network", &format!("ip route add local {PODS} dev lo")));
        steps.extend([etcd(), apiserver(), controllers(), scheduler(), healthd(), kwok()]);
    }
    steps.extend(furniture(options));
    Ok(Plan { dir: layout.dir.display().to_string(), until_eof, steps })
}

/// Loopback, and one address with the default route. kwok's pods get their addresses made local besides, so that healthd
/// answers on them.
fn network() -> Vec<Step> {
    let commands = [
        "ip link set lo up".to_owned(),
        format!("ip address add {ADDRESS}/32 dev lo"),
        format!("ip route add default dev lo src {ADDRESS}"),
    ];
    commands.iter().map(|command| Step::run("network", command)).collect()
}

fn etcd() -> Step {
    let peer = "http://127.0.0.1:2380";
    let client = "http://127.0.0.1:2379";
    let flags = format!(
        "--data-dir etcd --unsafe-no-fsync --log-level warn --quota-backend-bytes 8589934592 \
         --listen-client-urls {client} --advertise-client-urls {client} \
         --listen-peer-urls {peer} --initial-advertise-peer-urls {peer} --initial-cluster default={peer}"
    );
    Step::start("etcd", &flags).ready(&format!("{client}/health"))
}

/// The limits on requests in flight are far above what the tests send: what they measure is not to be the throttle.
fn apiserver() -> Step {
    let flags = format!(
        "--etcd-servers http://127.0.0.1:2379 --secure-port 6443 --advertise-address {ADDRESS} \
         --service-cluster-ip-range {SERVICES} --cert-dir pki \
         --tls-cert-file pki/server.crt --tls-private-key-file pki/server.key --client-ca-file pki/ca.crt \
         --token-auth-file tokens.csv --authorization-mode Node,RBAC --allow-privileged \
         --service-account-issuer https://kubernetes.default.svc --service-account-key-file pki/sa.pub \
         --service-account-signing-key-file pki/sa.key --kubelet-preferred-address-types InternalIP \
         --max-requests-inflight 4000 --max-mutating-requests-inflight 2000 \
         --audit-policy-file audit-policy.json --audit-log-path audit.log --profiling=false \
         --requestheader-client-ca-file pki/ca.crt --requestheader-allowed-names front-proxy \
         --requestheader-username-headers X-Remote-User --requestheader-group-headers X-Remote-Group \
         --requestheader-extra-headers-prefix X-Remote-Extra- \
         --proxy-client-cert-file pki/proxy.crt --proxy-client-key-file pki/proxy.key"
    );
    Step::start("kube-apiserver", &flags).ready(&format!("{SERVER}/readyz"))
}

/// Ports of their own in every cluster's namespace; no leader election, since there is one of each.
fn controllers() -> Step {
    let flags = "--kubeconfig controllers.kubeconfig --bind-address 127.0.0.1 --secure-port 10257 --leader-elect=false \
                 --kube-api-qps 2000 --kube-api-burst 4000 --profiling=false \
                 --root-ca-file pki/ca.crt --service-account-private-key-file pki/sa.key \
                 --concurrent-deployment-syncs 20 --concurrent-replicaset-syncs 20 \
                 --concurrent-statefulset-syncs 20 --concurrent-service-endpoint-syncs 20 \
                 --concurrent-gc-syncs 20 --concurrent-namespace-syncs 20";
    Step::start("kube-controller-manager", flags).ready("https://127.0.0.1:10257/healthz")
}

fn scheduler() -> Step {
    let flags = "--kubeconfig scheduler.kubeconfig --bind-address 127.0.0.1 --secure-port 10259 --leader-elect=false \
                 --kube-api-qps 2000 --kube-api-burst 4000 --profiling=false";
    Step::start("kube-scheduler", flags).ready("https://127.0.0.1:10259/healthz")
}

fn healthd() -> Step {
    Step::start("healthd", "").ready("http://10.0.0.2:8080/health")
}

/// Without the lease flag the node controller marks the nodes NotReady after 40 s, and nothing puts it back.
fn kwok() -> Step {
    let flags = format!(
        "--kubeconfig kwok.kubeconfig --config stages.yaml --manage-all-nodes --node-lease-duration-seconds 40 \
         --cidr 10.0.0.1/16 --node-ip {ADDRESS} --server-address 127.0.0.1:10247"
    );
    Step::start("kwok", &flags).ready("http://127.0.0.1:10247/healthz")
}

/// Nodes, StorageClass and volumes; up is when every node takes pods and the default namespace can run them.
fn furniture(options: &Options) -> Vec<Step> {
    let kubectl = format!("{} --kubeconfig", tools::path("kubectl").display());
    let admin = format!("{kubectl} admin.kubeconfig");
    let mut steps = vec![Step::run("objects", &format!("{admin} create --validate=false -f objects.json"))];
    if options.nodes > 0 || options.containers {
        let tainted = format!("{admin} get nodes -o jsonpath={{.items[*].spec.taints}}");
        let untainted = format!("for i in $(seq 200); do test -z \"$({tainted})\" && exit; sleep 0.05; done; exit 1");
        let run = vec!["sh".to_owned(), "-c".to_owned(), untainted];
        steps.push(Step { name: "nodes".to_owned(), run, within: 30, ..Step::default() });
    }
    let account = format!("{admin} wait --for=create --timeout=20s serviceaccount/default");
    steps.push(Step::run("namespace", &account));
    steps
}

#[cfg(test)]
mod tests {
    use super::*;

    fn steps() -> Vec<Step> {
        plan(&Layout::new("x"), &Options::default(), false).expect("a plan").steps
    }

    #[test]
    fn the_server_is_up_before_anything_that_speaks_to_it() {
        let names: Vec<_> = steps().into_iter().map(|s| s.name).collect();
        let at = |name: &str| names.iter().position(|n| n == name).expect(name);
        for client in ["kube-controller-manager", "kube-scheduler", "kwok", "objects", "nodes", "namespace"] {
            assert!(at("kube-apiserver") < at(client), "{client}");
        }
        assert!(at("network") < at("etcd") && at("etcd") < at("kube-apiserver"));
    }

    #[test]
    fn everything_that_stays_says_when_it_serves() {
        for step in steps().iter().filter(|s| !s.start.is_empty()) {
            assert!(!step.ready.is_empty(), "{}", step.name);
        }
    }
}
