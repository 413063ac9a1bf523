//! From words to a tree.

use super::lex::{Token, tokens};
use super::value::Val;

/// An expression.
#[derive(Debug, Clone)]
pub(crate) enum Expr {
    Literal(Val),
    Name(String),
    /// A field; `true` where its absence is no error.
    Field(Box<Expr>, String, bool),
    Index(Box<Expr>, Box<Expr>, bool),
    /// A function, with what it is called on.
    Call(Option<Box<Expr>>, String, Vec<Expr>),
    List(Vec<(Expr, bool)>),
    Map(Vec<(Expr, Expr, bool)>),
    /// An object of a named type; which one does not matter, since the schema of what is changed is known.
    Object(Vec<(String, Expr, bool)>),
    Not(Box<Expr>),
    Minus(Box<Expr>),
    Binary(&'static str, Box<Expr>, Box<Expr>),
    Choice(Box<Expr>, Box<Expr>, Box<Expr>),
}

/// Deeper nesting is refused before it can exhaust the stack.
const DEPTH: usize = 100;

pub(super) fn expression(text: &str) -> Result<Expr, String> {
    let mut parser = Parser { tokens: tokens(text)?, at: 0, depth: 0 };
    let expression = parser.choice()?;
    match parser.peek() {
        None => Ok(expression),
        Some(token) => Err(format!("Syntax error: mismatched input {token:?}")),
    }
}

struct Parser {
    tokens: Vec<Token>,
    at: usize,
    depth: usize,
}

type Parsed = Result<Expr, String>;

impl Parser {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at)
    }

    fn next(&mut self) -> Option<Token> {
        self.at += 1;
        self.tokens.get(self.at - 1).cloned()
    }

    fn take(&mut self, mark: &str) -> bool {
        let found = matches!(self.peek(), Some(Token::Mark(next)) if *next == mark);
        self.at += usize::from(found);
        found
    }

    fn take_any(&mut self, marks: &[&'static str]) -> Option<&'static str> {
        marks.iter().find(|mark| self.take(mark)).copied()
    }

    fn expect(&mut self, mark: &str) -> Result<(), String> {
        if self.take(mark) {
            return Ok(());
        }
        Err(format!("Syntax error: expected '{mark}', found {:?}", self.peek()))
    }

    fn choice(&mut self) -> Parsed {
        self.depth += 1;
        if self.depth > DEPTH {
            return Err("Syntax error: nested too deeply".into());
        }
        let condition = self.binary(0)?;
        let result = if self.take("?") {
            let yes = self.binary(0)?;
            self.expect(":")?;
            Expr::Choice(Box::new(condition), Box::new(yes), Box::new(self.choice()?))
        } else {
            condition
        };
        self.depth -= 1;
        Ok(result)
    }

    fn binary(&mut self, level: usize) -> Parsed {
        const LEVELS: [&[&str]; 5] =
            [&["||"], &["&&"], &["<=", ">=", "==", "!=", "<", ">"], &["+", "-"], &["*", "/", "%"]];
        let Some(marks) = LEVELS.get(level) else { return self.unary() };
        let mut left = self.binary(level + 1)?;
        loop {
            let is_in = level == 2 && self.peek() == Some(&Token::Name("in".into()));
            let mark = if is_in {
                self.at += 1;
                "in"
            } else {
                match self.take_any(marks) {
                    Some(mark) => mark,
                    None => return Ok(left),
                }
            };
            left = Expr::Binary(mark, Box::new(left), Box::new(self.binary(level + 1)?));
        }
    }

    fn unary(&mut self) -> Parsed {
        self.depth += 1;
        if self.depth > DEPTH {
            return Err("Syntax error: nested too deeply".into());
        }
        let result = if self.take("!") {
            Expr::Not(Box::new(self.unary()?))
        } else if self.take("-") {
            match self.unary()? {
                Expr::Literal(Val::Int(number)) => Expr::Literal(Val::Int(number.wrapping_neg())),
                Expr::Literal(Val::Double(number)) => Expr::Literal(Val::Double(-number)),
                other => Expr::Minus(Box::new(other)),
            }
        } else {
            self.member()?
        };
        self.depth -= 1;
        Ok(result)
    }

    fn member(&mut self) -> Parsed {
        let mut of = self.primary()?;
        loop {
            if self.take(".?") {
                of = Expr::Field(Box::new(of), self.name()?, true);
            } else if self.take(".") {
                let name = self.name()?;
                of = if self.take("(") {
                    Expr::Call(Some(Box::new(of)), name, self.arguments(")")?)
                } else {
                    Expr::Field(Box::new(of), name, false)
                };
            } else if let Some(mark) = self.take_any(&["[?", "["]) {
                let index = self.choice()?;
                self.expect("]")?;
                of = Expr::Index(Box::new(of), Box::new(index), mark == "[?");
            } else if matches!(self.peek(), Some(Token::Mark("{"))) {
                if !is_path(&of) {
                    return Ok(of);
                }
                self.at += 1;
                of = Expr::Object(self.fields()?);
            } else {
                return Ok(of);
            }
        }
    }

    fn primary(&mut self) -> Parsed {
        self.take(".");
        let literal = |value: Val| Ok(Expr::Literal(value));
        match self.next() {
            Some(Token::Int(number)) => literal(Val::Int(number)),
            Some(Token::Uint(number)) => literal(Val::Uint(number)),
            Some(Token::Double(number)) => literal(Val::Double(number)),
            Some(Token::Text(text)) => literal(Val::from(text)),
            Some(Token::Bytes(bytes)) => literal(Val::Bytes(bytes)),
            Some(Token::Name(name)) => match name.as_str() {
                "true" => literal(Val::Bool(true)),
                "false" => literal(Val::Bool(false)),
                "null" => literal(Val::Null),
                _ if self.take("(") => Ok(Expr::Call(None, name, self.arguments(")")?)),
                _ => Ok(Expr::Name(name)),
            },
            Some(Token::Mark("(")) => {
                let inner = self.choice()?;
                self.expect(")")?;
                Ok(inner)
            }
            Some(Token::Mark("[")) => self.list(),
            // A list whose first item may be absent.
            Some(Token::Mark("[?")) => {
                self.at -= 1;
                self.tokens[self.at] = Token::Mark("?");
                self.list()
            }
            Some(Token::Mark("{")) => self.map(),
            other => Err(format!("Syntax error: mismatched input {other:?}")),
        }
    }

    fn name(&mut self) -> Result<String, String> {
        match self.next() {
            Some(Token::Name(name)) => Ok(unescaped(name)),
            other => Err(format!("Syntax error: expected a name, found {other:?}")),
        }
    }

    fn arguments(&mut self, end: &str) -> Result<Vec<Expr>, String> {
        let mut out = Vec::new();
        while !self.take(end) {
            out.push(self.choice()?);
            if !self.take(",") {
                self.expect(end)?;
                break;
            }
        }
        Ok(out)
    }

    fn list(&mut self) -> Parsed {
        let mut out = Vec::new();
        while !self.take("]") {
            let optional = self.take("?");
            out.push((self.choice()?, optional));
            if !self.take(",") {
                self.expect("]")?;
                break;
            }
        }
        Ok(Expr::List(out))
    }

    fn map(&mut self) -> Parsed {
        let mut out = Vec::new();
        while !self.take("}") {
            let optional = self.take("?");
            let key = self.choice()?;
            self.expect(":")?;
            out.push((key, self.choice()?, optional));
            if !self.take(",") {
                self.expect("}")?;
                break;
            }
        }
        Ok(Expr::Map(out))
    }

    fn fields(&mut self) -> Result<Vec<(String, Expr, bool)>, String> {
        let mut out = Vec::new();
        while !self.take("}") {
            let optional = self.take("?");
            let name = match self.next() {
                Some(Token::Name(name) | Token::Text(name)) => unescaped(name),
                other => return Err(format!("Syntax error: expected a field, found {other:?}")),
            };
            self.expect(":")?;
            out.push((name, self.choice()?, optional));
            if !self.take(",") {
                self.expect("}")?;
                break;
            }
        }
        Ok(out)
    }
}

/// Whether it may be the name of a type, such as `Object.spec`.
fn is_path(expression: &Expr) -> bool {
    match expression {
        Expr::Name(_) => true,
        Expr::Field(of, _, false) => is_path(of),
        _ => false,
    }
}

/// Property names that are no CEL names are written in another way.
fn unescaped(name: String) -> String {
    if !name.contains("__") {
        return name;
    }
    let keyword = name.strip_prefix("__").and_then(|name| name.strip_suffix("__"));
    if let Some(keyword) = keyword.filter(|word| word.chars().all(|c| c.is_ascii_lowercase())) {
        return keyword.into();
    }
    name.replace("__dash__", "-").replace("__dot__", ".").replace("__slash__", "/").replace("__underscores__", "__")
}
