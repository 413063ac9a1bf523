//! libFuzzer around the targets of `tests/it/support/targets.rs`; `LUCID_FUZZ_TARGET` says which.
#![no_main]

#[path = "../../tests/it/support/targets.rs"]
mod targets;

use std::sync::LazyLock;

static TARGET: LazyLock<targets::Target> = LazyLock::new(|| {
    let name = std::env::var("LUCID_FUZZ_TARGET").expect("LUCID_FUZZ_TARGET");
    let found = targets::TARGETS.iter().find(|(known, _)| *known == name);
    found.unwrap_or_else(|| panic!("there is no target {name}")).1
});

libfuzzer_sys::fuzz_target!(|data: &[u8]| TARGET(data));
