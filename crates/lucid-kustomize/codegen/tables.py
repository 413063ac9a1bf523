#!/usr/bin/env python3
"""Writes src/tables/*.rs from the facts that kustomize 5.8.2 builds with.

Usage: codegen/tables.py KUSTOMIZE_API_DIR KYAML_DIR
(the folders of sigs.k8s.io/kustomize/api@v0.21.2 and kyaml@v0.21.2, for example in Go's module cache)

Facts taken: the default transformer configuration, the scopes of kinds, and the list merge keys of the Kubernetes
1.21.2 OpenAPI document that kustomize embeds.
"""

import glob
import gzip
import json
import pathlib
import re
import sys

import yaml

API, KYAML = (pathlib.Path(path) for path in sys.argv[1:3])
OUT = pathlib.Path(__file__).resolve().parent.parent / "src" / "tables"
HEAD = "// Written by codegen/tables.py from the sources of kustomize 5.8.2. Do not edit.\n\n"


def config():
    consts = {}
    for path in sorted(glob.glob(str(API / "internal/konfig/builtinpluginconsts/*.go"))):
        text = open(path).read()
        for name, body in re.findall(r"(\w+)\s*=\s*((?:`[^`]*`|\w+)(?:\s*\+\s*(?:`[^`]*`|\w+))*)", text):
            consts[name] = body
    def value(expr):
        parts = re.findall(r"`[^`]*`|\w+", expr)
        return "".join(part[1:-1] if part.startswith("`") else value(consts[part]) for part in parts)
    merged = {}
    for name, body in consts.items():
        if not name.endswith("FieldSpecs") or name.startswith("metadataLabels"):
            continue
        document = yaml.safe_load(value(body))
        if isinstance(document, dict):
            merged.update(document)
    return merged


def quoted(text):
    return json.dumps(text or "")


def spec(entry):
    create = "true" if entry.get("create") else "false"
    parts = (entry.get("group"), entry.get("version"), entry.get("kind"), entry["path"])
    return "f(%s, %s, %s, %s, %s)" % (*map(quoted, parts), create)


def write_config(merged):
    lines = ["//! The default field specifications of kustomize's transformers.\n", HEAD]
    lines.append("use super::{NameRule, Spec, f, r};\n\n")
    names = [("namePrefix", "NAME_PREFIX"), ("nameSuffix", "NAME_SUFFIX"), ("namespace", "NAMESPACE"),
             ("commonLabels", "COMMON_LABELS"), ("templateLabels", "TEMPLATE_LABELS"),
             ("volumeClaimTemplateLabels", "VOLUME_CLAIM_TEMPLATE_LABELS"),
             ("commonAnnotations", "COMMON_ANNOTATIONS"), ("varReference", "VAR_REFERENCE"),
             ("images", "IMAGES"), ("replicas", "REPLICAS")]
    for key, const in names:
        lines.append("pub(crate) static %s: &[Spec] = &[\n" % const)
        lines.extend("    %s,\n" % spec(entry) for entry in merged[key])
        lines.append("];\n\n")
    lines.append("pub(crate) static NAME_REFERENCE: &[NameRule] = &[\n")
    for rule in merged["nameReference"]:
        head = ", ".join(quoted(rule.get(part)) for part in ("group", "version", "kind"))
        lines.append("    r(%s, const { &[\n" % head)
        lines.extend("        %s,\n" % spec(entry) for entry in rule["fieldSpecs"])
        lines.append("    ] }),\n")
    lines.append("];\n")
    (OUT / "config.rs").write_text("".join(lines))


def write_scopes(bundle):
    text = (KYAML / "openapi/openapi.go").read_text()
    pairs = re.findall(r'\{APIVersion: "([^"]+)", Kind: "([^"]+)"\}:\s*(true|false)', text)
    scopes = {(r["apiVersion"], r["kind"]): r.get("scope") == "Namespaced" for r in bundle["resources"] if r.get("scope")}
    scopes.update({(version, kind): flag == "true" for version, kind, flag in pairs})
    cluster = sorted((kind, version) for (version, kind), namespaced in scopes.items() if not namespaced)
    lines = ["//! Kinds that are certainly cluster-scoped, as (kind, apiVersion), sorted.\n", HEAD]
    lines.append("pub(crate) const CLUSTER_SCOPED: &[(&str, &str)] = &[\n")
    lines.extend("    (%s, %s),\n" % (quoted(kind), quoted(version)) for kind, version in cluster)
    lines.append("];\n\n/// The kinds that kustomize knows without a document: (kind, apiVersion, whether cluster-scoped), sorted.\n")
    lines.append("pub(crate) const KNOWN_FIRST: &[(&str, &str, bool)] = &[\n")
    known = sorted((kind, version, flag == "false") for version, kind, flag in pairs)
    lines.extend("    (%s, %s, %s),\n" % (quoted(k), quoted(v), "true" if c else "false") for k, v, c in known)
    lines.append("];\n")
    (OUT / "scopes.rs").write_text("".join(lines))


