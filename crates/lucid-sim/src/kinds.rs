//! The kinds that the server knows: the built-in tables, and custom resources as they come and go.

use std::sync::Arc;

use lucid_schema::{Resource, Schema};
use serde_json::Value;

use crate::error::About;
use crate::json::{Json, JsonMut};
use crate::metrics;
use crate::schema::{Root, TypeRef};

/// Where objects of a kind are stored. Versions of one kind share it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Table(pub(crate) u32);

macro_rules! tables {
    ($($name:ident = $at:literal, $group:literal, $plural:literal;)*) => {
        impl Table { $(pub(crate) const $name: Table = Table($at);)* }
        /// The tables that controllers name, in the order of their numbers.
        const NAMED: &[(&str, &str)] = &[$(($group, $plural)),*];
    };
}

tables! {
    NAMESPACES = 0, "", "namespaces";
    NODES = 1, "", "nodes";
    PODS = 2, "", "pods";
    SERVICES = 3, "", "services";
    CONFIG_MAPS = 4, "", "configmaps";
    SECRETS = 5, "", "secrets";
    SERVICE_ACCOUNTS = 6, "", "serviceaccounts";
    CLAIMS = 7, "", "persistentvolumeclaims";
    VOLUMES = 8, "", "persistentvolumes";
    ENDPOINTS = 9, "", "endpoints";
    EVENTS = 10, "", "events";
    DEPLOYMENTS = 11, "apps", "deployments";
    REPLICA_SETS = 12, "apps", "replicasets";
    STATEFUL_SETS = 13, "apps", "statefulsets";
    DAEMON_SETS = 14, "apps", "daemonsets";
    CONTROLLER_REVISIONS = 15, "apps", "controllerrevisions";
    JOBS = 16, "batch", "jobs";
    CRON_JOBS = 17, "batch", "cronjobs";
    AUTOSCALERS = 18, "autoscaling", "horizontalpodautoscalers";
    BUDGETS = 19, "policy", "poddisruptionbudgets";
    ENDPOINT_SLICES = 20, "discovery.k8s.io", "endpointslices";
    STORAGE_CLASSES = 21, "storage.k8s.io", "storageclasses";
    DEFINITIONS = 22, "apiextensions.k8s.io", "customresourcedefinitions";
    PRIORITY_CLASSES = 23, "scheduling.k8s.io", "priorityclasses";
    QUOTAS = 24, "", "resourcequotas";
    LIMIT_RANGES = 25, "", "limitranges";
    LEASES = 26, "coordination.k8s.io", "leases";
    CONTROLLERS = 27, "", "replicationcontrollers";
    MIGRATIONS = 28, "storagemigration.k8s.io", "storageversionmigrations";
}

/// One kind in one version.
#[derive(Debug)]
pub(crate) struct Kind {
    pub(crate) group: String,
    pub(crate) version: String,
    pub(crate) kind: String,
    pub(crate) list_kind: String,
    pub(crate) plural: String,
    pub(crate) singular: String,
    pub(crate) short_names: Vec<String>,
    pub(crate) categories: Vec<String>,
    pub(crate) namespaced: bool,
    pub(crate) verbs: Vec<String>,
    pub(crate) table: Table,
    pub(crate) schema: Root,
    /// The custom resource's subresources, `{status: {}, scale: {…}}`.
    pub(crate) custom: Option<Value>,
    pub(crate) builtin: Option<&'static Resource>,
}

