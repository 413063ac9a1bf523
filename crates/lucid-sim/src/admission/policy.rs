//! Admission policies in CEL: which of them look at a write, what they refuse and what they change.
//!
//! Source: apiserver/pkg/admission/plugin/policy.

use std::sync::Arc;

use serde_json::{Value, json};

use lucid_object::LabelSelector;

use crate::cel::{self, Scope};
use crate::error::ApiError;
use crate::fields;
use crate::json::{Json, JsonMut};
use crate::kinds::{Kind, Table};
use crate::patch;
use crate::world::World;

const GROUP: &str = "admissionregistration.k8s.io/v1";

/// What is to be written.
pub(crate) struct Attempt<'a> {
    pub(crate) kind: &'a Kind,
    pub(crate) subresource: &'a str,
    pub(crate) object: &'a Value,
    pub(crate) old: Option<&'a Value>,
    pub(crate) dry_run: bool,
}

impl Attempt<'_> {
    fn operation(&self) -> &'static str {
        match (self.old, self.object) {
            (Some(_), Value::Null) => "DELETE",
            (Some(_), _) => "UPDATE",
            (None, _) => "CREATE",
        }
    }

    fn any(&self) -> &Value {
        match self.object {
            Value::Null => self.old.unwrap_or(&Value::Null),
            object => object,
        }
    }

    fn scope(&self, world: &World) -> Scope {
        let any = self.any();
        let gvk = json!({"group": self.kind.group, "version": self.kind.version, "kind": self.kind.kind});
        let gvr = json!({"group": self.kind.group, "version": self.kind.version, "resource": self.kind.plural});
        let request = json!({"kind": gvk, "requestKind": gvk, "resource": gvr, "requestResource": gvr,
            "subResource": self.subresource, "name": any.name(), "namespace": any.namespace(), "operation": self.operation(),
            "userInfo": {"username": world.asker.name, "groups": world.asker.groups}, "dryRun": self.dry_run});
        let namespace = match self.kind.table {
            Table::NAMESPACES => Value::Null,
            _ => {
                world.store.get(Table::NAMESPACES, "", any.namespace()).map_or(Value::Null, |found| Value::clone(found))
            }
        };
        Scope::default()
            .with("object", self.object)
            .with("oldObject", self.old.unwrap_or(&Value::Null))
            .with("request", &request)
            .with("namespaceObject", &namespace)
    }
}

/// A policy that a binding makes count, with one object of parameters if it takes some.
struct Bound {
    policy: Arc<Value>,
    binding: Arc<Value>,
    scope: Scope,
}

/// Refuses what a policy does not allow; what it only warns of becomes a warning.
pub(crate) fn validate(world: &mut World, attempt: &Attempt<'_>) -> Result<(), ApiError> {
    for bound in bound(world, attempt, "ValidatingAdmissionPolicy")? {
        for (at, validation) in bound.policy.list("spec/validations").iter().enumerate() {
            let Some(message) = broken(&bound, validation, at) else { continue };
            let text = format!(
                "ValidatingAdmissionPolicy '{}' with binding '{}' denied request: {message}",
                bound.policy.name(),
                bound.binding.name()
            );
            let actions = bound.binding.list("spec/validationActions");
            if actions.iter().any(|action| action == "Warn") {
                world.warnings.push(format!(
                    "Validation failed for ValidatingAdmissionPolicy '{}' with binding '{}': {message}",
                    bound.policy.name(),
                    bound.binding.name()
                ));
            }
            if actions.is_empty() || actions.iter().any(|action| action == "Deny") {
                return Err(refusal(attempt, &text, validation.str("reason")));
            }
        }
    }
    Ok(())
}

/// Why a validation does not hold.
fn broken(bound: &Bound, validation: &Value, at: usize) -> Option<String> {
    let expression = validation.str("expression");
    match cel::holds(expression, &bound.scope) {
        Ok(true) => None,
        Ok(false) => {
            let told = validation.at("messageExpression").as_str().map(|text| cel::json(text, &bound.scope));
            let told = told.and_then(Result::ok).and_then(|value| value.as_str().map(|text| text.trim().to_owned()));
            let told = told.filter(|text| !text.is_empty() && !text.contains('\n'));
            Some(told.unwrap_or_else(|| match validation.str("message").trim() {
                "" => format!("failed expression: {}", expression.trim()),
                message => message.to_owned(),
            }))
        }
        Err(_) if bound.policy.str("spec/failurePolicy") == "Ignore" => None,
        Err(error) => {
            let _ = at;
            Some(format!("expression '{expression}' resulted in error: {error}"))
        }
    }
}

