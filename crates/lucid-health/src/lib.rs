//! Probes of running components.
