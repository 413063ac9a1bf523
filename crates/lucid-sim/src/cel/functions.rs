//! What can be called, and arithmetic.

use std::rc::Rc;

use regex::Regex;

use super::Val;
use super::eval::no_overload;
use crate::time;

type Evaluated = Result<Val, String>;

const OVERFLOW: &str = "integer overflow";

pub(super) fn arithmetic(mark: &str, left: &Val, right: &Val) -> Evaluated {
    let wrong = || no_overload(&format!("_{mark}_"), &[left, right]);
    let whole = |value: Option<i64>| value.map(Val::Int).ok_or_else(|| OVERFLOW.to_owned());
    match (mark, left, right) {
        ("/" | "%", _, Val::Int(0) | Val::Uint(0)) => {
            Err(if mark == "/" { "division by zero".into() } else { "modulus by zero".into() })
        }
        (_, Val::Int(a), Val::Int(b)) => whole(match mark {
            "+" => a.checked_add(*b),
            "-" => a.checked_sub(*b),
            "*" => a.checked_mul(*b),
            "/" => a.checked_div(*b),
            _ => a.checked_rem(*b),
        }),
        (_, Val::Uint(a), Val::Uint(b)) => {
            let value = match mark {
                "+" => a.checked_add(*b),
                "-" => a.checked_sub(*b),
                "*" => a.checked_mul(*b),
                "/" => a.checked_div(*b),
                _ => a.checked_rem(*b),
            };
            value.map(Val::Uint).ok_or_else(|| "unsigned integer overflow".into())
        }
        (_, Val::Double(a), Val::Double(b)) => Ok(Val::Double(match mark {
            "+" => a + b,
            "-" => a - b,
            "*" => a * b,
            "/" => a / b,
            _ => return Err(wrong()),
        })),
        ("+", Val::Text(a), Val::Text(b)) => Ok(Val::from(format!("{a}{b}"))),
        ("+", Val::Bytes(a), Val::Bytes(b)) => Ok(Val::Bytes([a.as_slice(), b].concat())),
        ("+", Val::List(a), Val::List(b)) => Ok(Val::List(Rc::new([a.as_slice(), b].concat()))),
        ("+", Val::Duration(a), Val::Duration(b)) => {
            a.checked_add(*b).map(Val::Duration).ok_or_else(|| OVERFLOW.into())
        }
        ("-", Val::Duration(a), Val::Duration(b)) => {
            a.checked_sub(*b).map(Val::Duration).ok_or_else(|| OVERFLOW.into())
        }
        ("+", Val::Timestamp(a), Val::Duration(b)) | ("+", Val::Duration(b), Val::Timestamp(a)) => {
            Ok(Val::Timestamp(a + b / 1_000_000_000))
        }
        ("-", Val::Timestamp(a), Val::Duration(b)) => Ok(Val::Timestamp(a - b / 1_000_000_000)),
        ("-", Val::Timestamp(a), Val::Timestamp(b)) => Ok(Val::Duration((a - b).saturating_mul(1_000_000_000))),
        _ => Err(wrong()),
    }
}

