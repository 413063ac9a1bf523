//! The inputs that fuzzing has collected, each given to its target again. `cargo xtask soak fuzz` collects them.

use std::path::Path;

use crate::figure::figure;
use crate::support::targets::TARGETS;

/// One JSON string a line; its characters are the bytes.
pub(crate) fn collected(target: &str) -> Vec<Vec<u8>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/fuzz/{target}.jsonl"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let line = |line: &str| {
        let text: String = serde_json::from_str(line).expect("a JSON string");
        text.chars().map(|c| u8::try_from(u32::from(c)).expect("a byte")).collect()
    };
    text.lines().map(line).collect()
}

#[test]
fn collected_inputs_break_nothing() {
    let mut told = Vec::new();
    for (name, target) in TARGETS {
        let inputs = collected(name);
        assert!(inputs.len() > 50, "{name} has {} inputs", inputs.len());
        let broken = inputs.iter().filter(|input| std::panic::catch_unwind(|| target(input)).is_err());
        let broken: Vec<_> = broken.map(|input| String::from_utf8_lossy(input).into_owned()).collect();
        assert!(broken.is_empty(), "{name}: {broken:#?}");
        told.push(format!("{} {name}", inputs.len()));
    }
    figure(&format!("fuzzed inputs replayed: {}", told.join(", ")));
}
