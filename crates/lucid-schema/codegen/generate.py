"""Writes src/generated.rs: the tables of lucid-schema, from the OpenAPI and discovery documents of one Kubernetes, and
what `fields.go` knows of its Go types.

    go mod download k8s.io/kubernetes@v1.37.2
    (cd ../../testcluster && go run ../crates/lucid-schema/codegen/fields.go) > fields.json
    python3 codegen/generate.py "$(go env GOMODCACHE)/k8s.io/kubernetes@v1.37.2/api" fields.json > src/generated.rs

Only the API versions that a server of that minor serves by default are kept (no alpha or beta ones).
"""
import glob
import json
import re
import sys

API = sys.argv[1]
with open(sys.argv[2]) as file:
    GO = json.load(file)
GA = re.compile(r"^v\d+$")


def load(path):
    with open(f"{API}/{path}") as file:
        return json.load(file)


def schemas():
    out = {}
    for path in sorted(glob.glob(f"{API}/openapi-spec/v3/*.json")):
        with open(path) as file:
            out.update(json.load(file).get("components", {}).get("schemas", {}))
    return out


SCHEMAS = schemas()
KIND_OF = {}
for name, schema in SCHEMAS.items():
    for gvk in schema.get("x-kubernetes-group-version-kind", []):
        # DeleteOptions and friends are listed under every group; only single-kind schemas name a kind.
        if len(schema["x-kubernetes-group-version-kind"]) == 1:
            KIND_OF[(gvk["group"], gvk["version"], gvk["kind"])] = name


def text(value):
    return json.dumps(value, ensure_ascii=False)


def ref_of(schema):
    if "$ref" in schema:
        return schema["$ref"].rsplit("/", 1)[1]
    parts = schema.get("allOf", [])
    return ref_of(parts[0]) if len(parts) == 1 else None


SPECIAL = {
    "io.k8s.apimachinery.pkg.util.intstr.IntOrString": "Type::IntOrString",
    "io.k8s.apimachinery.pkg.api.resource.Quantity": "Type::Quantity",
    "io.k8s.apimachinery.pkg.apis.meta.v1.Time": "Type::Time",
    "io.k8s.apimachinery.pkg.apis.meta.v1.MicroTime": "Type::MicroTime",
}


class Tables:
    def __init__(self):
        self.index, self.order = {}, []

    def add(self, name):
        if name not in self.index:
            self.index[name] = len(self.order)
            self.order.append(name)
        return self.index[name]

    def type_of(self, schema):
        name = ref_of(schema)
        if name in SPECIAL:
            return SPECIAL[name]
        if name is not None:
            target = SCHEMAS[name]
            if "properties" not in target and "additionalProperties" not in target:
                return "Type::Any" if target.get("type", "object") == "object" else self.type_of(target)
            if "properties" not in target:
                return self.type_of(target)
            return f"Type::Ref({self.add(name)})"
        kind, fmt = schema.get("type"), schema.get("format")
        if kind == "array":
            return f"Type::List(&{self.type_of(schema['items'])}, {list_kind(schema)})"
        if kind == "object" and "additionalProperties" in schema:
            atomic = "true" if schema.get("x-kubernetes-map-type") == "atomic" else "false"
            return f"Type::Map(&{self.type_of(schema['additionalProperties'])}, {atomic})"
        if kind == "string":
            return "Type::Bytes" if fmt == "byte" else "Type::String"
        if kind == "integer":
            return "Type::Int32" if fmt == "int32" else "Type::Int64"
        return {"number": "Type::Number", "boolean": "Type::Boolean"}.get(kind, "Type::Any")


def list_kind(schema):
    kind = schema.get("x-kubernetes-list-type", "atomic")
    if kind == "map":
        keys = ", ".join(text(key) for key in schema["x-kubernetes-list-map-keys"])
        return f"ListKind::Map(&[{keys}])"
    return "ListKind::Set" if kind == "set" else "ListKind::Atomic"


def go_field(owner, name):
    """Where the field stands in its Go struct, its Go type, when it is written, and its numbers in protobuf."""
    for at, row in enumerate(GO.get(owner, [])):
        if row["name"] == name:
            presence = "Always" if row["always"] else "Never" if row["omitzero"] else "OmitEmpty"
            proto = ", ".join(str(number) for number in row["proto"] or [])
            return f"at: {at}, go: {text(row['type'])}, presence: Presence::{presence}, proto: &[{proto}]"
    sys.exit(f"{owner} has no Go field {name}")


