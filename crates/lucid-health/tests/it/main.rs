//! Health endpoints asked through a server that speaks the API server's and the kubelet's part of port-forward.

mod endpoints;
mod server;
