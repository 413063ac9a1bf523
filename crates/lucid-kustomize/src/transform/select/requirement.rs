//! Label selectors in text form: `a=b,c in (d,e),!f`.

/// One requirement; all of a selector must hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Requirement {
    key: String,
    operator: Operator,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Operator {
    Exists,
    Missing,
    In(Vec<String>),
    NotIn(Vec<String>),
    Above(i64),
    Below(i64),
}

impl Requirement {
    pub(super) fn matches(&self, labels: &[(&str, &str)]) -> bool {
        let value = labels.iter().find(|(key, _)| *key == self.key).map(|(_, value)| *value);
        let number = || value.and_then(|value| value.parse::<i64>().ok());
        match &self.operator {
            Operator::Exists => value.is_some(),
            Operator::Missing => value.is_none(),
            Operator::In(values) => value.is_some_and(|value| values.iter().any(|v| v == value)),
            Operator::NotIn(values) => value.is_none_or(|value| !values.iter().any(|v| v == value)),
            Operator::Above(limit) => number().is_some_and(|number| number > *limit),
            Operator::Below(limit) => number().is_some_and(|number| number < *limit),
        }
    }
}

/// Reads a selector; the empty one has no requirements.
pub(super) fn parse(text: &str) -> Result<Vec<Requirement>, String> {
    let mut reader = Reader { rest: text };
    let mut requirements = Vec::new();
    reader.skip_space();
    while !reader.rest.is_empty() {
        requirements.push(reader.requirement().ok_or_else(|| format!("{text:?} is not a label selector"))?);
        reader.skip_space();
        match reader.rest.strip_prefix(',') {
            Some(rest) => reader.rest = rest,
            None if reader.rest.is_empty() => break,
            None => return Err(format!("{text:?} is not a label selector")),
        }
        reader.skip_space();
        if reader.rest.is_empty() {
            return Err(format!("{text:?} is not a label selector: it ends in a comma"));
        }
    }
    Ok(requirements)
}

struct Reader<'a> {
    rest: &'a str,
}

impl Reader<'_> {
    fn skip_space(&mut self) {
        self.rest = self.rest.trim_start_matches([' ', '\t', '\r', '\n']);
    }

    fn word(&mut self) -> String {
        self.skip_space();
        let end = self.rest.find([' ', '\t', '\r', '\n', '=', '!', '(', ')', ',', '>', '<']).unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(end);
        self.rest = rest;
        word.to_owned()
    }

    fn eat(&mut self, token: &str) -> bool {
        self.skip_space();
        let Some(rest) = self.rest.strip_prefix(token) else { return false };
        self.rest = rest;
        true
    }

    fn requirement(&mut self) -> Option<Requirement> {
        if self.eat("!") {
            return Some(Requirement {
                key: Some(self.word()).filter(|key| is_key(key))?,
                operator: Operator::Missing,
            });
        }
        let key = Some(self.word()).filter(|key| is_key(key))?;
        let operator = if self.eat("==") || self.eat("=") {
            Operator::In(vec![self.value()?])
        } else if self.eat("!=") {
            Operator::NotIn(vec![self.value()?])
        } else if self.eat(">") {
            Operator::Above(self.word().parse().ok()?)
        } else if self.eat("<") {
            Operator::Below(self.word().parse().ok()?)
        } else {
            match self.word().as_str() {
                "" => Operator::Exists,
                "in" => Operator::In(self.values()?),
                "notin" => Operator::NotIn(self.values()?),
                _ => return None,
            }
        };
        Some(Requirement { key, operator })
    }

    fn value(&mut self) -> Option<String> {
        Some(self.word()).filter(|value| is_value(value))
    }

    fn values(&mut self) -> Option<Vec<String>> {
        if !self.eat("(") {
            return None;
        }
        let mut values = vec![self.value()?];
        while self.eat(",") {
            values.push(self.value()?);
        }
        self.eat(")").then_some(values)
    }
}

fn is_value(text: &str) -> bool {
    let inside = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
    let edge = |b: Option<u8>| b.is_none_or(|b| b.is_ascii_alphanumeric());
    text.len() <= 63 && text.bytes().all(inside) && edge(text.bytes().next()) && edge(text.bytes().last())
}

fn is_key(text: &str) -> bool {
    match text.split_once('/') {
        Some((domain, name)) => {
            !domain.is_empty()
                && domain.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'.'))
                && !name.is_empty()
                && is_value(name)
        }
        None => !text.is_empty() && is_value(text),
    }
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[track_caller]
    fn check(selector: &str, labels: &[(&str, &str)], want: Option<bool>) {
        let got = parse(selector).ok().map(|all| all.iter().all(|requirement| requirement.matches(labels)));
        assert_eq!(got, want, "{selector}");
    }

    #[test]
    fn selectors() {
        let labels = [("app", "web"), ("tier", "2")];
        check("", &labels, Some(true));
        check("app=web", &labels, Some(true));
        check("app==web, tier!=3", &labels, Some(true));
        check("app in (web, db),!old", &labels, Some(true));
        check("app notin (web)", &labels, Some(false));
        check("other notin (web)", &labels, Some(true));
        check("app", &labels, Some(true));
        check("missing", &labels, Some(false));
        check("tier>1,tier<3", &labels, Some(true));
        check("app.kubernetes.io/name=x", &labels, Some(false));
        check("app=", &labels, Some(false));
        check("app web", &labels, None);
        check("app in web", &labels, None);
        check("=web", &labels, None);
        check("app=web,", &labels, None);
    }
}