class Merges:
    """The part of the schema that matters to strategic merge: paths to lists that are merged."""

    def __init__(self, definitions):
        self.definitions = definitions
        self.states, self.ids, self.reaches = [], {}, {}

    def resolve(self, schema):
        name = None
        while "$ref" in schema:
            name = schema["$ref"].rsplit("/", 1)[1]
            schema = self.definitions[name]
        return name, schema

    def merged(self, schema):
        return "merge" in schema.get("x-kubernetes-patch-strategy", "").split(",")

    def reach(self, schema, seen=()):
        name, schema = self.resolve(schema)
        if name in self.reaches:
            return self.reaches[name]
        if name in seen:
            return False
        below = seen + ((name,) if name else ())
        found = self.merged(schema)
        found = found or any(self.reach(p, below) for p in schema.get("properties", {}).values())
        found = found or ("items" in schema and self.merged(schema) and self.reach(schema["items"], below))
        if name and not seen:
            self.reaches[name] = found
        return found

    def state(self, schema):
        name, schema = self.resolve(schema)
        key = name or json.dumps(schema, sort_keys=True)
        if key in self.ids:
            return self.ids[key]
        if not any(self.reach(p) for p in schema.get("properties", {}).values()):
            self.ids[key] = 0
            return 0
        self.ids[key] = index = len(self.states) + 1
        self.states.append(None)
        fields = []
        for field, below in sorted(schema.get("properties", {}).items()):
            if not self.reach(below):
                continue
            _, target = self.resolve(below)
            if self.merged(target):
                keys = target.get("x-kubernetes-list-map-keys")
                if keys is None:
                    one = target.get("x-kubernetes-patch-merge-key")
                    keys = [one] if one is not None else []
                fields.append((field, self.state(target["items"]), keys))
            elif target.get("type") != "array":
                fields.append((field, self.state(below), None))
        self.states[index - 1] = fields
        return index


def write_merges(bundle):
    merges = Merges(bundle["definitions"])
    kinds = []
    for resource in bundle["resources"]:
        name = resource.get("definition")
        if name:
            kinds.append((resource["kind"], resource["apiVersion"], merges.state(bundle["definitions"][name] | {"$self": name})))
    lines = ["//! List merge keys of Kubernetes 1.21.2, as states of an automaton over field names; state 0 has none.\n", HEAD]
    lines.append("use super::{Step, l, m};\n\n")
    lines.append("/// (kind, apiVersion, state), sorted.\npub(crate) const KINDS: &[(&str, &str, u16)] = &[\n")
    lines.extend("    (%s, %s, %d),\n" % (quoted(k), quoted(v), s) for k, v, s in sorted(kinds) if s)
    lines.append("];\n\n/// Fields of state n at index n - 1, sorted by name.\npub(crate) const STATES: &[&[Step]] = &[\n")
    for fields in merges.states:
        lines.append("    &[\n")
        for field, state, keys in fields:
            if keys is None:
                lines.append("        m(%s, %d),\n" % (quoted(field), state))
            else:
                lines.append("        l(%s, %d, &[%s]),\n" % (quoted(field), state, ", ".join(map(quoted, keys))))
        lines.append("    ],\n")
    lines.append("];\n")
    (OUT / "merge_keys.rs").write_text("".join(lines))
    print(len(kinds), "kinds", len(merges.states), "states")


OUT.mkdir(parents=True, exist_ok=True)
write_config(config())
[path] = glob.glob(str(KYAML / "openapi/kubernetesapi/data/*.json.gz"))
bundle = json.load(gzip.open(path))
write_scopes(bundle)
write_merges(bundle)
