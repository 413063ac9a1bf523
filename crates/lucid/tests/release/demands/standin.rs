//! The stand-in behaves like the service that it stands for: its table is held against the architecture's.

use crate::table::{Health, WORKLOADS};

/// The stand-in is a program of its own and uses no crate of ours, nor they it: its table is read from its source.
#[expect(dead_code, reason = "what only the stand-in itself uses")]
#[path = "../../../../lucid-standin/src/service.rs"]
mod service;

use service::{SERVICES, Service, Speaks};

#[test]
fn the_stand_in_knows_the_27_as_they_are() {
    assert_eq!(SERVICES.len(), WORKLOADS.len());
    for row in &WORKLOADS {
        let name = row.full_name();
        let standin = Service::named(&name).unwrap_or_else(|| panic!("no stand-in for {name}"));
        let ports: Vec<u16> = standin.ports.iter().map(|(port, _)| *port).filter(|port| *port != 9300).collect();
        assert_eq!(ports, row.ports, "{name}");
        assert_eq!(standin.metrics, row.metrics, "{name}");
        let needs: Vec<&str> = standin.needs.iter().map(|need| need.trim_start_matches("lucid-")).collect();
        assert_eq!(needs, row.needs, "{name}");
        let (port, speaks) = standin.ports[0];
        match row.health {
            Health::Http(want, path) => {
                assert_eq!((port, standin.health, speaks), (want, path, Speaks::Http), "{name}")
            }
            Health::Tcp(want) | Health::Ping(want) => {
                assert_eq!(port, want, "{name}");
                assert_ne!(speaks, Speaks::Http, "{name}");
            }
        }
    }
}

#[test]
fn it_checks_tokens_where_the_service_has_the_key() {
    let release = crate::manifests::Release::overlay("local");
    for workload in release.workloads() {
        let volumes = workload.pod_spec().expect("pods")["volumes"].as_array().cloned().unwrap_or_default();
        let has_key = volumes.iter().any(|volume| volume["secret"]["secretName"] == "lucid-jwt");
        let standin = Service::named(workload.name()).expect("a stand-in");
        assert_eq!(standin.checks_tokens, has_key, "{}", workload.name());
    }
}
