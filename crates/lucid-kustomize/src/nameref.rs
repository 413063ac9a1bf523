//! Name references: once names have changed, everything that mentions an old name gets the new one.

use std::collections::HashMap;

use lucid_object::yaml::{Kind, Node, Tag, Text};

use crate::fieldspec::{Field, Make, selects};
use crate::report::{Report, code};
use crate::resource::{NO_NAMESPACE, Previous, Resource, set_field};
use crate::tables::{NameRule, Spec};

/// What a reference needs to know of the objects it may mean.
struct Candidate {
    name: Text,
    namespace: Text,
    kind: Text,
    group: Text,
    version: Text,
    cluster_scoped: bool,
    effective: Text,
    original: Text,
    previous: Vec<Previous>,
    prefixes: Vec<Text>,
    suffixes: Vec<Text>,
}

/// One referring object.
struct Referrer {
    cluster_scoped: bool,
    effective: Text,
    prefixes: Vec<Text>,
    suffixes: Vec<Text>,
    /// Namespaces of the service accounts that a role binding names.
    binding: Vec<Text>,
    role: Option<(Text, Text)>,
}

/// The objects by the names they had.
struct Index {
    candidates: Vec<Candidate>,
    by_previous: HashMap<Text, Vec<usize>>,
    by_original_namespace: HashMap<Text, Vec<usize>>,
}

/// A reference that could mean several objects.
struct Ambiguous(Vec<usize>);

/// Follows all references of all resources. Where nothing was renamed, only the shape of the fields is checked.
pub(crate) fn fix(resources: &mut [Resource], rules: &[NameRule], report: &mut Report) {
    let index = Index::new(resources);
    let mut rules = Rules::new(rules);
    for resource in resources {
        if !rules.any_for(resource) {
            continue;
        }
        if has_null_version(resource) {
            let message = format!("apiVersion of {} is null", resource.reference());
            report.error(code::NOT_AN_OBJECT, resource.node.pos_at("/apiVersion"), message);
            continue;
        }
        let referrer = Referrer::new(resource);
        for Rule { rule, field } in rules.of(resource) {
            follow(resource, &referrer, rule, field, &index, report);
        }
    }
}

/// kustomize reads `apiVersion: ~` in two ways that disagree.
fn has_null_version(resource: &Resource) -> bool {
    resource.node.get("apiVersion").is_some_and(|node| node.is_null() && node.text() != Some(""))
}

/// A field of a referrer and what it may refer to.
struct Rule<'a> {
    rule: &'a NameRule,
    field: Field<'a>,
}

/// The rules by the type of the referrer, found once for each type that occurs.
struct Rules<'a> {
    by_kind: HashMap<&'a str, Vec<(usize, &'a NameRule, &'a Spec)>>,
    by_type: HashMap<(Text, Text), Vec<Rule<'a>>>,
}

impl<'a> Rules<'a> {
    fn new(rules: &'a [NameRule]) -> Self {
        let mut by_kind: HashMap<&str, Vec<_>> = HashMap::new();
        let all = rules.iter().flat_map(|rule| rule.referrers.iter().map(move |spec| (rule, spec)));
        for (order, (rule, spec)) in all.enumerate() {
            by_kind.entry(&*spec.kind).or_default().push((order, rule, spec));
        }
        Self { by_kind, by_type: HashMap::new() }
    }

    /// Fields are chosen by the original kind, and looked for whatever the present one is.
    fn any_for(&mut self, resource: &Resource) -> bool {
        let (version, kind) = (resource.api_version(), resource.original_kind());
        let found = self.by_type.entry((version.into(), kind.into())).or_insert_with(|| {
            let (group, version) = resource.group_version();
            let own = self.by_kind.get(kind).into_iter().flatten();
            let mut rules: Vec<_> = own.chain(self.by_kind.get("").into_iter().flatten()).collect();
            rules.retain(|(_, _, spec)| selects(spec, group, version, kind));
            rules.sort_by_key(|(order, ..)| *order);
            rules.into_iter().map(|(_, rule, spec)| Rule { rule, field: Field::new(spec) }).collect()
        });
        !found.is_empty()
    }

    fn of(&self, resource: &Resource) -> &[Rule<'a>] {
        let key = (resource.api_version().into(), resource.original_kind().into());
        self.by_type.get(&key).map(Vec::as_slice).unwrap_or_default()
    }
}

fn follow(
    resource: &mut Resource,
    referrer: &Referrer,
    rule: &NameRule,
    field: &Field<'_>,
    index: &Index,
    report: &mut Report,
) {
    let search = Search { index, referrer, rule, by_role: field.path().ends_with("roleRef/name") };
    let mut found: Option<(Ambiguous, lucid_object::yaml::Pos, Text)> = None;
    let pos = resource.node.pos;
    let result = field.visit(&mut resource.node, Make::Nothing, pos, &mut |node| {
        search.set(node).map_err(|failure| match failure {
            Failure::Ambiguous(ambiguous, name) => {
                found = Some((ambiguous, node.pos, name));
                String::new()
            }
            Failure::Shape(message) => message,
        })
    });
    match (result, found) {
        (Err(_), Some((Ambiguous(list), pos, name))) => {
            let names: Vec<String> = list.iter().map(|&i| index.candidates[i].to_string()).collect();
            let message =
                format!("{}: the name {name:?} could mean several objects: {}", resource.reference(), names.join(", "));
            report.error_help(
                code::AMBIGUOUS_NAME,
                pos,
                message,
                "give the objects different names, or name the namespace",
            );
        }
        (Err(error), None) => {
            let message = format!("name reference of {}: {error}", resource.reference());
            report.error(code::TRANSFORM, resource.pos(), message);
        }
        (Ok(()), _) => {}
    }
}

