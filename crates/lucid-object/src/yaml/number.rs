//! Numbers as Go reads and prints them, and base64.

use serde_json::{Number, Value};

use super::scalar::Resolved;

/// An integer in any of Go's notations (`0x`, `0b`, `0o`, leading `0` for octal, `_`), or a decimal float.
pub(super) fn integer_or_float(text: &str) -> Option<Resolved<'static>> {
    let digits: std::borrow::Cow<'_, str> = if text.contains('_') { text.replace('_', "").into() } else { text.into() };
    let (negative, magnitude) = match digits.as_bytes().first()? {
        b'-' => (true, &digits[1..]),
        b'+' => (false, &digits[1..]),
        _ => (false, &*digits),
    };
    let signed = magnitude.len() != digits.len();
    if let Some(value) = magnitude_of(magnitude) {
        if negative {
            if value <= 1 << 63 {
                return Some(Resolved::Int((value as i64).wrapping_neg()));
            }
        } else if let Ok(value) = i64::try_from(value) {
            return Some(Resolved::Int(value));
        } else if !signed {
            return Some(Resolved::Uint(value));
        }
    }
    if is_decimal_float(magnitude) { float(&digits).map(Resolved::Float) } else { None }
}

fn magnitude_of(text: &str) -> Option<u64> {
    let bytes = text.as_bytes();
    let (digits, radix) = match bytes {
        [b'0', b'x' | b'X', rest @ ..] if !rest.is_empty() => (&text[2..], 16),
        [b'0', b'b' | b'B', rest @ ..] if !rest.is_empty() => (&text[2..], 2),
        [b'0', b'o' | b'O', rest @ ..] if !rest.is_empty() => (&text[2..], 8),
        [b'0', rest @ ..] if !rest.is_empty() => (&text[1..], 8),
        _ => (text, 10),
    };
    if digits.starts_with(['+', '-']) {
        return None;
    }
    u64::from_str_radix(digits, radix).ok()
}

/// `[0-9]+(\.[0-9]*)?([eE][-+]?[0-9]+)?` or the same starting with a point.
fn is_decimal_float(text: &str) -> bool {
    let (mantissa, exponent) = match text.find(['e', 'E']) {
        Some(at) => (&text[..at], Some(&text[at + 1..])),
        None => (text, None),
    };
    let digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
    let mantissa_ok = match mantissa.split_once('.') {
        Some(("", fraction)) => !fraction.is_empty() && digits(fraction),
        Some((whole, fraction)) => digits(whole) && digits(fraction),
        None => !mantissa.is_empty() && digits(mantissa),
    };
    let exponent_ok = exponent.is_none_or(|part| {
        let part = part.strip_prefix(['+', '-']).unwrap_or(part);
        !part.is_empty() && digits(part)
    });
    mantissa_ok && exponent_ok
}

/// A finite decimal float.
pub(super) fn float(text: &str) -> Option<f64> {
    if !is_decimal_float(text.strip_prefix(['+', '-']).unwrap_or(text)) {
        return None;
    }
    text.parse::<f64>().ok().filter(|value| value.is_finite())
}

/// A float in JSON, as Go's encoder and go-yaml v2 between them leave it: integral values are integers.
pub(super) fn float_to_json(value: f64) -> Value {
    if value.fract() == 0.0 && value.abs() < 1e21 {
        // Go prints the shortest digits, so what is read back may differ from the float in the last places.
        let text = format!("{value}");
        if let Some(number) =
            text.parse::<i64>().ok().map(Value::from).or_else(|| text.parse::<u64>().ok().map(Value::from))
        {
            return number;
        }
    }
    Number::from_f64(value).map_or_else(|| Value::String(shortest(value)), Value::Number)
}

/// A number of a JSON document as text that means the same to a YAML reader.
pub(super) fn json_text(number: &Number) -> String {
    match number.as_f64() {
        Some(value) if !number.is_i64() && !number.is_u64() => match float_to_json(value) {
            Value::Number(number) if number.is_i64() || number.is_u64() => number.to_string(),
            _ => shortest(value),
        },
        _ => number.to_string(),
    }
}

/// A float as Go prints it (`strconv.FormatFloat(value, 'g', -1, 64)`): the shortest digits, an exponent below 10^-4
/// and from 10^6 on; infinities and NaN in YAML's spelling.
pub fn shortest(value: f64) -> String {
    if value.is_nan() {
        return ".nan".into();
    }
    if value.is_infinite() {
        return if value > 0.0 { ".inf".into() } else { "-.inf".into() };
    }
    general(&format!("{value:e}"), || format!("{value}"))
}

/// The same of a float with 32 bits, as `sigs.k8s.io/yaml` prints a number where a text is wanted.
pub fn shortest_32(value: f64) -> String {
    let value = value as f32;
    if !value.is_finite() {
        return shortest(f64::from(value));
    }
    general(&format!("{value:e}"), || format!("{value}"))
}

/// Go's choice between plain digits and an exponent.
fn general(scientific: &str, plain: impl Fn() -> String) -> String {
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if (-4..6).contains(&exponent) || mantissa == "0" {
        return plain();
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{mantissa}e{sign}{:02}", exponent.abs())
}

/// Standard base64, line breaks ignored.
pub(super) fn base64(text: &str) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(text.len() / 4 * 3);
    let mut bits = 0u32;
    let mut held = 0u32;
    let mut padding = 0;
    for byte in text.bytes().filter(|b| !matches!(b, b'\n' | b'\r')) {
        let sextet = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            b'=' => {
                padding += 1;
                continue;
            }
            _ => return None,
        };
        if padding > 0 {
            return None;
        }
        bits = bits << 6 | u32::from(sextet);
        held += 6;
        if held >= 8 {
            held -= 8;
            out.push((bits >> held) as u8);
        }
    }
    let whole = out.len().div_ceil(3) * 4;
    (padding <= 2 && text.bytes().filter(|b| !matches!(b, b'\n' | b'\r')).count() == whole).then_some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_print_as_go_prints_them() {
        for (value, text) in [
            (123456.5, "123456.5"),
            (1234567.5, "1.2345675e+06"),
            (0.00012, "0.00012"),
            (0.000012, "1.2e-05"),
            (1e20, "1e+20"),
            (-2.5, "-2.5"),
            (0.1, "0.1"),
        ] {
            assert_eq!(shortest(value), text);
        }
    }

    #[test]
    fn integers_in_every_notation() {
        for (text, value) in [
            ("0644", Some(Resolved::Int(420))),
            ("0o644", Some(Resolved::Int(420))),
            ("0x1F", Some(Resolved::Int(31))),
            ("0b11", Some(Resolved::Int(3))),
            ("1_000", Some(Resolved::Int(1000))),
            ("-5", Some(Resolved::Int(-5))),
            ("+5", Some(Resolved::Int(5))),
            ("08", Some(Resolved::Float(8.0))),
            ("1e3", Some(Resolved::Float(1000.0))),
            ("1.", Some(Resolved::Float(1.0))),
            ("18446744073709551615", Some(Resolved::Uint(u64::MAX))),
            ("-9223372036854775808", Some(Resolved::Int(i64::MIN))),
            ("1e400", None),
            ("1e5x", None),
            ("5m", None),
            ("0x", None),
            ("1:30", None),
            ("--5", None),
            ("-", None),
        ] {
            assert_eq!(integer_or_float(text), value, "{text}");
        }
    }

    #[test]
    fn base64_reads_what_it_should() {
        assert_eq!(base64("aGk="), Some(b"hi".to_vec()));
        assert_eq!(base64("aGk"), None);
        assert_eq!(base64("a-k="), None);
    }
}
