//! The canonical spelling of resource quantities.

use serde_json::Value;

/// The spelling in which the server prints a quantity; `None` when it is spelt that way already or is none.
/// Decimal values keep a decimal suffix, binary ones a binary suffix.
pub(crate) fn canonical(value: &Value) -> Option<String> {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        _ => return None,
    };
    let milli = lucid_object::Quantity::parse(&text)?.milli();
    let spelt = if text.ends_with('i') { binary(milli) } else { decimal(milli, &text) };
    (value.as_str() != Some(&spelt)).then_some(spelt)
}

/// The canonical spelling of a text, or why it is no quantity.
pub(crate) fn read(text: &str) -> Result<String, &'static str> {
    const WRONG: &str = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";
    let value = Value::String(text.into());
    match lucid_object::Quantity::parse(text) {
        Some(_) => Ok(canonical(&value).unwrap_or_else(|| text.into())),
        None => {
            let digits = text.trim_start_matches(['+', '-']);
            let starts_well = digits.starts_with(|c: char| c.is_ascii_digit() || c == '.');
            let known = |c: char| c.is_ascii_digit() || "eEinumkKMGTP.+-".contains(c);
            Err(if starts_well && digits.chars().all(known) { "unable to parse quantity's suffix" } else { WRONG })
        }
    }
}

/// An amount in thousandths, spelt in the family of another: binary suffixes beside `1Gi`, decimal ones beside `2`.
pub(crate) fn spell(milli: i128, like: &str) -> String {
    if like.ends_with('i') { binary(milli) } else { decimal(milli, like) }
}

fn binary(milli: i128) -> String {
    if milli % 1000 != 0 {
        return decimal(milli, "");
    }
    let units = milli / 1000;
    for (suffix, shift) in [("Ei", 60), ("Pi", 50), ("Ti", 40), ("Gi", 30), ("Mi", 20), ("Ki", 10)] {
        if units != 0 && units % (1_i128 << shift) == 0 {
            return format!("{}{suffix}", units >> shift);
        }
    }
    units.to_string()
}

fn decimal(milli: i128, text: &str) -> String {
    let exponent = text.contains(['e', 'E']) && !text.ends_with('E');
    let suffixes = [
        ("E", 21_u32, "e18"),
        ("P", 18, "e15"),
        ("T", 15, "e12"),
        ("G", 12, "e9"),
        ("M", 9, "e6"),
        ("k", 6, "e3"),
        ("", 3, ""),
    ];
    for (suffix, power, written) in suffixes {
        let unit = 10_i128.pow(power);
        if milli != 0 && milli % unit == 0 {
            return format!("{}{}", milli / unit, if exponent { written } else { suffix });
        }
    }
    if milli == 0 { "0".into() } else { format!("{milli}m") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[track_caller]
    fn check(value: Value, expect: Option<&str>) {
        assert_eq!(canonical(&value).as_deref(), expect, "{value}");
    }

    #[test]
    fn spelt_as_the_server_does() {
        check(json!("1000m"), Some("1"));
        check(json!("0.5"), Some("500m"));
        check(json!("1024Mi"), Some("1Gi"));
        check(json!("1536Mi"), None);
        check(json!("1000"), Some("1k"));
        check(json!(2), Some("2"));
        check(json!("100m"), None);
        check(json!("2e3"), None);
        check(json!("1.5Gi"), Some("1536Mi"));
    }
}
