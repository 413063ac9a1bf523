//! One program from manifests to verified running on Kubernetes.

fn main() {}