/// A value as text: what `string()` makes of it.
pub(super) fn shown(value: &Val) -> String {
    match value {
        Val::Null => "null".into(),
        Val::Bool(flag) => flag.to_string(),
        Val::Int(number) => number.to_string(),
        Val::Uint(number) => number.to_string(),
        Val::Double(number) => number.to_string(),
        Val::Text(text) | Val::Type(text) => text.to_string(),
        Val::Bytes(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        Val::Timestamp(seconds) => time::format_seconds(*seconds),
        Val::Duration(nanos) => format!("{}s", *nanos as f64 / 1e9),
        Val::Quantity(milli) => crate::quantity::spell(*milli, ""),
        other => other.to_json().map(|json| json.to_string()).unwrap_or_default(),
    }
}

fn count(size: usize) -> Val {
    Val::Int(i64::try_from(size).unwrap_or(i64::MAX))
}

fn list(items: Vec<Val>) -> Val {
    Val::List(Rc::new(items))
}

pub(super) fn library(library: &str, name: &str, arguments: &[Val]) -> Evaluated {
    let wrong = || no_overload(&format!("{library}.{name}"), &arguments.iter().collect::<Vec<_>>());
    match (library, name, arguments) {
        ("optional", "none", []) => Ok(Val::Optional(None)),
        ("optional", "of", [value]) => Ok(Val::Optional(Some(Box::new(value.clone())))),
        ("optional", "ofNonZeroValue", [value]) => {
            Ok(Val::Optional((!value.is_zero()).then(|| Box::new(value.clone()))))
        }
        ("jsonpatch", "escapeKey", [Val::Text(key)]) => Ok(Val::from(key.replace('~', "~0").replace('/', "~1"))),
        ("sets", "contains", [Val::List(all), Val::List(part)]) => {
            Ok(Val::Bool(part.iter().all(|one| all.iter().any(|other| other.equals(one)))))
        }
        ("sets", "intersects", [Val::List(a), Val::List(b)]) => {
            Ok(Val::Bool(a.iter().any(|one| b.iter().any(|other| other.equals(one)))))
        }
        ("sets", "equivalent", [Val::List(a), Val::List(b)]) => {
            let within = |a: &[Val], b: &[Val]| a.iter().all(|one| b.iter().any(|other| other.equals(one)));
            Ok(Val::Bool(within(a, b) && within(b, a)))
        }
        ("math", "greatest" | "least", _) => {
            let items = match arguments {
                [Val::List(items)] => items.to_vec(),
                items => items.to_vec(),
            };
            extreme(&items, name == "greatest").ok_or_else(wrong)
        }
        ("math", "abs", [Val::Int(number)]) => number.checked_abs().map(Val::Int).ok_or_else(|| OVERFLOW.into()),
        _ => Err(wrong()),
    }
}

fn extreme(items: &[Val], greatest: bool) -> Option<Val> {
    let mut best = items.first()?;
    for item in &items[1..] {
        let order = item.compare(best)?;
        if order.is_gt() == greatest && order.is_ne() {
            best = item;
        }
    }
    Some(best.clone())
}

pub(super) fn call(of: Option<&Val>, name: &str, arguments: &[Val]) -> Evaluated {
    let values: Vec<&Val> = of.into_iter().chain(arguments).collect();
    let known = match (of, values.as_slice()) {
        (None, [value]) => convert(name, value)?,
        (Some(_), [Val::Text(text), rest @ ..]) => on_text(text, name, rest)?,
        (Some(_), [Val::List(items), rest @ ..]) => on_list(items, name, rest)?,
        (Some(_), [Val::Quantity(milli), rest @ ..]) => on_quantity(*milli, name, rest),
        (Some(_), [Val::Timestamp(seconds)]) => on_time(*seconds, name),
        (Some(_), [Val::Duration(nanos)]) => on_duration(*nanos, name),
        (Some(_), [Val::Optional(value), rest @ ..]) => on_optional(value.as_deref(), name, rest)?,
        (Some(_), [Val::Map(map)]) if name == "size" => Some(count(map.len())),
        (Some(_), [Val::Bytes(bytes)]) if name == "size" => Some(count(bytes.len())),
        _ => None,
    };
    known.ok_or_else(|| no_overload(name, &values))
}

fn convert(name: &str, value: &Val) -> Result<Option<Val>, String> {
    let bad = |what: &str| format!("type conversion error: {} is no {what}", shown(value));
    Ok(Some(match (name, value) {
        ("size", Val::Text(text)) => count(text.chars().count()),
        ("size", Val::Bytes(bytes)) => count(bytes.len()),
        ("size", Val::List(items)) => count(items.len()),
        ("size", Val::Map(map)) => count(map.len()),
        ("dyn", value) => value.clone(),
        ("type", value) => Val::Type(value.type_name().into()),
        ("string", Val::Null | Val::List(_) | Val::Map(_) | Val::Optional(_)) => return Ok(None),
        ("string", value) => Val::from(shown(value)),
        ("int", Val::Int(number)) => Val::Int(*number),
        ("int", Val::Uint(number)) => Val::Int(i64::try_from(*number).map_err(|_| OVERFLOW)?),
        ("int", Val::Double(number)) if number.is_finite() && number.abs() < 9.2e18 => Val::Int(*number as i64),
        ("int", Val::Text(text)) => Val::Int(text.parse().map_err(|_| bad("int"))?),
        ("int", Val::Timestamp(seconds)) => Val::Int(*seconds),
        ("uint", Val::Uint(number)) => Val::Uint(*number),
        ("uint", Val::Int(number)) => Val::Uint(u64::try_from(*number).map_err(|_| "unsigned integer overflow")?),
        ("uint", Val::Text(text)) => Val::Uint(text.parse().map_err(|_| bad("uint"))?),
        ("double", Val::Double(number)) => Val::Double(*number),
        ("double", Val::Int(number)) => Val::Double(*number as f64),
        ("double", Val::Uint(number)) => Val::Double(*number as f64),
        ("double", Val::Text(text)) => Val::Double(text.parse().map_err(|_| bad("double"))?),
        ("bool", Val::Bool(flag)) => Val::Bool(*flag),
        ("bool", Val::Text(text)) => Val::Bool(text.parse().map_err(|_| bad("bool"))?),
        ("bytes", Val::Text(text)) => Val::Bytes(text.as_bytes().to_vec()),
        ("bytes", Val::Bytes(bytes)) => Val::Bytes(bytes.clone()),
        ("timestamp", Val::Text(text)) => Val::Timestamp(time::parse_seconds(text).ok_or_else(|| bad("timestamp"))?),
        ("timestamp", Val::Timestamp(seconds)) => Val::Timestamp(*seconds),
        ("duration", Val::Text(text)) => Val::Duration(nanos(text).ok_or_else(|| bad("duration"))?),
        ("duration", Val::Duration(nanos)) => Val::Duration(*nanos),
        ("quantity", Val::Text(text)) => {
            Val::Quantity(lucid_object::Quantity::parse(text).ok_or_else(|| bad("quantity"))?.milli())
        }
        ("isQuantity", Val::Text(text)) => Val::Bool(lucid_object::Quantity::parse(text).is_some()),
        _ => return Ok(None),
    }))
}

/// `1h30m`, `1.5s`, `-20ms`.
fn nanos(text: &str) -> Option<i64> {
    let (sign, mut rest) = text.strip_prefix('-').map_or((1.0, text), |rest| (-1.0, rest));
    let mut total = 0.0;
    if rest == "0" {
        return Some(0);
    }
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let number: f64 = rest[..end].parse().ok()?;
        rest = &rest[end..];
        let unit = ["ns", "us", "µs", "ms", "s", "m", "h"].into_iter().find(|unit| {
            rest.strip_prefix(unit)
                .is_some_and(|after| after.is_empty() || after.starts_with(|c: char| c.is_ascii_digit()))
        })?;
        rest = &rest[unit.len()..];
        total += number
            * match unit {
                "ns" => 1.0,
                "us" | "µs" => 1e3,
                "ms" => 1e6,
                "s" => 1e9,
                "m" => 60e9,
                _ => 3600e9,
            };
    }
    (!text.is_empty() && total < 9.2e18).then_some((sign * total) as i64)
}

