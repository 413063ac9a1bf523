//! The stand-in of the other architecture, under emulation.

use std::process::{Command, Stdio};
use std::time::Duration;

use crate::harness::{told, wait_for};
use crate::load::get;

#[test]
fn the_arm64_stand_in_serves_under_emulation() {
    let program = told("LUCID_TEST_STANDIN_ARM64");
    let elf = std::fs::read(&program).expect("the arm64 program");
    // EM_AARCH64, in the header's `e_machine`.
    assert_eq!((&elf[..4], elf[18], elf[19]), (&b"\x7fELF"[..], 183, 0));
    let mut emulator = Command::new(told("LUCID_TEST_TOOLS").join("debian/usr/bin/qemu-aarch64-static"));
    emulator.arg(&program).args(["--service", "lucid-payment-gateway", "--bind", "127.0.0.9", "--revision", "arm64"]);
    let mut running = emulator.stdout(Stdio::null()).spawn().expect("start the emulator");
    let body = wait_for("the emulated stand-in's health", Duration::from_secs(60), || {
        get("127.0.0.9:8097", "/health").ok().filter(|(status, _)| *status == 200).map(|(_, body)| body)
    });
    assert!(body.contains(r#""revision":"arm64""#) && body.contains("lucid-payment-gateway"), "{body}");
    let asked = Command::new("kill").args(["-TERM", &running.id().to_string()]).status().expect("kill");
    assert!(asked.success());
    assert!(running.wait().expect("its end").success(), "it ends in order under emulation too");
}
