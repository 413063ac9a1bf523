//! A release of one Deployment, on real containers.

use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::harness::{Namespace, told};
use crate::ran::{Ran, lucid};

/// The cluster's own registry: plain HTTP, for everyone.
pub(crate) const OPEN: &str = "127.0.0.1:5000";
pub(crate) const NAME: &str = "hamigames/lucid/lucid-standin";

/// A release of one Deployment.
pub(crate) struct One {
    pub(crate) namespace: Namespace,
    pub(crate) folder: PathBuf,
}

impl One {
    pub(crate) fn new(image: &str) -> Self {
        Self::with(image, "", "")
    }

    /// `of_pods` stands in the pods' specification, `of_container` in that of their container.
    pub(crate) fn with(image: &str, of_pods: &str, of_container: &str) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let namespace = Namespace::new("one");
        let folder = told("LUCID_TEST_DIR").join(format!("one-{}", NEXT.fetch_add(1, Ordering::Relaxed)));
        fs::create_dir_all(folder.join("k8s")).expect("a folder");
        let release = format!(
            "apiVersion: lucid.dev/v1alpha1\nkind: Release\nmetadata: {{name: one}}\nspec:\n  source: k8s\n  \
             namespace: {}\n  deadline: 120s\n  components:\n  - {{name: app, select: {{app: one}}, needs: []}}\n",
            namespace.0
        );
        fs::write(folder.join("lucid.yaml"), release).expect("write");
        let deployment = format!(
            "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: one, namespace: {}, labels: {{app: one}}}}\nspec:\n  \
             selector: {{matchLabels: {{app: one}}}}\n  template:\n    metadata: {{labels: {{app: one}}}}\n    spec:\n      \
             {of_pods}\n      containers:\n      - name: app\n        image: {image}\n        \
             env: [{{name: LUCID_SERVICE, value: lucid-block-manager}}]\n        {of_container}\n        \
             readinessProbe: {{httpGet: {{path: /health, port: 8086}}, periodSeconds: 1}}\n",
            namespace.0
        );
        fs::write(folder.join("k8s/deployment.yaml"), deployment).expect("write");
        Self { namespace, folder }
    }

    pub(crate) fn manifest(&self) -> String {
        fs::read_to_string(self.folder.join("k8s/deployment.yaml")).expect("read")
    }

    pub(crate) fn deploy(&self) -> Ran {
        lucid(&self.folder, &["deploy", "--on-failure", "stop", "--no-images"], &[])
    }
}

impl Drop for One {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}
