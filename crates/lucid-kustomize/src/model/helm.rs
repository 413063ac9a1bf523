//! The fields of `helmCharts`, `helmGlobals` and the deprecated `helmChartInflationGenerator`.

use lucid_object::yaml::{Node, Pos, Text};

use super::decode::Fields;
use super::{At, Shared};

/// One chart.
#[derive(Debug, Clone, Default)]
pub(crate) struct Chart {
    pub(crate) name: At<Text>,
    pub(crate) version: Text,
    pub(crate) repository: Text,
    pub(crate) release: At<Text>,
    pub(crate) namespace: Text,
    pub(crate) values_file: At<Text>,
    pub(crate) more_values: Vec<At<Text>>,
    pub(crate) values: Option<Node>,
    pub(crate) merge: At<Text>,
    pub(crate) include_crds: bool,
    pub(crate) skip_hooks: bool,
    pub(crate) skip_tests: bool,
    pub(crate) debug: bool,
    pub(crate) devel: bool,
    pub(crate) api_versions: Vec<Text>,
    pub(crate) kube_version: Text,
    pub(crate) name_template: Text,
    pub(crate) home: Text,
    pub(crate) configuration: Text,
    pub(crate) pos: Pos,
}

const KNOWN: [&str; 18] = [
    "name",
    "version",
    "repo",
    "releaseName",
    "namespace",
    "additionalValuesFiles",
    "valuesFile",
    "valuesInline",
    "valuesMerge",
    "includeCRDs",
    "skipHooks",
    "apiVersions",
    "kubeVersion",
    "nameTemplate",
    "skipTests",
    "debug",
    "devel",
    "chartHome",
];

/// All charts of a kustomization, with what `helmGlobals` says of each.
pub(crate) fn charts(report: &Shared<'_>, fields: &Fields<'_, '_>) -> Vec<Chart> {
    let globals =
        fields.node("helmGlobals").and_then(|n| Fields::open(report, n, "helmGlobals", &["chartHome", "configHome"]));
    let global = |name: &str| globals.as_ref().map(|fields| fields.text(name).value).unwrap_or_default();
    let (mut home, mut configuration) = (global("chartHome"), global("configHome"));
    let known = &KNOWN[..KNOWN.len() - 1];
    let mut charts: Vec<Chart> = fields
        .list("helmCharts")
        .iter()
        .filter_map(|node| Some(chart(&Fields::open(report, node, "a Helm chart", known)?, node.pos)))
        .collect();
    for node in fields.list("helmChartInflationGenerator") {
        let Some(old) = Fields::open(report, node, "a Helm chart", &OLD) else { continue };
        charts.push(old_chart(&old, node.pos));
        if globals.is_none() {
            let or = |text: Text, before: &Text| if text.is_empty() { before.clone() } else { text };
            home = or(old.text("chartHome").value, &home);
            configuration = or(old.text("helmHome").value, &configuration);
        }
    }
    for chart in &mut charts {
        chart.home = home.clone();
        chart.configuration = configuration.clone();
    }
    charts
}

/// A chart from the configuration of a plugin, which has the global fields too.
pub(crate) fn plugin(fields: &Fields<'_, '_>, pos: Pos) -> Chart {
    Chart { home: fields.text("chartHome").value, configuration: fields.text("configHome").value, ..chart(fields, pos) }
}

fn chart(fields: &Fields<'_, '_>, pos: Pos) -> Chart {
    Chart {
        name: fields.text("name"),
        version: fields.text("version").value,
        repository: fields.text("repo").value,
        release: fields.text("releaseName"),
        namespace: fields.text("namespace").value,
        values_file: fields.text("valuesFile"),
        more_values: fields.texts("additionalValuesFiles"),
        values: fields.node("valuesInline").cloned(),
        merge: fields.text("valuesMerge"),
        include_crds: fields.flag("includeCRDs"),
        skip_hooks: fields.flag("skipHooks"),
        skip_tests: fields.flag("skipTests"),
        debug: fields.flag("debug"),
        devel: fields.flag("devel"),
        api_versions: fields.texts("apiVersions").into_iter().map(|at| at.value).collect(),
        kube_version: fields.text("kubeVersion").value,
        name_template: fields.text("nameTemplate").value,
        pos,
        ..Chart::default()
    }
}

const OLD: [&str; 13] = [
    "chartName",
    "chartVersion",
    "chartRepoUrl",
    "chartHome",
    "chartRepoName",
    "helmBin",
    "helmHome",
    "values",
    "valuesLocal",
    "valuesMerge",
    "releaseName",
    "releaseNamespace",
    "extraArgs",
];

fn old_chart(fields: &Fields<'_, '_>, pos: Pos) -> Chart {
    Chart {
        name: fields.text("chartName"),
        version: fields.text("chartVersion").value,
        repository: fields.text("chartRepoUrl").value,
        release: fields.text("releaseName"),
        values_file: fields.text("values"),
        values: fields.node("valuesLocal").cloned(),
        merge: fields.text("valuesMerge"),
        pos,
        ..Chart::default()
    }
}