impl Kind {
    pub(crate) fn about(&self) -> About<'_> {
        About { group: &self.group, plural: &self.plural, kind: &self.kind }
    }

    pub(crate) fn api_version(&self) -> String {
        if self.group.is_empty() { self.version.clone() } else { format!("{}/{}", self.group, self.version) }
    }

    pub(crate) fn type_ref(&self) -> TypeRef<'_> {
        self.schema.type_ref()
    }

    pub(crate) fn has_subresource(&self, name: &str) -> bool {
        match (&self.custom, self.builtin) {
            (Some(custom), _) => matches!(name, "status" | "scale") && custom.has(name),
            (None, Some(builtin)) => builtin.subresource(name).is_some(),
            (None, None) => false,
        }
    }

    pub(crate) fn has_status(&self) -> bool {
        self.has_subresource("status")
    }

    pub(crate) fn is_custom(&self) -> bool {
        self.custom.is_some()
    }

    fn of_builtin(resource: &'static Resource, table: Table) -> Self {
        let strings = |list: &[&str]| list.iter().map(|one| (*one).to_owned()).collect();
        Self {
            group: resource.group.into(),
            version: resource.version.into(),
            kind: resource.kind.into(),
            list_kind: format!("{}List", resource.kind),
            plural: resource.plural.into(),
            singular: resource.singular.into(),
            short_names: strings(resource.short_names),
            categories: strings(resource.categories),
            namespaced: resource.namespaced,
            verbs: strings(resource.verbs),
            table,
            schema: Schema::of_resource(resource).map_or(Root::Unknown, Root::Builtin),
            custom: None,
            builtin: Some(resource),
        }
    }

    fn of_definition(definition: &Value, version: &Value, table: Table) -> Self {
        let names = definition.at("spec/names");
        let kind = names.str("kind").to_owned();
        let list = |path: &str| names.list(path).iter().filter_map(|v| Some(v.as_str()?.to_owned())).collect();
        let verbs = ["delete", "deletecollection", "get", "list", "patch", "create", "update", "watch"];
        Self {
            group: definition.str("spec/group").into(),
            version: version.str("name").into(),
            list_kind: if names.has("listKind") { names.str("listKind").into() } else { format!("{kind}List") },
            plural: names.str("plural").into(),
            singular: if names.has("singular") { names.str("singular").into() } else { kind.to_lowercase() },
            short_names: list("shortNames"),
            categories: list("categories"),
            namespaced: definition.str("spec/scope") == "Namespaced",
            verbs: verbs.into_iter().map(str::to_owned).collect(),
            table,
            schema: Root::Custom(Arc::new(version.at("schema/openAPIV3Schema").clone())),
            custom: Some(declared(version)),
            builtin: None,
            kind,
        }
    }
}

/// What a version declares besides its schema: subresources, the columns of tables, fields that can be selected.
fn declared(version: &Value) -> Value {
    let mut out = version.at("subresources").clone();
    if !out.is_object() {
        out = serde_json::json!({});
    }
    out.put("columns", version.at("additionalPrinterColumns").clone());
    out.put("selectable", version.at("selectableFields").clone());
    out
}

/// All kinds that are served.
#[derive(Debug, Clone)]
pub(crate) struct Kinds {
    kinds: Vec<Arc<Kind>>,
    tables: Vec<(String, String)>,
}

impl Kinds {
    pub(crate) fn new() -> Self {
        let mut kinds = Self { kinds: Vec::new(), tables: Vec::new() };
        for (group, plural) in NAMED {
            kinds.tables.push(((*group).into(), (*plural).into()));
        }
        for resource in lucid_schema::resources() {
            // Events are one collection under two names.
            let group = if resource.plural == "events" { "" } else { resource.group };
            let table = kinds.table(group, resource.plural);
            kinds.kinds.push(Arc::new(Kind::of_builtin(resource, table)));
        }
        kinds
    }

    /// Serves what containers and nodes use, as metrics-server does. Nothing of it is stored.
    pub(crate) fn measure(&mut self) {
        for (kind, plural, namespaced) in [("NodeMetrics", "nodes", false), ("PodMetrics", "pods", true)] {
            let table = self.table(metrics::GROUP, plural);
            self.kinds.push(Arc::new(Kind {
                group: metrics::GROUP.into(),
                version: metrics::VERSION.into(),
                kind: kind.into(),
                list_kind: format!("{kind}List"),
                plural: plural.into(),
                singular: String::new(),
                short_names: Vec::new(),
                categories: Vec::new(),
                namespaced,
                verbs: vec!["get".into(), "list".into()],
                table,
                schema: Root::Unknown,
                custom: None,
                builtin: None,
            }));
        }
    }

