//! Users, kubeconfigs and the audit policy: who may speak to the cluster, and whose requests are counted.

use serde_json::{Value, json};

use super::components::SERVER;
use super::layout::Layout;
use anyhow::Result;

/// A user of the static token file.
pub(crate) struct User {
    pub(crate) name: &'static str,
    pub(crate) group: &'static str,
}

const MASTERS: &str = "system:masters";

/// `lucid` and `bench` are the clients under test; `guest` starts without any privilege, for tests of RBAC.
pub(crate) const USERS: [User; 9] = [
    User { name: "admin", group: MASTERS },
    User { name: "lucid", group: MASTERS },
    User { name: "bench", group: MASTERS },
    User { name: "guest", group: "guests" },
    User { name: "controllers", group: MASTERS },
    User { name: "scheduler", group: MASTERS },
    User { name: "kwok", group: MASTERS },
    User { name: "kubelet", group: MASTERS },
    User { name: "proxy", group: MASTERS },
];

/// The users whose requests the audit log counts.
const AUDITED: [&str; 3] = ["lucid", "bench", "guest"];

/// Writes the token file, a kubeconfig for each user and the audit policy.
pub(crate) fn write(layout: &Layout, audit_everyone: bool) -> Result<()> {
    layout.write("tokens.csv", &tokens())?;
    for user in &USERS {
        layout.write(&format!("{}.kubeconfig", user.name), &kubeconfig(layout, user.name).to_string())?;
    }
    layout.write("audit-policy.json", &audit_policy(audit_everyone).to_string())
}

/// Nobody outside of the namespace can reach the server, so the tokens need not be secret.
fn token(user: &str) -> String {
    format!("{user}-token")
}

fn tokens() -> String {
    let line = |u: &User| format!("{},{},{},\"{}\"\n", token(u.name), u.name, u.name, u.group);
    USERS.iter().map(line).collect()
}

fn kubeconfig(layout: &Layout, user: &str) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "testcluster",
        "clusters": [{
            "name": "testcluster",
            "cluster": {"server": SERVER, "certificate-authority": layout.text("pki/ca.crt")},
        }],
        "users": [{"name": user, "user": {"token": token(user)}}],
        "contexts": [{"name": "testcluster", "context": {"cluster": "testcluster", "user": user}}],
    })
}

fn audit_policy(everyone: bool) -> Value {
    let counted = match everyone {
        true => json!({"level": "Metadata"}),
        false => json!({"level": "Metadata", "users": AUDITED}),
    };
    json!({
        "apiVersion": "audit.k8s.io/v1",
        "kind": "Policy",
        // A watch is counted when it starts, everything else when it has been answered.
        "omitStages": ["RequestReceived"],
        "rules": [counted, {"level": "None"}],
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_user_has_a_token_and_a_kubeconfig_that_carries_it() {
        let file = tokens();
        for user in &USERS {
            let config = kubeconfig(&Layout::new("x"), user.name);
            let token = config["users"][0]["user"]["token"].as_str().expect("token");
            assert!(file.contains(&format!("{token},{}", user.name)), "{}", user.name);
        }
    }

    #[test]
    fn only_the_clients_under_test_are_audited_unless_asked() {
        assert_eq!(audit_policy(false)["rules"][0]["users"], json!(["lucid", "bench", "guest"]));
        assert!(audit_policy(true)["rules"][0].get("users").is_none());
    }
}