fn refusal(attempt: &Attempt<'_>, text: &str, reason: &str) -> ApiError {
    let mut error = ApiError::forbidden(attempt.kind.about(), attempt.any().name(), text);
    (error.code, error.reason) = match reason {
        "Forbidden" => (403, "Forbidden"),
        "Unauthorized" => (401, "Unauthorized"),
        "RequestEntityTooLarge" => (413, "RequestEntityTooLarge"),
        _ => (422, "Invalid"),
    };
    let details = error.details.get_or_insert_with(|| json!({}));
    details["causes"] = json!([{"message": text}]);
    error
}

/// Changes an object as the mutating policies say.
pub(crate) fn mutate(
    world: &World,
    kind: &Kind,
    subresource: &str,
    object: &mut Value,
    old: Option<&Value>,
    dry_run: bool,
) -> Result<(), ApiError> {
    let bindings = world.kinds.by_kind(GROUP, "MutatingAdmissionPolicyBinding");
    if bindings.is_none_or(|bindings| world.store.list(bindings.table).next().is_none()) {
        return Ok(());
    }
    let before = object.clone();
    let attempt = &Attempt { kind, subresource, object: &before, old, dry_run };
    for mut bound in bound(world, attempt, "MutatingAdmissionPolicy")? {
        for mutation in bound.policy.list("spec/mutations") {
            bound.scope.set("object", (&*object).into());
            let made = match mutation.str("patchType") {
                "JSONPatch" => json_patch(&bound.scope, mutation, object),
                _ => configuration(&bound.scope, mutation, object, attempt.kind),
            };
            match made {
                Ok(changed) => *object = changed,
                Err(_) if bound.policy.str("spec/failurePolicy") == "Ignore" => {}
                Err(why) => {
                    let text = format!(
                        "policy '{}' with binding '{}' denied request: {why}",
                        bound.policy.name(),
                        bound.binding.name()
                    );
                    return Err(refusal(attempt, &text, ""));
                }
            }
        }
    }
    Ok(())
}

fn json_patch(scope: &Scope, mutation: &Value, object: &Value) -> Result<Value, String> {
    let patch = cel::json(mutation.str("jsonPatch/expression"), scope)?;
    let mut changed = object.clone();
    patch::json::apply(&mut changed, &patch).map_err(|_| "the JSON patch cannot be applied".to_owned())?;
    Ok(changed)
}

fn configuration(scope: &Scope, mutation: &Value, object: &Value, kind: &Kind) -> Result<Value, String> {
    let configuration = cel::json(mutation.str("applyConfiguration/expression"), scope)?;
    Ok(fields::merge::merge(object, &configuration, kind.type_ref()))
}

/// The policies of a kind that look at this write.
fn bound(world: &World, attempt: &Attempt<'_>, which: &str) -> Result<Vec<Bound>, ApiError> {
    let (Some(policies), Some(bindings)) =
        (world.kinds.by_kind(GROUP, which), world.kinds.by_kind(GROUP, &format!("{which}Binding")))
    else {
        return Ok(Vec::new());
    };
    // Policies cannot lock out what would repair them.
    if attempt.kind.group == "admissionregistration.k8s.io" {
        return Ok(Vec::new());
    }
    let mut out = Vec::new();
    for binding in world.store.list(bindings.table) {
        let Some(policy) = world.store.get(policies.table, "", binding.str("spec/policyName")) else { continue };
        let fits = matches(world, policy.at("spec/matchConstraints"), attempt, true)
            && matches(world, binding.at("spec/matchResources"), attempt, false);
        if !fits {
            continue;
        }
        for parameters in parameters(world, policy, binding, attempt)? {
            let mut scope = attempt.scope(world).with("params", &parameters);
            variables(policy, &mut scope);
            let bound = Bound { policy: policy.clone(), binding: binding.clone(), scope };
            if conditions(&bound, attempt)? {
                out.push(bound);
            }
        }
    }
    Ok(out)
}

/// What later expressions call by name. One that cannot be computed is an error for those who use it.
fn variables(policy: &Value, scope: &mut Scope) {
    let mut known = serde_json::Map::new();
    scope.set("variables", (&Value::Object(known.clone())).into());
    for variable in policy.list("spec/variables") {
        if let Ok(value) = cel::json(variable.str("expression"), scope) {
            known.insert(variable.str("name").into(), value);
            scope.set("variables", (&Value::Object(known.clone())).into());
        }
    }
}

fn conditions(bound: &Bound, attempt: &Attempt<'_>) -> Result<bool, ApiError> {
    for condition in bound.policy.list("spec/matchConditions") {
        match cel::holds(condition.str("expression"), &bound.scope) {
            Ok(true) => {}
            Ok(false) => return Ok(false),
            Err(_) if bound.policy.str("spec/failurePolicy") == "Ignore" => return Ok(false),
            Err(error) => {
                let text = format!("matchCondition {:?} resulted in error: {error}", condition.str("name"));
                return Err(refusal(attempt, &text, "Forbidden"));
            }
        }
    }
    Ok(true)
}