def field(tables, owner, definition, name, schema):
    required = "true" if name in definition.get("required", []) else "false"
    default = f"Some({text(json.dumps(schema['default'], separators=(',', ':')))})" if "default" in schema else "None"
    key = schema.get("x-kubernetes-patch-merge-key")
    strategy = schema.get("x-kubernetes-patch-strategy", "")
    return (f"Field {{ name: {text(name)}, ty: {tables.type_of(schema)}, required: {required}, default: {default}, "
            f"merge_key: {'Some(' + text(key) + ')' if key else 'None'}, strategy: {text(strategy)}, "
            f"{go_field(owner, name)} }}")


def definition(tables, name):
    schema = SCHEMAS[name]
    atomic = "true" if schema.get("x-kubernetes-map-type") == "atomic" else "false"
    fields = ", ".join(field(tables, name, schema, key, schema["properties"][key]) for key in sorted(schema["properties"]))
    return f"Definition {{ name: {text(name)}, atomic: {atomic}, fields: &[{fields}] }}"


def strings(values):
    return "&[" + ", ".join(text(value) for value in values) + "]"


def subresource(tables, group, version, kind, sub, listed):
    # The aggregated document leaves out group and version; the older ones name them where they differ.
    entry, kind = listed.get(sub["subresource"], {}), sub["responseKind"]["kind"]
    group, version = entry.get("group", group), entry.get("version", version)
    return (f"Subresource {{ name: {text(sub['subresource'])}, group: {text(group)}, version: {text(version)}, "
            f"kind: {text(kind)}, verbs: {strings(sub['verbs'])}, definition: {index_of(tables, group, version, kind)} }}")


def index_of(tables, group, version, kind):
    schema = KIND_OF.get((group, version, kind))
    return f"Some({tables.add(schema)})" if schema else "None"


def resource(tables, group, version, item, legacy):
    kind = item["responseKind"]["kind"]
    prefix = item["resource"] + "/"
    listed = {r["name"][len(prefix):]: r for r in legacy["resources"] if r["name"].startswith(prefix)}
    subs = ", ".join(subresource(tables, group, version, kind, sub, listed) for sub in item.get("subresources", []))
    index = index_of(tables, group, version, kind)
    namespaced = "true" if item["scope"] == "Namespaced" else "false"
    return (f"Resource {{ group: {text(group)}, version: {text(version)}, kind: {text(kind)}, "
            f"plural: {text(item['resource'])}, singular: {text(item.get('singularResource', ''))}, "
            f"short_names: {strings(item.get('shortNames', []))}, categories: {strings(item.get('categories', []))}, "
            f"namespaced: {namespaced}, verbs: {strings(item['verbs'])}, subresources: &[{subs}], definition: {index} }}")


def resources(tables):
    core = [{"metadata": {"name": ""}, "versions": [{"version": "v1", "resources": core_resources()}]}]
    for entry in core + load("discovery/aggregated_v2.json")["items"]:
        group = entry["metadata"].get("name", "")
        for version in entry["versions"]:
            if not GA.match(version["version"]):
                continue
            name = version["version"]
            legacy = load(f"discovery/apis__{group}__{name}.json") if group else load("discovery/api__v1.json")
            for item in version["resources"]:
                yield resource(tables, group, name, item, legacy)


def core_resources():
    """The core group has no aggregated document in the tree; its plain one is folded into the same shape."""
    out = {}
    for r in load("discovery/api__v1.json")["resources"]:
        kind = {"kind": r["kind"]}
        if "/" not in r["name"]:
            out[r["name"]] = {"resource": r["name"], "responseKind": kind, "verbs": r["verbs"],
                              "scope": "Namespaced" if r["namespaced"] else "Cluster",
                              "singularResource": r["singularName"], "shortNames": r.get("shortNames", []),
                              "categories": r.get("categories", []), "subresources": []}
    for r in load("discovery/api__v1.json")["resources"]:
        parent, _, sub = r["name"].partition("/")
        if sub:
            out[parent]["subresources"].append({"subresource": sub, "responseKind": {"kind": r["kind"]}, "verbs": r["verbs"]})
    return list(out.values())


def main():
    tables = Tables()
    rows = list(resources(tables))
    print("//! Generated by `codegen/generate.py` from Kubernetes 1.37; do not edit.\n")
    print("use crate::resource::{Resource, Subresource};\nuse crate::types::{Definition, Field, ListKind, Presence, Type};\n")
    print("#[rustfmt::skip]\npub(crate) static RESOURCES: &[Resource] = &[")
    for row in rows:
        print(f"    {row},")
    print("];\n\n#[rustfmt::skip]\npub(crate) static DEFINITIONS: &[Definition] = &[")
    at = 0
    while at < len(tables.order):
        print(f"    {definition(tables, tables.order[at])},")
        at += 1
    print("];")


main()
