//! The workflows and their scripts, with no GitHub: structure from the parsed YAML, scripts run for real.

/// The action that other repositories use.
#[path = "pipeline/action.rs"]
mod action;
/// The Dockerfiles: small, static, non-root and locked.
#[path = "pipeline/images.rs"]
mod images;
/// What the scripts do: exit codes, signals, and whom they tell.
#[path = "pipeline/scripts.rs"]
mod scripts;
/// What every workflow keeps: rights, limits, pinned actions, no foreign text in a script; and who waits for whom.
#[path = "pipeline/structure.rs"]
mod structure;