enum Failure {
    Ambiguous(Ambiguous, Text),
    Shape(String),
}

/// One rule for one referrer.
struct Search<'a> {
    index: &'a Index,
    referrer: &'a Referrer,
    rule: &'a NameRule,
    by_role: bool,
}

impl Search<'_> {
    fn set(&self, node: &mut Node) -> Result<(), Failure> {
        if node.is_null() {
            return Ok(());
        }
        match &mut node.kind {
            Kind::Scalar(_) => self.scalar(node),
            Kind::Map(_) => self.mapping(node),
            Kind::Seq(items) => items.iter_mut().filter(|item| !item.is_null()).try_for_each(|item| match item.kind {
                Kind::Scalar(_) => self.scalar(item),
                Kind::Map(_) => self.mapping(item),
                Kind::Seq(_) => Err(Failure::Shape("a list in a list of names".into())),
            }),
        }
    }

    fn scalar(&self, node: &mut Node) -> Result<(), Failure> {
        let Kind::Scalar(scalar) = &mut node.kind else { return Ok(()) };
        let name = scalar.text.clone();
        let same = |a: &Candidate, b: &Candidate| a.name == b.name;
        let Some(candidate) = self.select(&name, None, same)? else { return Ok(()) };
        if candidate.name != name {
            scalar.text = candidate.name.clone();
            scalar.tag = Tag::Unset;
        }
        Ok(())
    }

    fn mapping(&self, node: &mut Node) -> Result<(), Failure> {
        let Some(name) = node.get("name") else { return Err(Failure::Shape("there is no name in it".into())) };
        let name: Text = name.text().unwrap_or_default().into();
        let namespace: Option<Text> = node.get("namespace").map(|n| n.text().unwrap_or_default().into());
        let same = |a: &Candidate, b: &Candidate| a.name == b.name && a.namespace == b.namespace;
        let Some(candidate) = self.select(&name, namespace.as_deref(), same)? else { return Ok(()) };
        if candidate.name == name && candidate.namespace.is_empty() {
            return Ok(());
        }
        let pos = node.get("name").map_or(node.pos, |n| n.pos);
        set_field(node, "name", &candidate.name, Tag::Unset, pos);
        if !candidate.namespace.is_empty() {
            let pos = node.get("namespace").map_or(pos, |n| n.pos);
            set_field(node, "namespace", &candidate.namespace, Tag::Unset, pos);
        }
        Ok(())
    }

    /// The object that a name means, if exactly one is left after all sieves, or all that are left agree.
    fn select(
        &self,
        name: &Text,
        namespace: Option<&str>,
        same: impl Fn(&Candidate, &Candidate) -> bool,
    ) -> Result<Option<&Candidate>, Failure> {
        let all = &self.index.candidates;
        let Some(named) = self.index.by_previous.get(name) else { return Ok(None) };
        let reachable: Vec<usize> = named.iter().copied().filter(|&i| self.referrer.reaches(&all[i])).collect();
        let mut left = match namespace {
            None => reachable,
            Some(namespace) => self.in_namespace(reachable, namespace),
        };
        left.retain(|&i| all[i].was(&self.rule.group, &self.rule.version, &self.rule.kind));
        if let Some((group, kind)) = self.referrer.role.as_ref().filter(|_| self.by_role) {
            left.retain(|&i| all[i].was(group, "", kind));
        }
        left.retain(|&i| self.referrer.shares_namespace(&all[i]));
        if let [only] = left[..] {
            return Ok(Some(&all[only]));
        }
        left.retain(|&i| self.referrer.shares_affixes(&all[i], true));
        if left.len() > 1 {
            left.retain(|&i| self.referrer.shares_affixes(&all[i], false));
        }
        match left[..] {
            [] => Ok(None),
            [first, ..] if left.iter().all(|&i| same(&all[first], &all[i])) => Ok(Some(&all[first])),
            _ => Err(Failure::Ambiguous(Ambiguous(left), name.clone())),
        }
    }

    /// Candidates by original namespace, or by the current one if there is none in the former at all.
    fn in_namespace(&self, reachable: Vec<usize>, namespace: &str) -> Vec<usize> {
        let all = &self.index.candidates;
        let in_original = |c: &Candidate| c.original == namespace && c.original != NO_NAMESPACE;
        let there = self.index.by_original_namespace.get(namespace).map(Vec::as_slice).unwrap_or_default();
        let any = there.iter().any(|&i| in_original(&all[i]) && self.referrer.reaches(&all[i]));
        let keep = |c: &Candidate| {
            if any { in_original(c) } else { c.effective == namespace && c.effective != NO_NAMESPACE }
        };
        reachable.into_iter().filter(|&i| keep(&all[i])).collect()
    }
}

