//! The fields of a kustomization file.

use std::borrow::Cow;

use lucid_object::yaml::{Node, Pos, Text};

use super::decode::Fields;
use super::{At, Chart, GeneratorArgs, GeneratorOptions, Replacement, Selector, Shared, replacement};
use crate::report::code;
use crate::tables::Spec;

/// What a kustomization file says. Deprecated fields are merged into their successors where kustomize does so.
#[derive(Debug, Clone, Default)]
pub(crate) struct Kustomization {
    pub(crate) is_component: bool,
    pub(crate) pos: Pos,
    pub(crate) resources: Vec<At<Text>>,
    pub(crate) components: Vec<At<Text>>,
    pub(crate) crds: Vec<At<Text>>,
    pub(crate) configurations: Vec<At<Text>>,
    pub(crate) generators: Vec<At<Text>>,
    pub(crate) transformers: Vec<At<Text>>,
    pub(crate) validators: Vec<At<Text>>,
    pub(crate) name_prefix: At<Text>,
    pub(crate) name_suffix: At<Text>,
    pub(crate) namespace: At<Text>,
    pub(crate) common_labels: Vec<(Text, At<Text>)>,
    pub(crate) common_annotations: Vec<(Text, At<Text>)>,
    pub(crate) labels: Vec<Label>,
    pub(crate) patches: Vec<Patch>,
    pub(crate) patches_strategic_merge: Vec<At<Text>>,
    pub(crate) patches_json6902: Vec<Patch>,
    pub(crate) images: Vec<Image>,
    pub(crate) replicas: Vec<Replica>,
    pub(crate) replacements: Vec<Replacement>,
    pub(crate) vars: Vec<Var>,
    pub(crate) config_maps: Vec<GeneratorArgs>,
    pub(crate) secrets: Vec<GeneratorArgs>,
    pub(crate) charts: Vec<Chart>,
    pub(crate) generator_options: GeneratorOptions,
    pub(crate) sort: Option<SortOptions>,
    pub(crate) build_metadata: Vec<At<Text>>,
    pub(crate) openapi: Vec<(Text, At<Text>)>,
}

/// An entry of `labels`.
#[derive(Debug, Clone, Default)]
pub(crate) struct Label {
    pub(crate) pairs: Vec<(Text, At<Text>)>,
    pub(crate) selectors: bool,
    pub(crate) templates: bool,
    pub(crate) volume_claim_templates: bool,
    pub(crate) fields: Vec<Spec>,
    pub(crate) pos: Pos,
}

/// An entry of `patches` or `patchesJson6902`.
#[derive(Debug, Clone, Default)]
pub(crate) struct Patch {
    pub(crate) path: At<Text>,
    pub(crate) text: At<Text>,
    pub(crate) target: Option<Selector>,
    pub(crate) allow_name_change: bool,
    pub(crate) allow_kind_change: bool,
    pub(crate) pos: Pos,
}

/// An entry of `images`.
#[derive(Debug, Clone, Default)]
pub(crate) struct Image {
    pub(crate) name: Text,
    pub(crate) new_name: Text,
    pub(crate) new_tag: Text,
    pub(crate) tag_suffix: Text,
    pub(crate) digest: Text,
    pub(crate) pos: Pos,
}

/// An entry of `replicas`.
#[derive(Debug, Clone, Default)]
pub(crate) struct Replica {
    pub(crate) name: Text,
    pub(crate) count: At<i64>,
    pub(crate) pos: Pos,
}

/// An entry of `vars`.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Var {
    pub(crate) name: Text,
    pub(crate) group: Text,
    pub(crate) version: Text,
    pub(crate) kind: Text,
    pub(crate) object: Text,
    pub(crate) namespace: Text,
    pub(crate) field: Text,
    pub(crate) pos: Pos,
}

/// `sortOptions`.
#[derive(Debug, Clone)]
pub(crate) struct SortOptions {
    pub(crate) order: At<Text>,
    /// Kinds to put first and last.
    pub(crate) legacy: Option<(Vec<Text>, Vec<Text>)>,
}

const KNOWN: [&str; 34] = [
    "apiVersion",
    "kind",
    "metadata",
    "openapi",
    "namePrefix",
    "nameSuffix",
    "namespace",
    "commonLabels",
    "labels",
    "commonAnnotations",
    "patchesStrategicMerge",
    "patchesJson6902",
    "patches",
    "images",
    "imageTags",
    "replacements",
    "replicas",
    "vars",
    "sortOptions",
    "resources",
    "components",
    "crds",
    "bases",
    "configMapGenerator",
    "secretGenerator",
    "helmGlobals",
    "helmCharts",
    "helmChartInflationGenerator",
    "generatorOptions",
    "configurations",
    "generators",
    "transformers",
    "validators",
    "buildMetadata",
];

