//! The "Beta" sidecar: an Envoy beside each core and application service, fed by the mesh controller.

use lucid_object::yaml;
use serde_json::json;

use super::{check_releases, check_workloads};
use crate::manifests::{Release, containers, is_sidecar};
use crate::table::{XDS, workload};

/// The component is switched on in the two large overlays.
fn has_mesh(release: &Release) -> bool {
    release.name.starts_with("production") || release.name.starts_with("staging")
}

#[test]
fn core_and_application_services_have_a_sidecar_and_nobody_else_has() {
    check_workloads(|release, maker| {
        let spec = maker.pod_spec().expect("pods");
        let sidecars: Vec<_> = containers(spec).filter(|container| container["name"] == "lucid-mesh-proxy").collect();
        let wanted = usize::from(has_mesh(release) && workload(maker.name()).has_sidecar());
        let mut wrong = Vec::new();
        if sidecars.len() != wanted || sidecars.iter().any(|container| !is_sidecar(container)) {
            wrong.push(format!("{} native sidecars, not {wanted}", sidecars.len()));
        }
        let labelled =
            maker.pod_labels().is_some_and(|labels| labels.get("lucid.dev/mesh").is_some_and(|v| v == "sidecar"));
        if labelled != (wanted == 1) {
            wrong.push("its label says otherwise".to_owned());
        }
        wrong
    });
}

#[test]
fn the_sidecar_makes_its_service_need_the_controller() {
    check_workloads(|release, maker| {
        let needs = maker.annotations().get("config.kubernetes.io/depends-on").cloned();
        let controller = "apps/namespaces/lucid-system/Deployment/lucid-service-mesh-controller";
        let wanted = (has_mesh(release) && workload(maker.name()).has_sidecar()).then(|| controller.to_owned());
        if needs == wanted { Vec::new() } else { vec![format!("depends on {needs:?}")] }
    });
}

#[test]
fn the_sidecar_redirects_nothing_and_asks_the_controller_what_to_do() {
    check_releases(|release| {
        let configurations: Vec<_> =
            release.of_kind("ConfigMap").filter(|c| c.name() == "lucid-mesh-sidecar").collect();
        if !has_mesh(release) {
            return if configurations.is_empty() {
                Vec::new()
            } else {
                vec!["a configuration for no sidecar".to_owned()]
            };
        }
        let text = configurations[0].str_at("/data/envoy.yaml").expect("envoy.yaml");
        let envoy = yaml::parse(text, 0).expect("YAML")[0].to_json();
        let cluster = &envoy["static_resources"]["clusters"][0];
        let address =
            &cluster["load_assignment"]["endpoints"][0]["lb_endpoints"][0]["endpoint"]["address"]["socket_address"];
        let ads = &envoy["dynamic_resources"]["ads_config"]["grpc_services"][0]["envoy_grpc"]["cluster_name"];
        let listeners = envoy["static_resources"]["listeners"].as_array().expect("listeners");
        let facts = [
            (
                "the controller",
                *address == json!({"address": "lucid-service-mesh-controller.lucid-system.svc", "port_value": XDS}),
            ),
            ("xDS from it", *ads == cluster["name"]),
            ("an admin port for itself only", envoy["admin"]["address"]["socket_address"]["address"] == "127.0.0.1"),
            (
                "no listener but for its probes",
                listeners.len() == 1 && listeners[0]["address"]["socket_address"]["port_value"] == 15021,
            ),
            ("no redirection", !text.contains("original_dst")),
        ];
        facts.into_iter().filter(|(_, is_so)| !is_so).map(|(what, _)| what.to_owned()).collect()
    });
}
