//! The Common Expression Language, as admission policies and the rules of definitions use it.
//!
//! Expressions are read once into a tree ([`parse`]) and walked ([`eval`]) over values ([`value`]); [`functions`] has
//! what can be called. Types are checked when a value is used, not before, so a policy that could never work is only
//! found out by a request that it is asked about.
//!
//! Source: the language definition of cel-spec, and apiserver/pkg/cel/library.

mod eval;
mod functions;
mod lex;
mod parse;
mod value;

use serde_json::Value;

pub(crate) use parse::Expr;
pub(crate) use value::Val;

/// What an expression can name.
#[derive(Debug, Clone, Default)]
pub(crate) struct Scope {
    names: Vec<(String, Val)>,
}

impl Scope {
    pub(crate) fn with(mut self, name: &str, value: impl Into<Val>) -> Self {
        self.names.push((name.into(), value.into()));
        self
    }

    pub(crate) fn set(&mut self, name: &str, value: Val) {
        self.names.push((name.into(), value));
    }

    fn get(&self, name: &str) -> Option<&Val> {
        self.names.iter().rev().find(|(known, _)| known == name).map(|(_, value)| value)
    }

    fn pop(&mut self) {
        self.names.pop();
    }
}

/// Reads an expression.
pub(crate) fn parse(text: &str) -> Result<Expr, String> {
    parse::expression(text)
}

/// What an expression comes to.
pub(crate) fn evaluate(text: &str, scope: &Scope) -> Result<Val, String> {
    eval::eval(&parse(text)?, &mut scope.clone())
}

/// Whether an expression holds.
pub(crate) fn holds(text: &str, scope: &Scope) -> Result<bool, String> {
    match evaluate(text, scope)? {
        Val::Bool(holds) => Ok(holds),
        other => Err(format!("expected bool, got {}", other.type_name())),
    }
}

/// What an expression comes to, as JSON.
pub(crate) fn json(text: &str, scope: &Scope) -> Result<Value, String> {
    evaluate(text, scope)?.to_json()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn scope() -> Scope {
        let object = json!({"metadata": {"name": "web", "labels": {"app": "x"}}, "spec": {"replicas": 3, "ports": [{"n": 80}, {"n": 443}],
            "cpu": "500m", "kind": "a"}});
        Scope::default().with("object", &object).with("oldObject", &Value::Null)
    }

    #[track_caller]
    fn check(text: &str, expect: Value) {
        let got = json(text, &scope()).unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(got, expect, "{text}");
    }

    #[track_caller]
    fn refuse(text: &str, part: &str) {
        let error = json(text, &scope()).unwrap_err();
        assert!(error.contains(part), "{text}: {error}");
    }

    #[test]
    fn arithmetic_and_logic() {
        check("1 + 2 * 3 - 4 / 2 % 3", json!(5));
        check("-(2 - 5)", json!(3));
        check("1 < 2 && 2.5 >= 2.5 || false", json!(true));
        check("!(1 == 1.0) ? 'a' : \"b\"", json!("b"));
        check("'a' + 'b' + string(3)", json!("ab3"));
        check("[1] + [2]", json!([1, 2]));
        check("0x1F + int('3')", json!(34));
        refuse("1 / 0", "division by zero");
        refuse("1 + 'a'", "no such overload");
        refuse("9223372036854775807 + 1", "integer overflow");
    }

    #[test]
    fn fields_and_absence() {
        check("object.spec.replicas <= 5", json!(true));
        check("has(object.spec.paused) || !has(object.spec.replicas)", json!(false));
        check("object.metadata.?annotations['x'].orValue('none')", json!("none"));
        check("object.metadata.labels['app']", json!("x"));
        check("'app' in object.metadata.labels && 'b' in ['a', 'b']", json!(true));
        check("oldObject == null", json!(true));
        refuse("object.spec.missing == 1", "no such key: missing");
        refuse("nothing", "undeclared reference to 'nothing'");
        // An error beside a decision does not matter.
        check("object.spec.missing == 1 || true", json!(true));
        check("false && object.spec.missing == 1", json!(false));
    }

    #[test]
    fn macros() {
        check("object.spec.ports.all(p, p.n > 79)", json!(true));
        check("object.spec.ports.exists(p, p.n == 443)", json!(true));
        check("object.spec.ports.exists_one(p, p.n > 0)", json!(false));
        check("object.spec.ports.map(p, p.n + 1)", json!([81, 444]));
        check("object.spec.ports.map(p, p.n > 100, p.n)", json!([443]));
        check("object.spec.ports.filter(p, p.n < 100)[0].n", json!(80));
        check("object.metadata.labels.all(k, k == 'app')", json!(true));
        check("cel.bind(n, object.spec.replicas, n * n)", json!(9));
    }

    #[test]
    fn texts_lists_and_quantities() {
        check("object.metadata.name.startsWith('w') && object.metadata.name.matches('^[a-z]+$')", json!(true));
        check("'a,b'.split(',').join('-').upperAscii()", json!("A-B"));
        check("size('héé') + size([1]) + size({'a': 1})", json!(5));
        check("'abc'.substring(1, 2) + 'abc'.replace('a', 'x')", json!("bxbc"));
        check("quantity(object.spec.cpu).isLessThan(quantity('1'))", json!(true));
        check("[3, 1].isSorted() ? 0 : [3, 1].min() + [3, 1].sum()", json!(5));
        check("duration('90s') > duration('1m')", json!(true));
        check("timestamp('2026-01-01T00:00:00Z').getFullYear()", json!(2026));
        check("'%s has %d'.format(['x', 3])", json!("x has 3"));
        check("type(1) == int && type('') == string", json!(true));
        check("jsonpatch.escapeKey('a/b~c')", json!("a~1b~0c"));
    }

    #[test]
    fn objects_are_made() {
        check("Object{spec: Object.spec{replicas: 2}}", json!({"spec": {"replicas": 2}}));
        check(
            "[JSONPatch{op: 'add', path: '/spec/x', value: {'a': [1]}}]",
            json!([{"op": "add", "path": "/spec/x", "value": {"a": [1]}}]),
        );
    }

    #[test]
    fn what_is_no_expression() {
        for text in ["", "1 +", "(1", "a.", "'x", "[1,", "f(", "1 2", "@"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
