//! Figures for `docs/soak.md`.

use std::io::Write as _;

/// Tells a figure to whoever runs the tests, if it wants any.
pub(crate) fn figure(text: &str) {
    let Some(path) = std::env::var_os("LUCID_FIGURES") else { return };
    let mut file = std::fs::OpenOptions::new().append(true).create(true).open(path).expect("a file of figures");
    writeln!(file, "{text}").expect("a figure is written");
}
