//! From text to words.

/// A word of an expression.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Token {
    Name(String),
    Int(i64),
    Uint(u64),
    Double(f64),
    Text(String),
    Bytes(Vec<u8>),
    /// An operator or bracket.
    Mark(&'static str),
}

const MARKS: [&str; 26] = [
    "<=", ">=", "==", "!=", "&&", "||", "[?", ".?", "<", ">", "!", "+", "-", "*", "/", "%", "?", ":", ".", ",", "(",
    ")", "[", "]", "{", "}",
];

pub(super) fn tokens(text: &str) -> Result<Vec<Token>, String> {
    let mut out = Vec::new();
    let mut rest = text;
    loop {
        rest = rest.trim_start();
        if rest.starts_with("//") {
            rest = rest.split_once('\n').map_or("", |(_, after)| after);
            continue;
        }
        let Some(first) = rest.chars().next() else { return Ok(out) };
        let (token, after) = if let Some(literal) = literal(rest)? {
            literal
        } else if first.is_ascii_digit() || first == '.' && rest[1..].starts_with(|c: char| c.is_ascii_digit()) {
            number(rest)?
        } else if first.is_ascii_alphabetic() || first == '_' {
            let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len());
            (Token::Name(rest[..end].into()), &rest[end..])
        } else {
            let mark = MARKS.iter().find(|mark| rest.starts_with(**mark));
            let mark = mark.ok_or_else(|| format!("Syntax error: token recognition error at: '{first}'"))?;
            (Token::Mark(mark), &rest[mark.len()..])
        };
        out.push(token);
        rest = after;
    }
}

/// A text or bytes, with their prefixes.
fn literal(rest: &str) -> Result<Option<(Token, &str)>, String> {
    let start = rest.find(['\'', '"']).filter(|at| *at <= 2);
    let Some(start) = start else { return Ok(None) };
    let prefix = rest[..start].to_ascii_lowercase();
    if !matches!(prefix.as_str(), "" | "r" | "b" | "br" | "rb") {
        return Ok(None);
    }
    let (raw, bytes) = (prefix.contains('r'), prefix.contains('b'));
    let quoted = &rest[start..];
    let quote = if quoted.starts_with("'''") || quoted.starts_with("\"\"\"") { &quoted[..3] } else { &quoted[..1] };
    let mut out = String::new();
    let mut at = quote.len();
    while let Some(next) = quoted[at..].chars().next() {
        if quoted[at..].starts_with(quote) {
            let after = &quoted[at + quote.len()..];
            let token = if bytes { Token::Bytes(out.into_bytes()) } else { Token::Text(out) };
            return Ok(Some((token, after)));
        }
        if next == '\\' && !raw {
            at += escape(&quoted[at + 1..], &mut out)? + 1;
        } else {
            out.push(next);
            at += next.len_utf8();
        }
    }
    Err("Syntax error: a text that does not end".into())
}

/// What follows a backslash; gives back how much of the text it was.
fn escape(text: &str, out: &mut String) -> Result<usize, String> {
    let wrong = || "Syntax error: an escape that means nothing".to_owned();
    let next = text.chars().next().ok_or_else(wrong)?;
    let plain = match next {
        'n' => '\n',
        't' => '\t',
        'r' => '\r',
        'a' => '\u{7}',
        'b' => '\u{8}',
        'f' => '\u{c}',
        'v' => '\u{b}',
        '\\' | '\'' | '"' | '`' | '?' => next,
        'x' | 'X' | 'u' | 'U' => {
            let length = match next {
                'u' => 4,
                'U' => 8,
                _ => 2,
            };
            let digits = text.get(1..=length).ok_or_else(wrong)?;
            let code = u32::from_str_radix(digits, 16).ok().and_then(char::from_u32).ok_or_else(wrong)?;
            out.push(code);
            return Ok(length + 1);
        }
        _ => return Err(wrong()),
    };
    out.push(plain);
    Ok(1)
}

fn number(rest: &str) -> Result<(Token, &str), String> {
    let wrong = |text: &str| format!("Syntax error: {text} is no number");
    if let Some(hex) = rest.strip_prefix("0x").or_else(|| rest.strip_prefix("0X")) {
        let end = hex.find(|c: char| !c.is_ascii_hexdigit()).unwrap_or(hex.len());
        let value = u64::from_str_radix(&hex[..end], 16).map_err(|_| wrong(rest))?;
        return finish(value, &hex[end..]).ok_or_else(|| wrong(rest));
    }
    let mut end = 0;
    let bytes = rest.as_bytes();
    let mut fraction = false;
    while end < bytes.len() {
        match bytes[end] {
            b'0'..=b'9' => {}
            b'.' if !fraction && bytes.get(end + 1).is_some_and(u8::is_ascii_digit) => fraction = true,
            b'e' | b'E' => {
                fraction = true;
                if matches!(bytes.get(end + 1), Some(b'+' | b'-')) {
                    end += 1;
                }
            }
            _ => break,
        }
        end += 1;
    }
    let (text, after) = rest.split_at(end);
    if fraction {
        return text.parse().map(|number| (Token::Double(number), after)).map_err(|_| wrong(text));
    }
    let value = text.parse().map_err(|_| wrong(text))?;
    finish(value, after).ok_or_else(|| wrong(text))
}

fn finish(value: u64, after: &str) -> Option<(Token, &str)> {
    if let Some(after) = after.strip_prefix(['u', 'U']) {
        return Some((Token::Uint(value), after));
    }
    // The least number has no positive counterpart; the minus before it is a word of its own.
    let signed = if value == 1 << 63 { i64::MIN } else { i64::try_from(value).ok()? };
    Some((Token::Int(signed), after))
}
