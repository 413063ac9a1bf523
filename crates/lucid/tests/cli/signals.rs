//! SIGTERM at moments at which nothing answers: the program ends all the same, long before a request would be given up.

use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::bench::Bench;

/// Far more than the program takes, and far less than it waits for an answer.
const PATIENCE: Duration = Duration::from_secs(30);

const RELEASE: &str = "apiVersion: lucid.dev/v1alpha1
kind: Release
metadata: {name: shop}
spec: {source: k8s, namespace: shop, components: []}
";
const MAP: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n";

/// A release, and a kubeconfig for this address.
fn bench(server: &TcpListener) -> Bench {
    let config = format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: c\nclusters: [{{name: c, cluster: {{server: \"http://{}\"}}}}]\ncontexts: [{{name: c, context: {{cluster: c, user: u}}}}]\nusers: [{{name: u, user: {{}}}}]\n",
        server.local_addr().unwrap()
    );
    Bench::new(&[("lucid.yaml", RELEASE), ("k8s/a.yaml", MAP), ("config", &config)])
}

fn code_within_patience(child: &mut Child) -> Option<i32> {
    let began = Instant::now();
    while began.elapsed() < PATIENCE {
        if let Some(status) = child.try_wait().unwrap() {
            return status.code();
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    panic!("it did not end within {PATIENCE:?}");
}

#[test]
fn a_server_that_never_answers_holds_nobody_up() {
    for (args, signal, code) in
        [(&["deploy"][..], "-TERM", 143), (&["plan"], "-INT", 130), (&["rollback"], "-TERM", 143)]
    {
        let server = TcpListener::bind("127.0.0.1:0").unwrap();
        let bench = bench(&server);
        let mut lucid = Command::new(env!("CARGO_BIN_EXE_lucid"));
        lucid.args(args).current_dir(bench.path("")).env("KUBECONFIG", bench.path("config"));
        let mut child = lucid.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        // It has asked, and waits for the answer.
        let _asked = server.accept().unwrap();
        let sent = Command::new("kill").args([signal, &child.id().to_string()]).status();
        assert!(sent.unwrap().success());
        assert_eq!(code_within_patience(&mut child), Some(code), "{args:?}");
    }
}
