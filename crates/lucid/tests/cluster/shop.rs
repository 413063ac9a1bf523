//! A small release on disk, and the binary run on it: what the cluster tests deploy.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output};
use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::Value;

/// One component of the small release: a ConfigMap, a Service and a Deployment.
#[derive(Clone)]
pub(crate) struct App {
    pub(crate) name: &'static str,
    pub(crate) needs: &'static [&'static str],
    pub(crate) image: String,
    pub(crate) replicas: u32,
    pub(crate) config: String,
    /// Annotations of its pods, which say to the test cluster how they behave.
    pub(crate) annotations: Vec<(&'static str, &'static str)>,
    /// Extra lines of the container.
    pub(crate) container: &'static str,
}

impl App {
    pub(crate) fn new(name: &'static str, needs: &'static [&'static str]) -> Self {
        Self {
            name,
            needs,
            image: format!("registry.test/{name}:1"),
            replicas: 1,
            config: "a".into(),
            annotations: vec![("lucid.dev/test-ready-delay", "1s")],
            container: "",
        }
    }

    fn yaml(&self) -> String {
        let annotations: String =
            self.annotations.iter().map(|(key, value)| format!("\n        {key}: \"{value}\"")).collect();
        format!(
            "apiVersion: v1
kind: ConfigMap
metadata:
  name: {name}
  labels: {{app: {name}}}
data:
  setting: \"{config}\"
---
apiVersion: v1
kind: Service
metadata:
  name: {name}
  labels: {{app: {name}}}
spec:
  selector: {{app: {name}}}
  ports:
  - port: 8080
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {name}
  labels: {{app: {name}}}
spec:
  replicas: {replicas}
  selector:
    matchLabels: {{app: {name}}}
  template:
    metadata:
      labels: {{app: {name}}}
      annotations:
        shop/name: {name}{annotations}
    spec:
      containers:
      - name: main
        image: {image}
        ports:
        - containerPort: 8080
        resources:
          requests: {{cpu: 10m, memory: 16Mi}}{container}
",
            name = self.name,
            config = self.config,
            image = self.image,
            replicas = self.replicas,
            container = self.container,
        )
    }
}

/// A release folder of its own, in a namespace of its own.
pub(crate) struct Shop {
    pub(crate) folder: PathBuf,
    pub(crate) namespace: String,
    pub(crate) apps: Vec<App>,
    /// Manifests beside the components'.
    pub(crate) extra: String,
}

static COUNT: AtomicU32 = AtomicU32::new(0);

impl Shop {
    /// db, cache; api needs db; web needs api.
    pub(crate) fn new(name: &str) -> Self {
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let namespace = format!("{name}-{}-{number}", std::process::id());
        let folder = std::env::temp_dir().join(&namespace);
        let apps =
            vec![App::new("db", &[]), App::new("cache", &[]), App::new("api", &["db"]), App::new("web", &["api"])];
        Self { folder, namespace, apps, extra: String::new() }
    }

    pub(crate) fn app(&mut self, name: &str) -> &mut App {
        self.apps.iter_mut().find(|app| app.name == name).expect("an app of the shop")
    }

    pub(crate) fn write(&self) {
        let k8s = self.folder.join("k8s");
        fs::create_dir_all(&k8s).unwrap();
        let mut resources = String::from("resources:\n- extra.yaml\n");
        let mut components = String::new();
        let namespace =
            format!("apiVersion: v1\nkind: Namespace\nmetadata:\n  name: {}\n---\n{}", self.namespace, self.extra);
        fs::write(k8s.join("extra.yaml"), namespace).unwrap();
        for app in &self.apps {
            fs::write(k8s.join(format!("{}.yaml", app.name)), app.yaml()).unwrap();
            resources.push_str(&format!("- {}.yaml\n", app.name));
            components.push_str(&format!(
                "  - name: {}\n    select: {{app: {}}}\n    needs: [{}]\n    health: [{{http: {{port: 8080, path: /health}}}}]\n",
                app.name,
                app.name,
                app.needs.join(", ")
            ));
        }
        fs::write(k8s.join("kustomization.yaml"), resources).unwrap();
        let release = format!(
            "apiVersion: lucid.dev/v1alpha1\nkind: Release\nmetadata: {{name: shop}}\nspec:\n  source: k8s\n  namespace: {}\n  deadline: 60s\n  images: {{check: false}}\n  components:\n{components}",
            self.namespace
        );
        fs::write(self.folder.join("lucid.yaml"), release).unwrap();
    }

    pub(crate) fn run(&self, args: &[&str]) -> Ran {
        self.write();
        Ran::of(self.command(args).output().expect("the binary runs"))
    }

    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_lucid"));
        command.args(args).current_dir(&self.folder);
        command.env("KUBECONFIG", crate::harness::kubeconfig("lucid"));
        command.env("LUCID_STATE_DIR", self.folder.join("state"));
        command
    }

    /// What shows a write to its objects: the generation of a workload (its status moves by itself), the resource version
    /// of everything else.
    pub(crate) fn versions(&self) -> Vec<String> {
        let out = kubectl(&["get", "deployments,services,configmaps", "-n", &self.namespace, "-o", "json"]);
        let list: Value = serde_json::from_str(&out).unwrap();
        let version = |item: &Value| match item["kind"].as_str() {
            Some("Deployment") => item["metadata"]["generation"].to_string(),
            _ => item["metadata"]["resourceVersion"].to_string(),
        };
        let items = list["items"].as_array().unwrap();
        let mut versions: Vec<String> = items
            .iter()
            .map(|item| format!("{}/{} {}", item["kind"], item["metadata"]["name"], version(item)))
            .collect();
        versions.sort();
        versions
    }
}

impl Drop for Shop {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
        kubectl(&["delete", "namespace", &self.namespace, "--ignore-not-found", "--wait=false"]);
    }
}

/// What a run of the binary said.
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ran {
    pub(crate) fn of(output: Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    #[track_caller]
    pub(crate) fn check(&self, code: i32, parts: &[&str]) {
        assert_eq!(self.code, code, "{self}");
        for part in parts {
            assert!(self.stdout.contains(part) || self.stderr.contains(part), "{part:?} is not in\n{self}");
        }
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self}"))
    }
}

impl std::fmt::Display for Ran {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "exit {}\n--- stdout\n{}\n--- stderr\n{}", self.code, self.stdout, self.stderr)
    }
}

/// What kubectl prints, also when it fails: the scene is checked by what follows.
pub(crate) fn kubectl(args: &[&str]) -> String {
    let output = crate::harness::kubectl_command().args(args).output().expect("kubectl runs");
    String::from_utf8(output.stdout).unwrap()
}