fn on_text(text: &str, name: &str, arguments: &[&Val]) -> Result<Option<Val>, String> {
    let chars = || text.chars().collect::<Vec<char>>();
    let slice = |from: i64, to: i64| {
        let chars = chars();
        let range = usize::try_from(from).ok().zip(usize::try_from(to).ok());
        let part = range.and_then(|(from, to)| chars.get(from..to));
        part.map(|part| Val::from(part.iter().collect::<String>())).ok_or_else(|| format!("index out of range: {from}"))
    };
    let length = i64::try_from(text.chars().count()).unwrap_or(i64::MAX);
    let at = |found: Option<usize>| match found {
        Some(byte) => count(text[..byte].chars().count()),
        None => Val::Int(-1),
    };
    let regex = |pattern: &str| Regex::new(pattern).map_err(|_| format!("error parsing regexp: {pattern}"));
    Ok(Some(match (name, arguments) {
        ("size", []) => Val::Int(length),
        ("contains", [Val::Text(part)]) => Val::Bool(text.contains(&**part)),
        ("startsWith", [Val::Text(part)]) => Val::Bool(text.starts_with(&**part)),
        ("endsWith", [Val::Text(part)]) => Val::Bool(text.ends_with(&**part)),
        ("matches", [Val::Text(pattern)]) => Val::Bool(regex(pattern)?.is_match(text)),
        ("find", [Val::Text(pattern)]) => Val::from(regex(pattern)?.find(text).map_or("", |m| m.as_str()).to_owned()),
        ("findAll", [Val::Text(pattern)]) => {
            list(regex(pattern)?.find_iter(text).map(|m| Val::from(m.as_str().to_owned())).collect())
        }
        ("charAt", [Val::Int(index)]) if *index == length => Val::from(String::new()),
        ("charAt", [Val::Int(index)]) => slice(*index, index + 1)?,
        ("substring", [Val::Int(from)]) => slice(*from, length)?,
        ("substring", [Val::Int(from), Val::Int(to)]) => slice(*from, *to)?,
        ("indexOf", [Val::Text(part)]) => at(text.find(&**part)),
        ("lastIndexOf", [Val::Text(part)]) => at(text.rfind(&**part)),
        ("lowerAscii", []) => Val::from(text.to_ascii_lowercase()),
        ("upperAscii", []) => Val::from(text.to_ascii_uppercase()),
        ("trim", []) => Val::from(text.trim().to_owned()),
        ("replace", [Val::Text(from), Val::Text(to)]) => Val::from(text.replace(&**from, to)),
        ("replace", [Val::Text(from), Val::Text(to), Val::Int(times)]) => match usize::try_from(*times) {
            Ok(times) => Val::from(text.replacen(&**from, to, times)),
            Err(_) => Val::from(text.replace(&**from, to)),
        },
        ("split", [Val::Text(by)]) => list(text.split(&**by).map(|part| Val::from(part.to_owned())).collect()),
        ("reverse", []) => Val::from(text.chars().rev().collect::<String>()),
        ("format", [Val::List(values)]) => Val::from(format(text, values)?),
        _ => return Ok(None),
    }))
}

