//! The renderer beside the real kustomize: a corpus of cases and random trees.

mod bounds;
mod corpus;
mod mutate;
mod origins;
mod random;
mod support;
