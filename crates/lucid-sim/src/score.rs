//! How true the simulator is, in figures that tests hold it to.

/// Results against the real thing.
#[derive(Debug, Clone, Copy)]
pub struct Score {
    /// The API server's tests in Kubernetes' conformance suite: passed, and all that need no webhook or aggregated server.
    /// Held by `cargo xtask conformance`.
    pub conformance: (u32, u32),
    /// Random requests of the test run to a real API server and to the simulator, and how many answers differ without a
    /// reason. Held by the cluster suite.
    pub twins: (u32, u32),
    /// Entries of Kubernetes' list of storage properties that are tests here.
    pub storage: u32,
}

/// What the last runs showed.
pub const SCORE: Score = Score { conformance: (64, 64), twins: (500, 0), storage: 53 };