/// `%s`, `%d` and the like.
fn format(text: &str, values: &[Val]) -> Result<String, String> {
    let (mut out, mut values) = (String::new(), values.iter());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        if c != '%' {
            out.push(c);
            continue;
        }
        let mut verb = chars.next().ok_or("unexpected end of format string")?;
        let mut places = None;
        if verb == '.' {
            let digits: String = chars
                .by_ref()
                .take_while(|c| {
                    c.is_ascii_digit() || {
                        verb = *c;
                        false
                    }
                })
                .collect();
            places = digits.parse::<usize>().ok();
        }
        if verb == '%' {
            out.push('%');
            continue;
        }
        let value = values.next().ok_or("index out of range of the format's arguments")?;
        match (verb, value) {
            ('f', Val::Double(number)) => out.push_str(&format!("{number:.0$}", places.unwrap_or(6))),
            ('x', Val::Int(number)) => out.push_str(&format!("{number:x}")),
            ('b', Val::Int(number)) => out.push_str(&format!("{number:b}")),
            ('s' | 'd', value) => out.push_str(&shown(value)),
            _ => return Err(format!("unrecognized formatting clause \"{verb}\"")),
        }
    }
    Ok(out)
}

fn on_list(items: &[Val], name: &str, arguments: &[&Val]) -> Result<Option<Val>, String> {
    Ok(Some(match (name, arguments) {
        ("size", []) => count(items.len()),
        ("join", []) => Val::from(items.iter().map(shown).collect::<String>()),
        ("join", [Val::Text(by)]) => Val::from(items.iter().map(shown).collect::<Vec<_>>().join(by)),
        ("isSorted", []) => {
            Val::Bool(items.windows(2).all(|pair| pair[0].compare(&pair[1]).is_some_and(std::cmp::Ordering::is_le)))
        }
        ("sum", []) => match items.split_first() {
            None => Val::Int(0),
            Some((first, rest)) => rest.iter().try_fold(first.clone(), |sum, item| arithmetic("+", &sum, item))?,
        },
        ("min" | "max", []) => {
            return extreme(items, name == "max").map(Some).ok_or_else(|| format!("{name} called on empty list"));
        }
        ("indexOf", [value]) => items.iter().position(|item| item.equals(value)).map_or(Val::Int(-1), count),
        ("lastIndexOf", [value]) => items.iter().rposition(|item| item.equals(value)).map_or(Val::Int(-1), count),
        ("reverse", []) => list(items.iter().rev().cloned().collect()),
        ("distinct", []) => {
            let mut kept: Vec<Val> = Vec::new();
            for item in items {
                if !kept.iter().any(|one| one.equals(item)) {
                    kept.push(item.clone());
                }
            }
            list(kept)
        }
        _ => return Ok(None),
    }))
}

