//! The model of lucid.yaml and of what a release stores in the cluster.