    fn table(&mut self, group: &str, plural: &str) -> Table {
        let found = self.tables.iter().position(|(g, p)| g == group && p == plural);
        let at = found.unwrap_or_else(|| {
            self.tables.push((group.into(), plural.into()));
            self.tables.len() - 1
        });
        Table(u32::try_from(at).expect("fewer than 2^32 kinds"))
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Arc<Kind>> {
        self.kinds.iter()
    }

    pub(crate) fn by_path(&self, group: &str, version: &str, plural: &str) -> Option<&Arc<Kind>> {
        self.kinds.iter().find(|k| k.plural == plural && k.group == group && k.version == version)
    }

    pub(crate) fn by_kind(&self, api_version: &str, kind: &str) -> Option<&Arc<Kind>> {
        let (group, version) = api_version.rsplit_once('/').unwrap_or(("", api_version));
        self.kinds.iter().find(|k| k.kind == kind && k.group == group && k.version == version)
    }

    /// The kind in whichever version, as owner references and scale targets mean it.
    pub(crate) fn by_group_kind(&self, api_version: &str, kind: &str) -> Option<&Arc<Kind>> {
        let group = api_version.rsplit_once('/').map_or("", |(group, _)| group);
        self.kinds.iter().find(|k| k.kind == kind && k.group == group)
    }

    /// The version in which objects of a table are kept: the first one served.
    pub(crate) fn stored(&self, table: Table) -> &Arc<Kind> {
        self.kinds.iter().find(|k| k.table == table).expect("each table has a kind")
    }

    /// Serves what a CustomResourceDefinition declares, in place of what it declared before.
    pub(crate) fn define(&mut self, definition: &Value) {
        self.forget(definition);
        let table = self.table(definition.str("spec/group"), definition.str("spec/names/plural"));
        for version in definition.list("spec/versions").iter().filter(|version| version.flag("served")) {
            self.kinds.push(Arc::new(Kind::of_definition(definition, version, table)));
        }
    }

    pub(crate) fn forget(&mut self, definition: &Value) {
        let (group, plural) = (definition.str("spec/group"), definition.str("spec/names/plural"));
        self.kinds.retain(|kind| !(kind.is_custom() && kind.group == group && kind.plural == plural));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn tables_have_the_numbers_that_controllers_use() {
        let kinds = Kinds::new();
        for (at, (group, plural)) in NAMED.iter().enumerate() {
            let kind = kinds.kinds.iter().find(|k| k.group == *group && k.plural == *plural).unwrap();
            assert_eq!(kind.table.0 as usize, at, "{plural}");
        }
    }

    #[test]
    fn versions_of_a_kind_share_a_table() {
        let kinds = Kinds::new();
        let table = |group, version, plural| kinds.by_path(group, version, plural).unwrap().table;
        let autoscalers = "horizontalpodautoscalers";
        assert_eq!(table("autoscaling", "v1", autoscalers), table("autoscaling", "v2", autoscalers));
        assert_eq!(table("", "v1", "events"), table("events.k8s.io", "v1", "events"));
    }

    #[test]
    fn custom_resources_come_and_go() {
        let mut kinds = Kinds::new();
        let definition = json!({"spec": {"group": "example.com", "scope": "Namespaced",
            "names": {"plural": "widgets", "kind": "Widget"},
            "versions": [{"name": "v1", "served": true, "subresources": {"status": {}},
                "schema": {"openAPIV3Schema": {"type": "object"}}}]}});
        kinds.define(&definition);
        let widget = kinds.by_path("example.com", "v1", "widgets").unwrap();
        assert!(widget.has_status() && !widget.has_subresource("scale"));
        kinds.forget(&definition);
        assert!(kinds.by_path("example.com", "v1", "widgets").is_none());
    }
}
