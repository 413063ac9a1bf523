//! The only crate that speaks to an API server.
