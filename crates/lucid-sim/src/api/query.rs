//! Query strings.

/// Pairs in the order of the URL.
#[derive(Debug, Clone, Default)]
pub(crate) struct Query {
    pairs: Vec<(String, String)>,
}

impl Query {
    pub(crate) fn parse(text: &str) -> Self {
        let pair = |part: &str| {
            let (key, value) = part.split_once('=').unwrap_or((part, ""));
            (unescape(&key.replace('+', " ")), unescape(&value.replace('+', " ")))
        };
        Self { pairs: text.split('&').filter(|part| !part.is_empty()).map(pair).collect() }
    }

    pub(crate) fn pairs(&self) -> &[(String, String)] {
        &self.pairs
    }

    pub(crate) fn get(&self, key: &str) -> &str {
        self.pairs.iter().find(|(k, _)| k == key).map_or("", |(_, value)| value)
    }

    pub(crate) fn all(&self, key: &str) -> Vec<&str> {
        self.pairs.iter().filter(|(k, _)| k == key).map(|(_, value)| value.as_str()).collect()
    }

    /// Whether it is set at all, `key=` included.
    pub(crate) fn has(&self, key: &str) -> bool {
        self.pairs.iter().any(|(k, _)| k == key)
    }

    pub(crate) fn flag(&self, key: &str) -> bool {
        self.has(key) && !matches!(self.get(key), "false" | "0")
    }

    pub(crate) fn number(&self, key: &str) -> Option<u64> {
        self.get(key).parse().ok()
    }

    pub(crate) fn dry_run(&self) -> bool {
        self.pairs.iter().any(|(key, value)| key == "dryRun" && value == "All")
    }
}

/// Percent decoding; what is no valid escape stays as it is.
pub(crate) fn unescape(text: &str) -> String {
    if !text.contains('%') {
        return text.into();
    }
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let escaped =
            text.get(at + 1..at + 3).filter(|_| bytes[at] == b'%').and_then(|hex| u8::from_str_radix(hex, 16).ok());
        out.push(escaped.unwrap_or(bytes[at]));
        at += if escaped.is_some() { 3 } else { 1 };
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs() {
        let query = Query::parse("labelSelector=app%3Dx%2Cb&watch=1&limit=5&fieldManager=a+b&empty=");
        assert_eq!(query.get("labelSelector"), "app=x,b");
        assert_eq!((query.flag("watch"), query.flag("pretty"), query.number("limit")), (true, false, Some(5)));
        assert_eq!((query.get("fieldManager"), query.has("empty"), query.get("none")), ("a b", true, ""));
    }
}
