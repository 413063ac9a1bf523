//! Field ownership: server-side apply and `metadata.managedFields`.
//!
//! The rules are those of sigs.k8s.io/structured-merge-diff v6 and of apimachinery's `util/managedfields`: [`set`] is a
//! set of field paths in the `fieldsV1` form, [`compare`] and [`extract`] make such sets from objects, [`merge`] and
//! [`remove`] change objects by them, and [`managed`] keeps the record of who owns what.

pub(crate) mod compare;
pub(crate) mod extract;
pub(crate) mod managed;
pub(crate) mod merge;
pub(crate) mod path;
pub(crate) mod remove;
pub(crate) mod set;
pub(crate) mod typed;

pub(crate) use managed::{ApplyError, Manager, apply, update};