/// The objects that a policy is asked with; one null where it takes none.
fn parameters(world: &World, policy: &Value, binding: &Value, attempt: &Attempt<'_>) -> Result<Vec<Value>, ApiError> {
    let (kind, reference) = (policy.at("spec/paramKind"), binding.at("spec/paramRef"));
    if kind.is_null() || reference.is_null() {
        return Ok(vec![Value::Null]);
    }
    let found: Vec<Value> = match world.kinds.by_kind(kind.str("apiVersion"), kind.str("kind")) {
        Some(kind) => {
            let namespace = match (kind.namespaced, reference.str("namespace")) {
                (false, _) => "",
                (true, "") => attempt.any().namespace(),
                (true, namespace) => namespace,
            };
            let selector = LabelSelector::from_value(reference.at("selector"));
            let wanted = |object: &&Arc<Value>| match reference.str("name") {
                "" => selector.as_ref().is_some_and(|selector| selector.matches(&object.labels())),
                name => object.name() == name,
            };
            world.store.list_in(kind.table, namespace).filter(wanted).map(|object| Value::clone(object)).collect()
        }
        None => Vec::new(),
    };
    if found.is_empty() && reference.str("parameterNotFoundAction") == "Deny" {
        let text = format!(
            "policy '{}' with binding '{}' denied request: no params found for policy binding with `Deny` parameterNotFoundAction",
            policy.name(),
            binding.name()
        );
        return Err(refusal(attempt, &text, "Forbidden"));
    }
    Ok(found)
}

/// Whether rules and selectors pick this write. A binding without rules takes its policy's.
fn matches(world: &World, constraints: &Value, attempt: &Attempt<'_>, needs_rules: bool) -> bool {
    let selects = |selector: &Value, object: &Value| {
        selector.is_null()
            || LabelSelector::from_value(selector).is_none_or(|selector| selector.matches(&object.labels()))
    };
    let namespace = match attempt.kind.table {
        Table::NAMESPACES => Some(attempt.any().clone()),
        _ => world.store.get(Table::NAMESPACES, "", attempt.any().namespace()).map(|found| Value::clone(found)),
    };
    if namespace.is_some_and(|namespace| !selects(constraints.at("namespaceSelector"), &namespace)) {
        return false;
    }
    let objects = [Some(attempt.object), attempt.old];
    let mut objects = objects.into_iter().flatten().filter(|object| !object.is_null());
    if !objects.any(|object| selects(constraints.at("objectSelector"), object)) {
        return false;
    }
    if constraints.list("excludeResourceRules").iter().any(|rule| covers(rule, attempt)) {
        return false;
    }
    let rules = constraints.list("resourceRules");
    rules.is_empty() && !needs_rules || rules.iter().any(|rule| covers(rule, attempt))
}

fn covers(rule: &Value, attempt: &Attempt<'_>) -> bool {
    let any = |field: &str, value: &str| rule.list(field).iter().any(|one| one == "*" || one == value);
    let whole = match attempt.subresource {
        "" => attempt.kind.plural.clone(),
        part => format!("{}/{part}", attempt.kind.plural),
    };
    let wild = [format!("{}/*", attempt.kind.plural), format!("*/{}", attempt.subresource), "*/*".to_owned()];
    let resource =
        rule.list("resources").iter().filter_map(Value::as_str).any(|one| {
            one == whole || one == "*" && attempt.subresource.is_empty() || wild.iter().any(|wild| wild == one)
        });
    let scope = match rule.str("scope") {
        "Namespaced" => attempt.kind.namespaced,
        "Cluster" => !attempt.kind.namespaced,
        _ => true,
    };
    let names = rule.list("resourceNames");
    let named = names.is_empty() || names.iter().any(|name| name == attempt.any().name());
    any("operations", attempt.operation())
        && any("apiGroups", &attempt.kind.group)
        && any("apiVersions", &attempt.kind.version)
        && resource
        && scope
        && named
}

/// The defaults that a policy's own fields have are part of its kind.
pub(crate) fn defaults(kind: &Kind, object: &mut Value) {
    if kind.group != "admissionregistration.k8s.io" {
        return;
    }
    let paths: &[&str] = match kind.kind.as_str() {
        "ValidatingAdmissionPolicy" | "MutatingAdmissionPolicy" => {
            object.default_to("spec/failurePolicy", "Fail");
            &["spec/matchConstraints"]
        }
        _ => &["spec/matchResources"],
    };
    for path in paths {
        if !object.has(path) {
            continue;
        }
        object.default_to(&format!("{path}/matchPolicy"), "Equivalent");
        object.default_to(&format!("{path}/namespaceSelector"), json!({}));
        object.default_to(&format!("{path}/objectSelector"), json!({}));
        for rules in ["resourceRules", "excludeResourceRules"] {
            object.items(&format!("{path}/{rules}")).iter_mut().for_each(|rule| rule.default_to("scope", "*"));
        }
    }
}
