//! Label selectors in query strings: `a=b,c!=d,e in (f,g),h notin (i),j,!k,l>1`.
//!
//! Source: apimachinery's `labels/selector.go`.

use std::collections::BTreeMap;

use lucid_object::Requirement;

use crate::validate::text;

/// Conditions on labels that must all hold.
#[derive(Debug, Clone, Default)]
pub(crate) struct Labels(Vec<Condition>);

#[derive(Debug, Clone)]
enum Condition {
    Plain(Requirement),
    /// A label whose value is a greater (or lesser) number.
    Number {
        key: String,
        greater: bool,
        than: i64,
    },
}

impl Labels {
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn matches(&self, labels: &BTreeMap<String, String>) -> bool {
        self.0.iter().all(|condition| match condition {
            Condition::Plain(requirement) => requirement.matches(labels),
            Condition::Number { key, greater, than } => {
                let number = labels.get(key).and_then(|value| value.parse::<i64>().ok());
                number.is_some_and(|number| if *greater { number > *than } else { number < *than })
            }
        })
    }

    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let mut parser = Parser { tokens: scan(text), at: 0 };
        let mut conditions = Vec::new();
        loop {
            match parser.look() {
                token if token.starts_condition() => {
                    let condition = parser.condition().map_err(|why| format!("unable to parse requirement: {why}"))?;
                    conditions.push(condition);
                    match parser.take() {
                        Token::End => return Ok(Self(conditions)),
                        Token::Symbol(",") if parser.look().starts_condition() => {}
                        Token::Symbol(",") => {
                            return Err(format!("found '{}', expected: identifier after ','", parser.look().text()));
                        }
                        other => return Err(format!("found '{}', expected: ',' or 'end of string'", other.text())),
                    }
                }
                Token::End => return Ok(Self(conditions)),
                other => {
                    return Err(format!("found '{}', expected: !, identifier, or 'end of string'", other.text()));
                }
            }
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
enum Token {
    End,
    Symbol(&'static str),
    /// `in` and `notin` too, which are words of their own only after a key.
    Word(String),
}

impl Token {
    fn text(&self) -> &str {
        match self {
            Self::End => "",
            Self::Symbol(text) => text,
            Self::Word(text) => text,
        }
    }

    fn starts_condition(&self) -> bool {
        matches!(self, Self::Word(_) | Self::Symbol("!"))
    }
}

const SYMBOLS: [&str; 9] = ["==", "!=", "=", "!", ">", "<", "(", ")", ","];

fn scan(text: &str) -> Vec<Token> {
    let mut rest = text.trim_start();
    let mut out = Vec::new();
    while !rest.is_empty() {
        let length = if let Some(symbol) = SYMBOLS.iter().find(|symbol| rest.starts_with(**symbol)) {
            out.push(Token::Symbol(symbol));
            symbol.len()
        } else {
            let end = rest.find(|c: char| c.is_ascii_whitespace() || "=!><(),".contains(c)).unwrap_or(rest.len());
            out.push(Token::Word(rest[..end].to_owned()));
            end
        };
        rest = rest[length..].trim_start();
    }
    out.push(Token::End);
    out
}

struct Parser {
    tokens: Vec<Token>,
    at: usize,
}

impl Parser {
    fn look(&self) -> &Token {
        &self.tokens[self.at.min(self.tokens.len() - 1)]
    }

    fn take(&mut self) -> Token {
        let token = self.look().clone();
        self.at += 1;
        token
    }

    fn condition(&mut self) -> Result<Condition, String> {
        let mut token = self.take();
        let absent = token == Token::Symbol("!");
        if absent {
            token = self.take();
        }
        let Token::Word(key) = token else { return Err(format!("found '{}', expected: identifier", token.text())) };
        let problems = text::qualified_name(&key);
        if !problems.is_empty() {
            return Err(format!("<nil>: Invalid value: {key:?}: {}", problems.join("; ")));
        }
        if absent {
            return Ok(Condition::Plain(Requirement::DoesNotExist(key)));
        }
        if matches!(self.look(), Token::End | Token::Symbol(",")) {
            return Ok(Condition::Plain(Requirement::Exists(key)));
        }
        let operator = self.take();
        let values = match operator.text() {
            "in" | "notin" if matches!(operator, Token::Word(_)) => self.values()?,
            "=" | "==" | "!=" | ">" | "<" => vec![self.value()?],
            other => return Err(format!("found '{other}', expected: in, notin, =, ==, !=, gt, lt")),
        };
        let numeric = matches!(operator.text(), ">" | "<");
        check_values(&key, &values, numeric)?;
        Ok(match operator.text() {
            "notin" | "!=" => Condition::Plain(Requirement::NotIn(key, values)),
            ">" | "<" => Condition::Number {
                key,
                greater: operator.text() == ">",
                than: values[0].parse().expect("checked above"),
            },
            _ => Condition::Plain(Requirement::In(key, values)),
        })
    }

    /// What follows `=`; nothing is the empty value.
    fn value(&mut self) -> Result<String, String> {
        if matches!(self.look(), Token::End | Token::Symbol(",")) {
            return Ok(String::new());
        }
        match self.take() {
            Token::Word(value) => Ok(value),
            other => Err(format!("found '{}', expected: identifier", other.text())),
        }
    }

    /// What follows `in`.
    fn values(&mut self) -> Result<Vec<String>, String> {
        let token = self.take();
        if token != Token::Symbol("(") {
            return Err(format!("found '{}' expected: '('", token.text()));
        }
        let mut values = Vec::new();
        match self.look() {
            Token::Symbol(")") => values.push(String::new()),
            Token::Word(_) | Token::Symbol(",") => self.list(&mut values)?,
            other => return Err(format!("found '{}', expected: ',', ')' or identifier", other.text())),
        }
        self.take();
        values.sort();
        values.dedup();
        Ok(values)
    }

    /// Values up to the closing parenthesis, which stays.
    fn list(&mut self, values: &mut Vec<String>) -> Result<(), String> {
        loop {
            match self.take() {
                Token::Word(value) => {
                    values.push(value);
                    match self.look() {
                        Token::Symbol(",") => {}
                        Token::Symbol(")") => return Ok(()),
                        other => return Err(format!("found '{}', expected: ',' or ')'", other.text())),
                    }
                }
                Token::Symbol(",") => {
                    if values.is_empty() {
                        values.push(String::new());
                    }
                    match self.look() {
                        Token::Symbol(")") => {
                            values.push(String::new());
                            return Ok(());
                        }
                        Token::Symbol(",") => values.push(String::new()),
                        _ => {}
                    }
                }
                other => return Err(format!("found '{}', expected: ',', or identifier", other.text())),
            }
        }
    }
}

fn check_values(key: &str, values: &[String], numeric: bool) -> Result<(), String> {
    let mut problems = Vec::new();
    for (index, value) in values.iter().enumerate() {
        if numeric && value.parse::<i64>().is_err() {
            let why = "for 'Gt', 'Lt' operators, the value must be an integer";
            problems.push(format!("values[{index}]: Invalid value: {value:?}: {why}"));
        }
        let wrong = text::label_value(value);
        if !wrong.is_empty() {
            problems.push(format!("values[{index}][{key}]: Invalid value: {value:?}: {}", wrong.join("; ")));
        }
    }
    match problems.as_slice() {
        [] => Ok(()),
        [one] => Err(one.clone()),
        many => Err(format!("[{}]", many.join(", "))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(selector: &str, expect: bool) {
        let labels = BTreeMap::from([("a".to_owned(), "1".to_owned()), ("b".to_owned(), "2".to_owned())]);
        assert_eq!(Labels::parse(selector).unwrap().matches(&labels), expect, "{selector}");
    }

    #[test]
    fn conditions() {
        check("", true);
        check("a=1,b==2", true);
        check("a=1,b!=2", false);
        check("a in (1,3),!c", true);
        check("a notin (1)", false);
        check("a in (3, 1 ),c notin(x)", true);
        check("c", false);
        check("c!=1", true);
        check("a>0,b<3", true);
        check("a>1", false);
        check("a=,b", false);
        check("in=1", false);
    }

    #[track_caller]
    fn refused(selector: &str, expect: &str) {
        assert_eq!(Labels::parse(selector).err().as_deref(), Some(expect));
    }

    #[test]
    fn nonsense_in_the_servers_words() {
        refused("=", "found '=', expected: !, identifier, or 'end of string'");
        refused("a b", "unable to parse requirement: found 'b', expected: in, notin, =, ==, !=, gt, lt");
        refused("a,", "found '', expected: identifier after ','");
        refused("a in b", "unable to parse requirement: found 'b' expected: '('");
        refused(
            "a>x",
            "unable to parse requirement: values[0]: Invalid value: \"x\": for 'Gt', 'Lt' operators, the value must be an integer",
        );
    }
}
