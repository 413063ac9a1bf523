//! What a cluster should look like.

use clap::Parser;

use super::layout;

#[derive(Debug, Clone, Parser)]
pub(crate) struct Options {
    /// Clusters of different names run at the same time
    #[arg(long, default_value = "default", value_parser = layout::name)]
    pub(crate) name: String,
    /// How many nodes, spread over three zones
    #[arg(long, default_value_t = 5)]
    pub(crate) nodes: usize,
    /// What each node can give, as a quantity
    #[arg(long, default_value = "8")]
    pub(crate) node_cpu: String,
    #[arg(long, default_value = "16Gi")]
    pub(crate) node_memory: String,
    /// How many pods a node takes
    #[arg(long, default_value_t = 500)]
    pub(crate) node_pods: usize,
    /// How many volumes there are to be claimed
    #[arg(long, default_value_t = 60)]
    pub(crate) volumes: usize,
    /// One node that runs real containers instead of kwok's, with a registry on loopback; needs root
    #[arg(long)]
    pub(crate) containers: bool,
    /// Log the requests of every user, not only those of the clients under test
    #[arg(long)]
    pub(crate) audit: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self::parse_from(["up"])
    }
}

impl Options {
    pub(crate) fn named(name: &str) -> Self {
        Self { name: name.to_owned(), ..Self::default() }
    }
}
