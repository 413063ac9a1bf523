//! What a node with real containers runs besides workloads: names, enforced policies, and an ingress controller.

use anyhow::Result;

use super::components::{SERVICES, Step, words};
use super::layout::Layout;
use super::node::NAME;
use crate::tools::{self, debian};

const NAMES: &str = include_str!("addons/names.yaml");
const INGRESS: &str = include_str!("addons/ingress.yaml");
/// The Service of the cluster's names.
pub(super) const DNS: &str = "10.96.0.10";

pub(super) fn write(layout: &Layout) -> Result<()> {
    layout.write("names.yaml", NAMES)?;
    layout.write("ingress.yaml", INGRESS)
}

/// They come up one beside the other; whoever needs names waits for them.
pub(super) fn steps() -> Result<Vec<Step>> {
    let kubectl = format!("{} --kubeconfig admin.kubeconfig", tools::path("kubectl").display());
    let apply = |what: &str| format!("{kubectl} apply --server-side --force-conflicts -f {what}");
    let rolled = |namespace: &str, name: &str| {
        format!("{kubectl} rollout status --timeout=60s -n {namespace} deployment/{name}")
    };
    let crds = tools::crds::contour();
    let objects = [apply(&crds.display().to_string()), apply("names.yaml"), apply("ingress.yaml")].join("; ");
    let there =
        [rolled("kube-system", "coredns"), rolled("projectcontour", "contour"), rolled("projectcontour", "envoy")];
    Ok(vec![policies()?, Step::script("addons", &objects), Step::script("addons", &there.join("; "))])
}

/// kube-router, of which only the firewall is used: it does what NetworkPolicies say.
fn policies() -> Result<Step> {
    let flags = format!(
        "{} --kubeconfig proxy.kubeconfig --hostname-override {NAME} --run-firewall --run-router=false \
         --run-service-proxy=false --run-loadbalancer=false --enable-ipv6=false --service-cluster-ip-range {SERVICES} \
         --health-port 20244",
        tools::path("kube-router").display()
    );
    let command = debian::with_environment(words(&flags))?;
    Ok(Step::command("kube-router", command).ready("http://127.0.0.1:20244/healthz"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::components::ADDRESS;
    use crate::cluster::node::REGISTRY;

    #[test]
    fn manifests_name_the_addresses_of_the_cluster() {
        assert!(NAMES.contains(&format!("clusterIP: {DNS}\n")));
        assert!(INGRESS.contains(&format!("externalIPs: [{ADDRESS}]\n")));
        assert!(INGRESS.contains(&format!("--ingress-status-address={ADDRESS}\n")));
        for image in [NAMES, INGRESS].join("\n").lines().filter_map(|line| line.trim().strip_prefix("image: ")) {
            assert!(image.starts_with(REGISTRY), "{image}");
        }
    }
}