impl Kustomization {
    /// Reads a kustomization file. What is wrong is reported, and the rest is used.
    pub(crate) fn decode(report: &Shared<'_>, node: &Node) -> Option<Self> {
        let fields = Fields::open(report, node, "a kustomization", &KNOWN)?;
        let is_component = header(report, &fields);
        deprecations(report, &fields);
        metadata(report, &fields);
        let mut resources = fields.texts("resources");
        resources.extend(fields.texts("bases"));
        let images = |name| fields.list(name).iter().filter_map(|node| image(report, node)).collect::<Vec<_>>();
        let patches = |name| fields.list(name).iter().filter_map(|node| patch(report, node)).collect::<Vec<_>>();
        let generators = |name, secret| {
            fields.list(name).iter().filter_map(|node| GeneratorArgs::decode(report, node, secret)).collect::<Vec<_>>()
        };
        Some(Self {
            is_component,
            pos: node.pos,
            resources,
            components: fields.texts("components"),
            crds: fields.texts("crds"),
            configurations: fields.texts("configurations"),
            generators: fields.texts("generators"),
            transformers: fields.texts("transformers"),
            validators: fields.texts("validators"),
            name_prefix: fields.text("namePrefix"),
            name_suffix: fields.text("nameSuffix"),
            namespace: fields.text("namespace"),
            common_labels: fields.text_map("commonLabels"),
            common_annotations: fields.text_map("commonAnnotations"),
            labels: fields.list("labels").iter().filter_map(|node| label(report, node)).collect(),
            patches: patches("patches"),
            patches_strategic_merge: fields.texts("patchesStrategicMerge"),
            patches_json6902: patches("patchesJson6902"),
            images: [images("images"), images("imageTags")].concat(),
            replicas: fields.list("replicas").iter().filter_map(|node| replica(report, node)).collect(),
            replacements: fields.list("replacements").iter().filter_map(|node| replacement(report, node)).collect(),
            vars: fields.list("vars").iter().filter_map(|node| var(report, node)).collect(),
            config_maps: generators("configMapGenerator", false),
            secrets: generators("secretGenerator", true),
            charts: super::helm::charts(report, &fields),
            generator_options: GeneratorOptions::decode(report, fields.node("generatorOptions")),
            sort: fields.node("sortOptions").and_then(|node| sort_options(report, node)),
            build_metadata: fields.texts("buildMetadata"),
            openapi: fields.text_map("openapi"),
        })
    }
}

/// Checks kind and apiVersion; true for a component.
fn header(report: &Shared<'_>, fields: &Fields<'_, '_>) -> bool {
    let (kind, version) = (fields.text("kind"), fields.text("apiVersion"));
    let is_component = kind.value == "Component";
    if !matches!(kind.value.as_str(), "" | "Kustomization" | "Component") {
        let message = format!("the kind of a kustomization is Kustomization or Component, not {:?}", kind.value);
        report.borrow_mut().error(code::WRONG_VALUE, kind.pos, message);
        return false;
    }
    let wanted = if is_component { "kustomize.config.k8s.io/v1alpha1" } else { "kustomize.config.k8s.io/v1beta1" };
    if !version.value.is_empty() && version.value != wanted {
        let kind = if is_component { "Component" } else { "Kustomization" };
        let message = format!("the apiVersion of a {kind} is {wanted}, not {:?}", version.value);
        report.borrow_mut().error(code::WRONG_VALUE, version.pos, message);
    }
    is_component
}

/// Nothing is done with it, but it must be what it seems.
fn metadata(report: &Shared<'_>, fields: &Fields<'_, '_>) {
    let known = ["name", "namespace", "labels", "annotations"];
    if let Some(fields) = fields.node("metadata").and_then(|node| Fields::open(report, node, "metadata", &known)) {
        let _ = (fields.text("name"), fields.text("namespace"));
        let _ = (fields.text_map("labels"), fields.text_map("annotations"));
    }
}

fn deprecations(report: &Shared<'_>, fields: &Fields<'_, '_>) {
    for (old, new) in [
        ("bases", "resources"),
        ("commonLabels", "labels"),
        ("imageTags", "images"),
        ("patchesJson6902", "patches"),
        ("patchesStrategicMerge", "patches"),
        ("vars", "replacements"),
    ] {
        if fields.entry(old).is_some() {
            let (message, help) = (format!("{old} is deprecated"), format!("use `{new}`"));
            report.borrow_mut().warning_help(code::DEPRECATED, fields.pos(old), message, help);
        }
    }
}

pub(crate) fn image(report: &Shared<'_>, node: &Node) -> Option<Image> {
    let fields = Fields::open(report, node, "an image", &["name", "newName", "newTag", "tagSuffix", "digest"])?;
    Some(Image {
        name: fields.text("name").value,
        new_name: fields.text("newName").value,
        new_tag: fields.text("newTag").value,
        tag_suffix: fields.text("tagSuffix").value,
        digest: fields.text("digest").value,
        pos: ["newTag", "digest", "newName", "tagSuffix", "name"]
            .into_iter()
            .find_map(|name| fields.node(name))
            .map_or(node.pos, |node| node.pos),
    })
}

