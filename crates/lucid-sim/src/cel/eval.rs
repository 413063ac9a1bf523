//! The walk over the tree.

use std::rc::Rc;

use super::functions;
use super::parse::Expr;
use super::{Scope, Val};

type Evaluated = Result<Val, String>;

pub(super) fn eval(expression: &Expr, scope: &mut Scope) -> Evaluated {
    match expression {
        Expr::Literal(value) => Ok(value.clone()),
        Expr::Name(name) => name_of(name, scope),
        Expr::Field(of, name, optional) => {
            let of = eval(of, scope)?;
            field(&of, name, *optional)
        }
        Expr::Index(of, index, optional) => {
            let (of, index) = (eval(of, scope)?, eval(index, scope)?);
            item(&of, &index, *optional)
        }
        Expr::Call(of, name, arguments) => call(of.as_deref(), name, arguments, scope),
        Expr::List(items) => {
            let mut out = Vec::with_capacity(items.len());
            for (item, optional) in items {
                out.extend(maybe(eval(item, scope)?, *optional));
            }
            Ok(Val::List(Rc::new(out)))
        }
        Expr::Map(entries) => {
            let mut out = Vec::with_capacity(entries.len());
            for (key, value, optional) in entries {
                let key = eval(key, scope)?;
                out.extend(maybe(eval(value, scope)?, *optional).map(|value| (key, value)));
            }
            Ok(Val::Map(Rc::new(out)))
        }
        Expr::Object(fields) => {
            let mut out = Vec::with_capacity(fields.len());
            for (name, value, optional) in fields {
                out.extend(maybe(eval(value, scope)?, *optional).map(|value| (Val::from(name.clone()), value)));
            }
            Ok(Val::Map(Rc::new(out)))
        }
        Expr::Not(inner) => match eval(inner, scope)? {
            Val::Bool(flag) => Ok(Val::Bool(!flag)),
            other => Err(no_overload("!_", &[&other])),
        },
        Expr::Minus(inner) => match eval(inner, scope)? {
            Val::Int(number) => number.checked_neg().map(Val::Int).ok_or_else(|| "integer overflow".into()),
            Val::Double(number) => Ok(Val::Double(-number)),
            other => Err(no_overload("-_", &[&other])),
        },
        Expr::Binary(mark, left, right) => binary(mark, left, right, scope),
        Expr::Choice(condition, yes, no) => match eval(condition, scope)? {
            Val::Bool(true) => eval(yes, scope),
            Val::Bool(false) => eval(no, scope),
            other => Err(no_overload("_?_:_", &[&other])),
        },
    }
}

/// An entry that may be absent is left out when it is.
fn maybe(value: Val, optional: bool) -> Option<Val> {
    match value {
        Val::Optional(inner) if optional => inner.map(|value| *value),
        value => Some(value),
    }
}

fn name_of(name: &str, scope: &Scope) -> Evaluated {
    const TYPES: [&str; 9] = ["bool", "int", "uint", "double", "string", "bytes", "list", "map", "null_type"];
    if let Some(value) = scope.get(name) {
        return Ok(value.clone());
    }
    if TYPES.contains(&name) {
        return Ok(Val::Type(name.into()));
    }
    Err(format!("undeclared reference to '{name}'"))
}

pub(super) fn no_overload(function: &str, arguments: &[&Val]) -> String {
    let types: Vec<&str> = arguments.iter().map(|value| value.type_name()).collect();
    format!("no such overload: {function}({})", types.join(", "))
}

fn some(value: &Val) -> Val {
    Val::Optional(Some(Box::new(value.clone())))
}

fn field(of: &Val, name: &str, optional: bool) -> Evaluated {
    match of {
        Val::Optional(None) => Ok(Val::Optional(None)),
        Val::Optional(Some(inner)) => Ok(inner.field(name).map_or(Val::Optional(None), some)),
        Val::Map(_) if optional => Ok(of.field(name).map_or(Val::Optional(None), some)),
        Val::Map(_) => of.field(name).cloned().ok_or_else(|| format!("no such key: {name}")),
        _ if optional => Ok(Val::Optional(None)),
        other => Err(no_overload(&format!("_.{name}"), &[other])),
    }
}

fn item(of: &Val, index: &Val, optional: bool) -> Evaluated {
    let found = |of: &Val| -> Evaluated {
        match (of, index) {
            (Val::List(list), Val::Int(at)) => {
                let held = usize::try_from(*at).ok().and_then(|at| list.get(at));
                held.cloned().ok_or_else(|| format!("index out of bounds: {at}"))
            }
            (Val::Map(_), key) => {
                of.entry(key).cloned().ok_or_else(|| format!("no such key: {}", functions::shown(key)))
            }
            _ => Err(no_overload("_[_]", &[of, index])),
        }
    };
    match of {
        Val::Optional(None) => Ok(Val::Optional(None)),
        Val::Optional(Some(inner)) => Ok(found(inner).map_or(Val::Optional(None), |value| some(&value))),
        _ if optional => Ok(found(of).map_or(Val::Optional(None), |value| some(&value))),
        _ => found(of),
    }
}

