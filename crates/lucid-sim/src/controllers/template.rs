//! The hash that names revisions of a pod template.

use serde_json::Value;

const ALPHABET: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";

/// The hash of a template, as ten or fewer characters of the alphabet that generated names use. `collisions` makes it
/// another one when the name is taken by something else.
pub(crate) fn hash(template: &Value, collisions: i64) -> String {
    let mut state = Fnv::default();
    walk(template, &mut state);
    if collisions > 0 {
        state.write(&collisions.to_le_bytes());
    }
    encode(&state.0.to_string())
}

/// Digits in an alphabet without vowels, so that no word comes out.
fn encode(digits: &str) -> String {
    digits.bytes().map(|byte| char::from(ALPHABET[usize::from(byte) % ALPHABET.len()])).collect()
}

/// FNV-1a with 32 bits.
struct Fnv(u32);

impl Default for Fnv {
    fn default() -> Self {
        Self(0x811c_9dc5)
    }
}

impl Fnv {
    fn write(&mut self, bytes: &[u8]) {
        self.0 = bytes.iter().fold(self.0, |hash, byte| (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193));
    }
}

/// Fields in the order of their names, whatever order they were written in.
fn walk(value: &Value, state: &mut Fnv) {
    match value {
        Value::Object(map) => {
            let mut keys: Vec<&String> = map.keys().collect();
            keys.sort();
            state.write(b"{");
            for key in keys {
                state.write(key.as_bytes());
                state.write(b":");
                walk(&map[key], state);
            }
            state.write(b"}");
        }
        Value::Array(items) => {
            state.write(b"[");
            items.iter().for_each(|item| walk(item, state));
            state.write(b"]");
        }
        other => state.write(other.to_string().as_bytes()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_order_of_fields_does_not_count() {
        let (a, b) = (json!({"a": 1, "b": [2]}), json!({"b": [2], "a": 1}));
        assert_eq!(hash(&a, 0), hash(&b, 0));
        assert_ne!(hash(&a, 0), hash(&a, 1));
        assert_ne!(hash(&a, 0), hash(&json!({"a": 1, "b": [3]}), 0));
    }

    #[test]
    fn it_reads_like_a_generated_name() {
        let hash = hash(&json!({"spec": {}}), 0);
        assert!(hash.len() <= 10 && hash.bytes().all(|byte| ALPHABET.contains(&byte)), "{hash}");
    }
}