impl std::fmt::Display for Candidate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.kind, self.name)?;
        if self.namespace.is_empty() { Ok(()) } else { write!(f, " in {}", self.namespace) }
    }
}

impl Candidate {
    fn new(resource: &Resource) -> Self {
        let (group, version) = resource.group_version();
        Self {
            name: resource.name().into(),
            namespace: resource.namespace().into(),
            kind: resource.kind().into(),
            group: group.into(),
            version: version.into(),
            cluster_scoped: resource.is_cluster_scoped(),
            effective: resource.effective_namespace().into(),
            original: resource.original_namespace().into(),
            previous: resource.previous.clone(),
            prefixes: resource.prefixes.clone(),
            suffixes: resource.suffixes.clone(),
        }
    }

    /// True if the object had a type like this under an earlier name.
    fn was(&self, group: &str, version: &str, kind: &str) -> bool {
        let fits = |wanted: &str, found: &str| wanted.is_empty() || wanted == found;
        fits(group, &self.group) && fits(version, &self.version) && self.previous.iter().any(|p| fits(kind, &p.kind))
    }
}

impl Index {
    fn new(resources: &[Resource]) -> Self {
        let mut by_previous: HashMap<Text, Vec<usize>> = HashMap::new();
        for (index, resource) in resources.iter().enumerate() {
            for previous in &resource.previous {
                let indices = by_previous.entry(previous.name.clone()).or_default();
                if indices.last() != Some(&index) {
                    indices.push(index);
                }
            }
        }
        let candidates =
            if by_previous.is_empty() { Vec::new() } else { resources.iter().map(Candidate::new).collect() };
        let mut by_original_namespace: HashMap<Text, Vec<usize>> = HashMap::new();
        for (index, candidate) in candidates.iter().enumerate() {
            by_original_namespace.entry(candidate.original.clone()).or_default().push(index);
        }
        Self { candidates, by_previous, by_original_namespace }
    }
}

impl Referrer {
    fn new(resource: &Resource) -> Self {
        Self {
            cluster_scoped: resource.is_cluster_scoped(),
            effective: resource.effective_namespace().into(),
            prefixes: resource.prefixes.clone(),
            suffixes: resource.suffixes.clone(),
            binding: account_namespaces(resource),
            role: role(resource),
        }
    }

    fn reaches(&self, candidate: &Candidate) -> bool {
        self.cluster_scoped
            || candidate.cluster_scoped
            || candidate.effective == self.effective
            || self.binding.contains(&candidate.namespace)
    }

    fn shares_namespace(&self, candidate: &Candidate) -> bool {
        self.cluster_scoped
            || candidate.cluster_scoped
            || candidate.kind == "ServiceAccount"
            || candidate.effective == self.effective
    }

    fn shares_affixes(&self, candidate: &Candidate, allow_empty: bool) -> bool {
        let shares = |a: &[Text], b: &[Text]| (allow_empty && (a.is_empty() || b.is_empty())) || same_ending(a, b);
        shares(&candidate.prefixes, &self.prefixes) && shares(&candidate.suffixes, &self.suffixes)
    }
}

/// The shorter of two lists ends the longer one; two empty ones are the same, an empty one is in none.
fn same_ending(a: &[Text], b: &[Text]) -> bool {
    let (short, long) = if a.len() <= b.len() { (a, b) } else { (b, a) };
    if short.is_empty() {
        return long.is_empty();
    }
    long.ends_with(short)
}

fn account_namespaces(resource: &Resource) -> Vec<Text> {
    if resource.kind() != "RoleBinding" {
        return Vec::new();
    }
    let subjects = resource.node.get("subjects").map(Node::items).unwrap_or_default();
    let text = |node: &Node, field: &str| node.get(field).and_then(Node::text).map(Text::from);
    let accounts = subjects.iter().filter(|subject| text(subject, "kind").is_some_and(|kind| kind == "ServiceAccount"));
    accounts.filter_map(|subject| text(subject, "namespace")).collect()
}

fn role(resource: &Resource) -> Option<(Text, Text)> {
    let role = resource.node.get("roleRef")?;
    Some((role.get("apiGroup")?.text()?.into(), role.get("kind")?.text()?.into()))
}

#[cfg(test)]
mod tests {
    use super::same_ending;
    use lucid_object::yaml::Text;

    #[test]
    fn endings() {
        let list = |text: &str| text.split_whitespace().map(Text::from).collect::<Vec<_>>();
        for (a, b, want) in
            [("", "", true), ("a", "", false), ("a b", "b", true), ("b", "a b", true), ("a", "a b", false)]
        {
            assert_eq!(same_ending(&list(a), &list(b)), want, "{a:?} {b:?}");
        }
    }
}
