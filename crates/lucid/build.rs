//! Linking: on Linux the program is loaded where it was linked for.
//!
//! A position-independent executable of this size has 52,000 addresses to be corrected before `main`, in 260 pages that the
//! kernel would otherwise share: more than half of what a short command takes.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    let is = |variable: &str, value: &str| std::env::var(variable).is_ok_and(|given| given == value);
    if is("CARGO_CFG_TARGET_OS", "linux") && is("CARGO_CFG_TARGET_ENV", "gnu") && is("PROFILE", "release") {
        println!("cargo:rustc-link-arg-bins=-no-pie");
    }
}
