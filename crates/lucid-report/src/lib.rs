//! Folds the events of a run into what people and machines read.
//!
//! [`RunView`] is the one fold; [`plain`] prints a line for each change of state, [`live`] draws a view of fixed height,
//! [`summary`] says at the end what happened, [`diagnostic`] shows a finding as a compiler would, and [`result`] is the
//! versioned object for machines; [`findings`] are for machines; [`health`] prints health reports, one file an output; [`page`] is what every HTML page is made of. [`redact`] is what every byte passes on its way out. Nothing here prints.

pub mod changes;
pub mod diagnostic;
pub mod findings;
pub mod health;
pub mod live;
pub mod page;
pub mod path;
pub mod plain;
pub mod redact;
pub mod result;
pub mod style;
pub mod summary;
pub mod view;

pub use redact::Redactor;
pub use style::Paint;
pub use view::{Row, RowState, RunView};
