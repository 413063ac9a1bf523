//! Secrets are referred to and never written down; nobody has a token or a privilege without need.

use std::collections::{BTreeMap, BTreeSet};

use lucid_object::Object;
use serde_json::{Value, json};

use super::{check_pods, check_releases, file::release_file};
use crate::manifests::{Release, containers};
use crate::table::{API_SERVER, WORKLOADS, workload};

/// Namespace and name to keys.
type Keys = BTreeMap<(String, String), BTreeSet<String>>;

/// What `lucid.yaml` says there has to be.
fn declared() -> Keys {
    let file = release_file();
    let all = file["spec"]["secrets"].as_array().expect("secrets");
    let of = |secret: &Value| {
        let namespace = secret["namespace"].as_str().unwrap_or("lucid-system").to_owned();
        let name = secret["name"].as_str().expect("a name").to_owned();
        ((namespace, name), secret["keys"].as_object().expect("keys").keys().cloned().collect())
    };
    all.iter().map(of).collect()
}

#[test]
fn no_secret_stands_in_the_repository() {
    check_releases(|release| {
        let secrets = release.of_kind("Secret").map(|secret| format!("Secret/{}", secret.name()));
        let sensitive = |name: &str| ["PASSWORD", "TOKEN", "SECRET", "KEY"].iter().any(|word| name.contains(word));
        let variables = release.pod_makers().flat_map(|maker| containers(maker.pod_spec().expect("pods")));
        let variables = variables.filter_map(|container| container["env"].as_array()).flatten();
        let literal = variables.filter(|v| sensitive(v["name"].as_str().unwrap_or_default()) && v["value"].is_string());
        let sealed = release.of_kind("SealedSecret").filter(|sealed| {
            let values = sealed.value()["spec"]["encryptedData"].as_object().into_iter().flatten();
            values.into_iter().any(|(_, value)| value != "seal-me")
        });
        let sealed = sealed.map(|sealed| format!("SealedSecret/{} has values", sealed.name()));
        secrets.chain(literal.map(|variable| format!("a literal {}", variable["name"]))).chain(sealed).collect()
    });
    let all = crate::manifests::tree().into_values().chain([file_text()]).collect::<String>();
    for trace in ["-----BEGIN", "stringData", "kind: Secret\n"] {
        assert!(!all.contains(trace), "{trace:?} stands in a manifest");
    }
}

fn file_text() -> String {
    std::fs::read_to_string(crate::manifests::root().join("lucid.yaml")).expect("lucid.yaml")
}

/// The keys of Secrets that a pod refers to: variables, volumes, or all keys where a volume takes all.
fn referred(maker: &Object, declared: &Keys) -> Keys {
    let namespace = maker.namespace().expect("a namespace").to_owned();
    let spec = maker.pod_spec().expect("pods");
    let mut keys = Keys::new();
    let mut add = |name: &str, key: Option<&str>| {
        let secret = (namespace.clone(), name.to_owned());
        let all = declared.get(&secret).cloned().unwrap_or_default();
        keys.entry(secret).or_default().extend(key.map_or(all, |key| BTreeSet::from([key.to_owned()])));
    };
    for variable in containers(spec).filter_map(|container| container["env"].as_array()).flatten() {
        let reference = &variable["valueFrom"]["secretKeyRef"];
        if let (Some(name), key) = (reference["name"].as_str(), reference["key"].as_str()) {
            add(name, key);
        }
    }
    for secret in spec["volumes"].as_array().into_iter().flatten().filter_map(|volume| volume.get("secret")) {
        let name = secret["secretName"].as_str().expect("a name");
        match secret["items"].as_array() {
            Some(items) => items.iter().for_each(|item| add(name, item["key"].as_str())),
            None => add(name, None),
        }
    }
    keys
}

#[test]
fn lucid_yaml_declares_every_secret_that_pods_refer_to_and_no_other() {
    let declared = declared();
    let mut used = Keys::new();
    for release in Release::overlays() {
        for (secret, keys) in release.pod_makers().flat_map(|maker| referred(maker, &declared)) {
            used.entry(secret).or_default().extend(keys);
        }
        // The ingress controller reads the certificate.
        let tls = release.of_kind("Ingress").filter_map(|i| i.str_at("/spec/tls/0/secretName"));
        for name in tls {
            let keys = used.entry(("lucid-system".to_owned(), name.to_owned())).or_default();
            keys.extend(["tls.crt".to_owned(), "tls.key".to_owned()]);
        }
    }
    assert_eq!(used, declared);
}

