//! Drives the engine against a client, and keeps the release's record in the cluster.