fn on_quantity(milli: i128, name: &str, arguments: &[&Val]) -> Option<Val> {
    let other = match arguments {
        [Val::Quantity(other)] => Some(*other),
        [Val::Int(other)] => Some(i128::from(*other) * 1000),
        _ => None,
    };
    Some(match (name, other) {
        ("isGreaterThan", Some(other)) => Val::Bool(milli > other),
        ("isLessThan", Some(other)) => Val::Bool(milli < other),
        ("compareTo", Some(other)) => Val::Int(milli.cmp(&other) as i64),
        ("add", Some(other)) => Val::Quantity(milli + other),
        ("sub", Some(other)) => Val::Quantity(milli - other),
        ("sign", None) => Val::Int(i64::try_from(milli.signum()).unwrap_or(0)),
        ("isInteger", None) => Val::Bool(milli % 1000 == 0),
        ("asInteger", None) => Val::Int(i64::try_from(milli / 1000).ok()?),
        ("asApproximateFloat", None) => Val::Double(milli as f64 / 1000.0),
        _ => return None,
    })
}

fn on_time(seconds: i64, name: &str) -> Option<Val> {
    let stamp = time::format_seconds(seconds);
    let part = |range: std::ops::Range<usize>| stamp.get(range)?.parse::<i64>().ok();
    Some(Val::Int(match name {
        "getFullYear" => part(0..4)?,
        "getMonth" => part(5..7)? - 1,
        "getDate" => part(8..10)?,
        "getDayOfMonth" => part(8..10)? - 1,
        "getHours" => part(11..13)?,
        "getMinutes" => part(14..16)?,
        "getSeconds" => part(17..19)?,
        "getDayOfWeek" => (seconds.div_euclid(86_400) + 4).rem_euclid(7),
        _ => return None,
    }))
}

fn on_duration(nanos: i64, name: &str) -> Option<Val> {
    Some(Val::Int(match name {
        "getHours" => nanos / 3_600_000_000_000,
        "getMinutes" => nanos / 60_000_000_000,
        "getSeconds" => nanos / 1_000_000_000,
        "getMilliseconds" => nanos / 1_000_000,
        _ => return None,
    }))
}

fn on_optional(value: Option<&Val>, name: &str, arguments: &[&Val]) -> Result<Option<Val>, String> {
    Ok(Some(match (name, arguments) {
        ("hasValue", []) => Val::Bool(value.is_some()),
        ("value", []) => value.cloned().ok_or("optional.none() dereference")?,
        ("orValue", [other]) => value.cloned().unwrap_or_else(|| (*other).clone()),
        ("or", [other]) => match value {
            Some(value) => Val::Optional(Some(Box::new(value.clone()))),
            None => (*other).clone(),
        },
        _ => return Ok(None),
    }))
}