#[test]
fn keys_of_the_tron_network_are_never_generated() {
    let file = release_file();
    let all = file["spec"]["secrets"].as_array().expect("secrets");
    let tron: Vec<&Value> =
        all.iter().filter(|s| ["lucid-tron-api", "lucid-tron-keys"].iter().any(|name| s["name"] == *name)).collect();
    assert_eq!(tron.len(), 2);
    for secret in tron {
        for (key, how) in secret["keys"].as_object().expect("keys") {
            assert_eq!(*how, json!({"required": true}), "{key}");
        }
    }
}

#[test]
fn the_variants_bring_exactly_the_secrets_of_lucid_yaml() {
    let brought = |folder: &str, kind: &str, keys: fn(&Object) -> BTreeSet<String>| -> Keys {
        let release = Release::of(folder);
        let all = release.of_kind(kind);
        all.map(|o| ((o.namespace().expect("a namespace").to_owned(), o.name().to_owned()), keys(o))).collect()
    };
    let external = brought("variants/production+external-secrets", "ExternalSecret", |object| {
        let data = object.value()["spec"]["data"].as_array().into_iter().flatten();
        data.filter_map(|entry| entry["secretKey"].as_str().map(str::to_owned)).collect()
    });
    let sealed = brought("variants/minimal+sealed-secrets", "SealedSecret", |object| {
        object.value()["spec"]["encryptedData"].as_object().into_iter().flatten().map(|(key, _)| key.clone()).collect()
    });
    assert_eq!(external, declared());
    assert_eq!(sealed, declared());
}

#[test]
fn every_workload_has_an_account_of_its_own_and_a_token_only_if_it_calls_the_api_server() {
    check_pods(|release, maker| {
        let spec = maker.pod_spec().expect("pods");
        let account = spec["serviceAccountName"].as_str().unwrap_or_default();
        let found =
            release.of_kind("ServiceAccount").find(|a| a.name() == account && a.namespace() == maker.namespace());
        let mut wrong = Vec::new();
        // The Job that starts a database's replica set acts for the database.
        let is_own = account == maker.name() || (maker.kind() == "Job" && account == "lucid-mongodb");
        if !is_own || found.is_none_or(|account| account.value()["automountServiceAccountToken"] != json!(false)) {
            wrong.push(format!("account {account:?}, or one that mounts its token everywhere"));
        }
        let calls_api = maker.kind() != "Job" && workload(maker.name()).calls.contains(&API_SERVER);
        if spec["automountServiceAccountToken"] != json!(calls_api) {
            wrong.push(format!("a token: {}", spec["automountServiceAccountToken"]));
        }
        wrong
    });
    for release in Release::overlays() {
        assert_eq!(release.of_kind("ServiceAccount").count(), WORKLOADS.len(), "{}", release.name);
    }
}

#[test]
fn roles_let_two_workloads_look_and_nobody_write() {
    check_releases(|release| {
        let callers = ["lucid-node-management", "lucid-service-mesh-controller"];
        let mut wrong: Vec<String> = Vec::new();
        for kind in ["ClusterRole", "ClusterRoleBinding"] {
            wrong.extend(release.of_kind(kind).map(|object| format!("{kind}/{}", object.name())));
        }
        let names: Vec<&str> = release.of_kind("Role").map(Object::name).collect();
        if names.len() != 2 || callers.iter().any(|caller| !names.contains(caller)) {
            wrong.push(format!("roles {names:?}"));
        }
        for rule in release.of_kind("Role").flat_map(|role| role.value()["rules"].as_array().expect("rules")) {
            let verbs = rule["verbs"].as_array().into_iter().flatten();
            let looks = verbs.clone().all(|verb| ["get", "list", "watch"].iter().any(|allowed| verb == allowed));
            let resources: Vec<&str> =
                rule["resources"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
            if !looks || resources.iter().any(|r| ["*", "secrets", "configmaps"].contains(r)) {
                wrong.push(format!("rule {rule}"));
            }
        }
        for binding in release.of_kind("RoleBinding") {
            let name = binding.name();
            let subject = json!([{"kind": "ServiceAccount", "name": name, "namespace": binding.namespace()}]);
            if binding.value()["subjects"] != subject
                || binding.str_at("/roleRef/name") != Some(name)
                || !callers.contains(&name)
            {
                wrong.push(format!("binding {}", binding.value()));
            }
        }
        wrong
    });
}