fn patch(report: &Shared<'_>, node: &Node) -> Option<Patch> {
    let fields = Fields::open(report, node, "a patch", &["path", "patch", "target", "options"])?;
    Some(patch_fields(report, &fields, node.pos))
}

/// A patch from a mapping that may have other fields, too.
pub(crate) fn patch_fields(report: &Shared<'_>, fields: &Fields<'_, '_>, pos: Pos) -> Patch {
    let known = ["allowNameChange", "allowKindChange"];
    let options = fields.node("options").and_then(|node| Fields::open(report, node, "patch options", &known));
    let option = |name| options.as_ref().is_some_and(|options| options.flag(name));
    Patch {
        path: fields.text("path"),
        text: fields.text("patch"),
        target: fields.node("target").and_then(|node| selector(report, node)),
        allow_name_change: option("allowNameChange"),
        allow_kind_change: option("allowKindChange"),
        pos,
    }
}

pub(crate) fn selector(report: &Shared<'_>, node: &Node) -> Option<Selector> {
    let known = ["group", "version", "kind", "name", "namespace", "annotationSelector", "labelSelector"];
    let fields = Fields::open(report, node, "a target", &known)?;
    Some(selector_fields(&fields, node.pos))
}

pub(crate) fn selector_fields(fields: &Fields<'_, '_>, pos: Pos) -> Selector {
    Selector {
        group: fields.exact("group"),
        version: fields.exact("version"),
        kind: fields.exact("kind"),
        name: fields.exact("name"),
        namespace: fields.exact("namespace"),
        annotations: fields.text("annotationSelector").value,
        labels: fields.text("labelSelector").value,
        pos,
    }
}

fn label(report: &Shared<'_>, node: &Node) -> Option<Label> {
    let known = ["pairs", "includeSelectors", "includeTemplates", "includeVolumeClaimTemplates", "fields"];
    let fields = Fields::open(report, node, "a label", &known)?;
    Some(Label {
        pairs: fields.text_map("pairs"),
        selectors: fields.flag("includeSelectors"),
        templates: fields.flag("includeTemplates"),
        volume_claim_templates: fields.flag("includeVolumeClaimTemplates"),
        fields: fields.list("fields").iter().filter_map(|node| field_spec(report, node)).collect(),
        pos: node.pos,
    })
}

pub(crate) fn field_spec(report: &Shared<'_>, node: &Node) -> Option<Spec> {
    let fields = Fields::open(report, node, "a field", &["group", "version", "kind", "path", "create"])?;
    let text = |name| Cow::Owned(fields.exact(name).to_string());
    Some(Spec {
        group: text("group"),
        version: text("version"),
        kind: text("kind"),
        path: Cow::Owned(fields.text("path").value.to_string()),
        create: fields.flag("create"),
    })
}

pub(crate) fn replica(report: &Shared<'_>, node: &Node) -> Option<Replica> {
    let fields = Fields::open(report, node, "a replica entry", &["name", "count"])?;
    let count = At { value: fields.integer("count"), pos: fields.node("count").map_or(node.pos, |node| node.pos) };
    Some(Replica { name: fields.text("name").value, count, pos: node.pos })
}

fn var(report: &Shared<'_>, node: &Node) -> Option<Var> {
    let fields = Fields::open(report, node, "a var", &["name", "objref", "fieldref"])?;
    let known = ["apiVersion", "group", "version", "kind", "name", "namespace"];
    let object = fields.node("objref").and_then(|node| Fields::open(report, node, "objref", &known));
    let object = |name| object.as_ref().map(|fields| fields.text(name).value).unwrap_or_default();
    let field = fields.node("fieldref").and_then(|node| Fields::open(report, node, "fieldref", &["fieldPath"]));
    let field = field.map(|fields| fields.text("fieldPath").value).filter(|path| !path.is_empty());
    let api_version = object("apiVersion");
    let (group, version) = match api_version.split('/').collect::<Vec<_>>()[..] {
        [group, version] => (group.into(), version.into()),
        [version] if !version.is_empty() => (object("group"), version.into()),
        _ => (object("group"), object("version")),
    };
    Some(Var {
        name: fields.text("name").value,
        group,
        version,
        kind: object("kind"),
        object: object("name"),
        namespace: object("namespace"),
        field: field.unwrap_or_else(|| "metadata.name".into()),
        pos: node.pos,
    })
}

fn sort_options(report: &Shared<'_>, node: &Node) -> Option<SortOptions> {
    let fields = Fields::open(report, node, "sortOptions", &["order", "legacySortOptions"])?;
    let known = ["orderFirst", "orderLast"];
    let legacy =
        fields.node("legacySortOptions").and_then(|node| Fields::open(report, node, "legacySortOptions", &known));
    let order = fields.text("order");
    let kinds = |fields: &Fields<'_, '_>, name| fields.texts(name).into_iter().map(|at| at.value).collect();
    let legacy = legacy.map(|fields| (kinds(&fields, "orderFirst"), kinds(&fields, "orderLast")));
    Some(SortOptions { order, legacy })
}
