"""Writes src/history.rs: what the supported Kubernetes minors do not have in common, from their OpenAPI documents, and the
life of API versions, from the output of `lifecycle.go`.

    for v in v1.34.4 v1.35.4 v1.36.3 v1.37.2; do go mod download k8s.io/kubernetes@$v; done
    (cd ../../testcluster && go run ../crates/lucid-schema/codegen/lifecycle.go) > lifecycle.json
    python3 codegen/history.py "$(go env GOMODCACHE)" lifecycle.json > src/history.rs

`generate.py` writes the tables of the newest minor; a field or kind that is not listed here is in all of them.
"""
import glob
import json
import re
import sys

CACHE = sys.argv[1]
with open(sys.argv[2]) as file:
    LIVES = json.load(file)
VERSIONS = {34: "v1.34.4", 35: "v1.35.4", 36: "v1.36.3", 37: "v1.37.2"}
NEWEST = max(VERSIONS)
GA = re.compile(r"^v\d+$")


def schemas(minor):
    out = {}
    for path in sorted(glob.glob(f"{CACHE}/k8s.io/kubernetes@{VERSIONS[minor]}/api/openapi-spec/v3/*.json")):
        with open(path) as file:
            out.update(json.load(file).get("components", {}).get("schemas", {}))
    if not out:
        sys.exit(f"there is no Kubernetes {VERSIONS[minor]} in {CACHE}")
    return out


SCHEMAS = {minor: schemas(minor) for minor in VERSIONS}


def refs(schema):
    if isinstance(schema, dict):
        for key, value in schema.items():
            if key == "$ref" and isinstance(value, str):
                yield value.rsplit("/", 1)[1]
            else:
                yield from refs(value)
    elif isinstance(schema, list):
        for value in schema:
            yield from refs(value)


def kinds(minor):
    for name, schema in SCHEMAS[minor].items():
        listed = schema.get("x-kubernetes-group-version-kind", [])
        if len(listed) == 1 and GA.match(listed[0]["version"]):
            yield (listed[0]["group"], listed[0]["version"], listed[0]["kind"]), name


def reachable():
    """The types that objects of stable kinds are made of, in the newest minor."""
    found, todo = set(), [name for _, name in kinds(NEWEST)]
    while todo:
        name = todo.pop()
        if name not in found:
            found.add(name)
            todo.extend(refs(SCHEMAS[NEWEST][name]))
    return found


def fields(minor, name):
    return set(SCHEMAS[minor].get(name, {}).get("properties", {}))


def text(value):
    return json.dumps(value, ensure_ascii=False)


def rows(title, rows):
    print(f"\n{title} = &[")
    for row in sorted(rows):
        print(f"    {row},")
    print("];")


def first(minors):
    """The minor since which something is there without a gap up to the newest."""
    since = NEWEST
    while since - 1 in minors:
        since -= 1
    return since


def new_fields():
    for name in reachable():
        for field in fields(NEWEST, name):
            since = first({minor for minor in VERSIONS if field in fields(minor, name)})
            whole = first({minor for minor in VERSIONS if name in SCHEMAS[minor]})
            # A type that is new comes with a field that is new.
            if since > min(VERSIONS) and since > whole:
                yield f"({text(name)}, {text(field)}, {since})"


def gone_fields():
    for name in reachable():
        for minor in sorted(VERSIONS, reverse=True)[1:]:
            for field in fields(minor, name) - fields(minor + 1, name):
                yield f"({text(name)}, {text(field)}, {minor})"


def new_kinds():
    there = {minor: dict(kinds(minor)) for minor in VERSIONS}
    for kind in there[NEWEST]:
        since = first({minor for minor in VERSIONS if kind in there[minor]})
        if since > min(VERSIONS) and not kind[2].endswith("List"):
            yield f"({', '.join(text(part) for part in kind)}, {since})"


# Versions whose Go types are gone as well. Source: the Kubernetes deprecation guide.
OLDER = [
    ("autoscaling", "v2beta1", "HorizontalPodAutoscaler", [1, 22], [1, 25], "autoscaling/v2 HorizontalPodAutoscaler"),
    ("autoscaling", "v2beta2", "HorizontalPodAutoscaler", [1, 23], [1, 26], "autoscaling/v2 HorizontalPodAutoscaler"),
    ("batch", "v2alpha1", "CronJob", [1, 18], [1, 21], "batch/v1 CronJob"),
    ("extensions", "v1beta1", "PodSecurityPolicy", [1, 10], [1, 16], ""),
    ("policy", "v1beta1", "PodSecurityPolicy", [1, 21], [1, 25], ""),
    ("storage.k8s.io", "v1beta1", "CSIDriver", [1, 19], [1, 22], "storage.k8s.io/v1 CSIDriver"),
    ("storage.k8s.io", "v1beta1", "CSINode", [1, 17], [1, 22], "storage.k8s.io/v1 CSINode"),
    ("storage.k8s.io", "v1beta1", "StorageClass", [1, 6], [1, 22], "storage.k8s.io/v1 StorageClass"),
]
KEYS = ["group", "version", "kind", "deprecated", "removed", "replacement"]


def version(pair):
    return "None" if not pair else f"Some(({pair[0]}, {pair[1]}))"


def lives():
    known = {(life["group"], life["version"], life["kind"]) for life in LIVES}
    older = [dict(zip(KEYS, row)) for row in OLDER if row[:3] not in known]
    for life in LIVES + older:
        if GA.match(life["version"]) and not life["deprecated"] and not life["removed"] or life["kind"].endswith("List"):
            continue
        # One Go type names its list.
        new = life["replacement"].removesuffix("List")
        yield (f"Life {{ group: {text(life['group'])}, version: {text(life['version'])}, kind: {text(life['kind'])}, "
               f"deprecated: {version(life['deprecated'])}, removed: {version(life['removed'])}, replacement: {text(new)} }}")


print("//! Generated by `codegen/history.py` from Kubernetes 1.34 to 1.37; do not edit.\n")
print("use crate::minors::Life;")
rows("/// (type, field, the first minor that has it)\n#[rustfmt::skip]\npub(crate) static NEW_FIELDS: &[(&str, &str, u32)]", new_fields())
rows("/// (type, field, the last minor that has it)\n#[rustfmt::skip]\npub(crate) static GONE_FIELDS: &[(&str, &str, u32)]", gone_fields())
rows("/// (group, version, kind, the first minor that has it)\n#[rustfmt::skip]\npub(crate) static NEW_KINDS: &[(&str, &str, &str, u32)]", new_kinds())
rows("#[rustfmt::skip]\npub(crate) static LIVES: &[Life]", set(lives()))
