//! Desired and live objects in, a plan out: validation, graph, differences.