fn call(of: Option<&Expr>, name: &str, arguments: &[Expr], scope: &mut Scope) -> Evaluated {
    match (of, name, arguments) {
        (None, "has", [Expr::Field(of, field, _)]) => {
            let held = eval(of, scope)?;
            let held = if let Val::Optional(Some(inner)) = held { *inner } else { held };
            Ok(Val::Bool(held.field(field).is_some_and(|value| !matches!(value, Val::Null))))
        }
        (None, "has", _) => Err("invalid argument to has() macro".into()),
        (Some(Expr::Name(library)), "bind", [Expr::Name(variable), value, body]) if library == "cel" => {
            let value = eval(value, scope)?;
            within(scope, variable, value, body)
        }
        (Some(Expr::Name(library)), _, _) if is_library(library, scope) => {
            let values = all(arguments, scope)?;
            functions::library(library, name, &values)
        }
        (Some(of), _, [Expr::Name(variable), body @ ..])
            if matches!(name, "all" | "exists" | "exists_one" | "existsOne" | "map" | "filter") && !body.is_empty() =>
        {
            let range = eval(of, scope)?;
            each(&range, name, variable, body, scope)
        }
        (Some(of), "optMap" | "optFlatMap", [Expr::Name(variable), body]) => match eval(of, scope)? {
            Val::Optional(Some(inner)) => {
                let made = within(scope, variable, *inner, body)?;
                Ok(if name == "optMap" { some(&made) } else { made })
            }
            none => Ok(none),
        },
        (of, _, _) => {
            let of = of.map(|of| eval(of, scope)).transpose()?;
            let values = all(arguments, scope)?;
            functions::call(of.as_ref(), name, &values)
        }
    }
}

fn is_library(name: &str, scope: &Scope) -> bool {
    matches!(name, "optional" | "jsonpatch" | "sets" | "math" | "strings") && scope.get(name).is_none()
}

fn all(expressions: &[Expr], scope: &mut Scope) -> Result<Vec<Val>, String> {
    expressions.iter().map(|expression| eval(expression, scope)).collect()
}

fn within(scope: &mut Scope, variable: &str, value: Val, body: &Expr) -> Evaluated {
    scope.set(variable, value);
    let result = eval(body, scope);
    scope.pop();
    result
}

/// The macros that look at each item of a list, or at each key of a map.
fn each(range: &Val, name: &str, variable: &str, body: &[Expr], scope: &mut Scope) -> Evaluated {
    let items: Vec<Val> = match range {
        Val::List(list) => list.to_vec(),
        Val::Map(map) => map.iter().map(|(key, _)| key.clone()).collect(),
        other => return Err(format!("expression of type '{}' cannot be range of a comprehension", other.type_name())),
    };
    let flag = |value: Val| match value {
        Val::Bool(flag) => Ok(flag),
        other => Err(no_overload(name, &[&other])),
    };
    let (mut kept, mut count, mut failed) = (Vec::new(), 0_usize, None);
    let (mut any, mut every) = (false, true);
    for item in items {
        match (name, body) {
            ("map", [transform]) => kept.push(within(scope, variable, item, transform)?),
            ("map", [condition, transform]) => {
                if flag(within(scope, variable, item.clone(), condition)?)? {
                    kept.push(within(scope, variable, item, transform)?);
                }
            }
            ("filter", [condition]) => {
                if flag(within(scope, variable, item.clone(), condition)?)? {
                    kept.push(item);
                }
            }
            (_, [condition]) => match within(scope, variable, item, condition).and_then(flag) {
                Ok(holds) => {
                    any |= holds;
                    every &= holds;
                    count += usize::from(holds);
                }
                Err(error) => failed = Some(error),
            },
            _ => return Err(format!("{name}: wrong number of arguments")),
        }
    }
    match (name, failed) {
        ("map" | "filter", _) => Ok(Val::List(Rc::new(kept))),
        // One that decides makes errors of the others unimportant.
        ("all", _) if !every => Ok(Val::Bool(false)),
        ("exists", _) if any => Ok(Val::Bool(true)),
        (_, Some(error)) => Err(error),
        ("all", None) => Ok(Val::Bool(every)),
        ("exists", None) => Ok(Val::Bool(any)),
        (_, None) => Ok(Val::Bool(count == 1)),
    }
}

fn binary(mark: &str, left: &Expr, right: &Expr, scope: &mut Scope) -> Evaluated {
    if mark == "&&" || mark == "||" {
        return logic(mark, eval(left, scope), right, scope);
    }
    let (left, right) = (eval(left, scope)?, eval(right, scope)?);
    match mark {
        "==" => Ok(Val::Bool(left.equals(&right))),
        "!=" => Ok(Val::Bool(!left.equals(&right))),
        "in" => match &right {
            Val::List(list) => Ok(Val::Bool(list.iter().any(|item| item.equals(&left)))),
            Val::Map(_) => Ok(Val::Bool(right.entry(&left).is_some())),
            _ => Err(no_overload("@in", &[&left, &right])),
        },
        "<" | "<=" | ">" | ">=" => {
            let order = left.compare(&right).ok_or_else(|| no_overload(&format!("_{mark}_"), &[&left, &right]))?;
            Ok(Val::Bool(match mark {
                "<" => order.is_lt(),
                "<=" => order.is_le(),
                ">" => order.is_gt(),
                _ => order.is_ge(),
            }))
        }
        _ => functions::arithmetic(mark, &left, &right),
    }
}

/// The side that decides counts, whatever the other one is, an error included.
fn logic(mark: &str, left: Evaluated, right: &Expr, scope: &mut Scope) -> Evaluated {
    let decides = mark == "||";
    if matches!(left, Ok(Val::Bool(flag)) if flag == decides) {
        return left;
    }
    let right = eval(right, scope);
    if matches!(right, Ok(Val::Bool(flag)) if flag == decides) {
        return right;
    }
    match (left?, right?) {
        (Val::Bool(_), Val::Bool(_)) => Ok(Val::Bool(!decides)),
        (left, right) => Err(no_overload(&format!("_{mark}_"), &[&left, &right])),
    }
}
