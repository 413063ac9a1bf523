//! Base64, as Secrets carry their values.

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

pub(crate) fn encode(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let word = chunk.iter().fold(0_u32, |word, byte| word << 8 | u32::from(*byte)) << (8 * (3 - chunk.len()));
        for at in 0..4 {
            let index = (word >> (18 - 6 * at) & 0x3f) as usize;
            out.push(if at <= chunk.len() { char::from(ALPHABET[index]) } else { '=' });
        }
    }
    out
}

/// The bytes of a text with or without padding.
pub(crate) fn decode(text: &str) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(text.len() * 3 / 4);
    let digits: Option<Vec<u32>> = text.trim_end_matches('=').bytes().map(digit).collect();
    for chunk in digits?.chunks(4) {
        let word = chunk.iter().fold(0, |word, digit| word << 6 | digit) << (6 * (4 - chunk.len()));
        let bytes = word.to_be_bytes();
        out.extend_from_slice(&bytes[1..chunk.len()]);
    }
    Some(out)
}

fn digit(byte: u8) -> Option<u32> {
    ALPHABET.iter().position(|one| *one == byte).and_then(|at| u32::try_from(at).ok())
}

/// Whether the text is base64 as Go's standard encoding reads it; else the byte at which it gives up. Line ends do not
/// count.
pub(crate) fn check(text: &str) -> Result<(), usize> {
    let bytes = text.as_bytes();
    let next = |mut at: usize| {
        while matches!(bytes.get(at), Some(b'\r' | b'\n')) {
            at += 1;
        }
        at
    };
    let mut at = 0;
    loop {
        let begin = next(at);
        if begin >= bytes.len() {
            return Ok(());
        }
        for digit in 0..4 {
            at = next(at);
            let Some(byte) = bytes.get(at) else { return Err(at - digit) };
            at += 1;
            if *byte == b'=' {
                return padding(bytes, digit, at, next);
            }
            if !ALPHABET.contains(byte) {
                return Err(at - 1);
            }
        }
    }
}

/// The rest of a text after its first `=`, which is the given digit of its group of four.
fn padding(bytes: &[u8], digit: usize, mut at: usize, next: impl Fn(usize) -> usize) -> Result<(), usize> {
    match digit {
        0 | 1 => return Err(at - 1),
        2 => {
            at = next(at);
            match bytes.get(at) {
                None => return Err(bytes.len()),
                Some(b'=') => at += 1,
                Some(_) => return Err(at - 1),
            }
        }
        _ => {}
    }
    let end = next(at);
    if end < bytes.len() { Err(end) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_values() {
        for (plain, coded) in [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foobar", "Zm9vYmFy")] {
            assert_eq!(encode(plain.as_bytes()), coded);
            assert_eq!(check(coded), Ok(()));
            assert_eq!(decode(coded).as_deref(), Some(plain.as_bytes()));
        }
    }

    #[test]
    fn where_reading_stops() {
        for (text, at) in
            [("Zg=", 3), ("Z g=", 1), ("====", 0), ("Zg==Zg==", 4), ("Zm9v!", 4), ("Zm9vY", 4), ("Zg=x", 2)]
        {
            assert_eq!(check(text), Err(at), "{text}");
        }
        assert_eq!(check("Zm9v\nZg==\n"), Ok(()));
    }
}
