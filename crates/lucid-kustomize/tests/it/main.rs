//! The renderer beside the real kustomize: a corpus of cases and random trees.

mod bounds;
mod commented;
mod corpus;
mod figure;
mod fuzz;
mod mutate;
mod origins;
mod random;
mod round_trip;
mod support;
