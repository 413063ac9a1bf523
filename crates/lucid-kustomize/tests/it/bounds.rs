//! Small trees that stand for large ones: each is refused at once, in words.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use lucid_kustomize::{LoadError, Loader, MemoryLoader, Options, render};

const CM: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {k: v}\n";

/// What a tree is refused with. The time is for a busy machine; what is not refused takes minutes, or all memory.
#[track_caller]
fn refused(files: &[(&str, String)], want: &str) {
    let mut loader = MemoryLoader::new();
    files.iter().for_each(|(path, text)| loader.add(path, text.clone()));
    let start = Instant::now();
    let Err(findings) = render(&loader, "top", &Options::default()) else { panic!("it is not refused") };
    let took = start.elapsed();
    let said: Vec<&str> = findings.iter().map(|finding| finding.message.as_str()).collect();
    assert!(said.iter().any(|message| message.contains(want)), "{want:?} is not among {said:?}");
    assert!(took < Duration::from_secs(60), "it took {took:?}");
}

fn top(text: impl Into<String>) -> (&'static str, String) {
    ("top/kustomization.yaml", text.into())
}

/// An object with a list of `count` words of `size` bytes each.
fn large(count: usize, size: usize) -> String {
    let word = "x".repeat(size);
    format!(
        "apiVersion: x/v1\nkind: X\nmetadata: {{name: a}}\nspec: {{list: [{}]}}\n",
        vec![word.as_str(); count].join(",")
    )
}

#[test]
fn aliases() {
    let mut text = String::from("apiVersion: v1\nkind: X\nmetadata: {name: a}\na0: &a0 [x,x,x,x,x,x,x,x,x,x]\n");
    for n in 1..10 {
        let below = vec![format!("*a{}", n - 1); 10].join(",");
        let _ = writeln!(text, "a{n}: &a{n} [{below}]");
    }
    refused(&[top("resources: [a.yaml]"), ("top/a.yaml", text)], "aliases expand to more than");
}

#[test]
fn aliases_in_many_files() {
    let list = vec!["x"; 900].join(",");
    let mut files: Vec<(String, String)> = Vec::new();
    for n in 0..200 {
        let uses = vec!["*l"; 100].join(",");
        let text = format!("apiVersion: v1\nkind: X\nmetadata: {{name: a{n}}}\nl: &l [{list}]\nm: [{uses}]\n");
        files.push((format!("top/{n}.yaml"), text));
    }
    let names: String = files.iter().map(|(path, _)| format!("- {}\n", &path[4..])).collect();
    let mut all = vec![top(format!("resources:\n{names}"))];
    all.extend(files.iter().map(|(path, text)| (path.as_str(), text.clone())));
    refused(&all, "MiB out of what it reads");
}

#[test]
fn nesting() {
    let deep =
        |n: usize| format!("apiVersion: v1\nkind: X\nmetadata: {{name: a}}\na: {}{}\n", "[".repeat(n), "]".repeat(n));
    refused(&[top("resources: [a.yaml]"), ("top/a.yaml", deep(300))], "nested more than 256 deep");
    refused(&[top("resources: [a.yaml]"), ("top/a.yaml", deep(1_000_000))], "nested more than");
    let wide = format!(
        "apiVersion: v1\nkind: X\nmetadata: {{name: a}}\na: {}{}{}\n",
        "[".repeat(250),
        vec!["x"; 300_000].join(","),
        "]".repeat(250)
    );
    refused(&[top("resources: [a.yaml]"), ("top/a.yaml", wide)], "nested more than");
}

#[test]
fn bases_that_double() {
    let mut files = vec![top("resources: [../b30]"), ("b0/a.yaml", large(1000, 100))];
    let names: Vec<String> = (0..=30).map(|n| format!("b{n}/kustomization.yaml")).collect();
    files.push((&names[0], "resources: [a.yaml]".into()));
    let mut sides = Vec::new();
    for n in 1..=30 {
        for side in ["l", "r"] {
            let text = format!("namePrefix: {side}-\nresources: [../b{}]\n", n - 1);
            sides.push((format!("b{n}{side}/kustomization.yaml"), text));
        }
    }
    for (n, name) in names.iter().enumerate().skip(1) {
        files.push((name, format!("resources: [../b{n}l, ../b{n}r]\n")));
    }
    files.extend(sides.iter().map(|(path, text)| (path.as_str(), text.clone())));
    refused(&files, "MiB out of what it reads");
}

#[test]
fn bases_of_bases() {
    let mut files = vec![top("resources: [../b0]")];
    let names: Vec<String> = (0..5000).map(|n| format!("b{n}/kustomization.yaml")).collect();
    for (n, name) in names.iter().enumerate() {
        files.push((name, format!("resources: [../b{}]\n", n + 1)));
    }
    refused(&files, "bases of bases, more than 100 deep");
}

#[test]
fn a_patch_that_copies() {
    let copies: String = (0..40).map(|n| format!("    - {{op: copy, from: /data, path: /data/c{n}}}\n")).collect();
    let patch = format!("resources: [a.yaml]\npatches:\n- target: {{kind: ConfigMap}}\n  patch: |\n{copies}");
    refused(&[top(patch), ("top/a.yaml", CM.into())], "MiB out of what it reads");
}

#[test]
fn a_patch_that_nests() {
    let mut path = String::from("/a");
    let mut operations = String::from("    - {op: add, path: /a, value: {}}\n");
    for _ in 0..60 {
        let _ = writeln!(operations, "    - {{op: add, path: {path}/x, value: {{a: {{b: {{c: {{d: {{}}}}}}}}}}}}");
        path.push_str("/x/a/b/c/d");
    }
    let text = format!("resources: [a.yaml]\npatches:\n- target: {{kind: ConfigMap}}\n  patch: |\n{operations}");
    refused(&[top(text), ("top/a.yaml", CM.into())], "this nests more than 256 deep");
}

#[test]
fn a_patch_for_everything() {
    let objects: String =
        (0..3000).map(|n| format!("---\n{}", CM.replace("name: a", &format!("name: a{n}")))).collect();
    let value = "x,".repeat(3000);
    let patch = format!(
        "resources: [a.yaml]\npatches:\n- target: {{kind: ConfigMap}}\n  patch: |\n    {{apiVersion: v1, kind: ConfigMap, metadata: {{name: a}}, x: [{value}]}}\n"
    );
    refused(&[top(patch), ("top/a.yaml", objects)], "MiB out of what it reads");
}

#[test]
fn replacements_that_double() {
    let object = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {x: a.a}\n";
    let step = "- source: {kind: ConfigMap, fieldPath: data.x}\n  targets:\n  - select: {kind: ConfigMap}\n    fieldPaths: [data.x]\n    options: {delimiter: .}\n";
    let text = format!("resources: [a.yaml]\nreplacements:\n{}", step.repeat(40));
    refused(&[top(text), ("top/a.yaml", object.into())], "MiB out of what it reads");
}

#[test]
fn values_for_everything() {
    let objects: String = (0..500).map(|n| format!("---\n{}", CM.replace("name: a", &format!("name: a{n}")))).collect();
    let files = |text: String| [top(text), ("top/a.yaml", objects.clone())];
    let long = "x".repeat(1_000_000);
    refused(&files(format!("resources: [a.yaml]\nnamePrefix: {long}\n")), "MiB out of what it reads");
    refused(&files(format!("resources: [a.yaml]\nnamespace: {long}\n")), "MiB out of what it reads");
    refused(&files(format!("resources: [a.yaml]\ncommonAnnotations: {{a: {long}}}\n")), "MiB out of what it reads");
    let vars = format!(
        "resources: [a.yaml]\nvars: [{{name: V, objref: {{apiVersion: v1, kind: X, name: v}}, fieldref: {{fieldpath: spec}}}}]\nconfigurations: [c.yaml]\ncommonAnnotations: {{a: {}}}\n",
        "$(V)".repeat(1000)
    );
    let mut all = files(vars).to_vec();
    all.push(("top/c.yaml", "varReference: [{path: metadata/annotations}]\n".into()));
    all[1].1.push_str(&format!("---\napiVersion: v1\nkind: X\nmetadata: {{name: v}}\nspec: {}\n", "y".repeat(10_000)));
    refused(&all, "MiB out of what it reads");
}

#[test]
fn images_for_everything() {
    let containers = "{image: a},".repeat(20_000);
    let object = format!("apiVersion: v1\nkind: Pod\nmetadata: {{name: a}}\nspec: {{containers: [{containers}]}}\n");
    let text = format!("resources: [a.yaml]\nimages: [{{name: a, newName: {}}}]\n", "x".repeat(1_000_000));
    refused(&[top(text), ("top/a.yaml", object)], "MiB out of what it reads");
}

#[test]
fn fields_without_end() {
    let path = "a/".repeat(100_000) + "b";
    let config = format!("commonAnnotations: [{{path: {path}, create: true}}]\n");
    let text = "resources: [a.yaml]\nconfigurations: [c.yaml]\ncommonAnnotations: {a: b}\n";
    refused(&[top(text), ("top/a.yaml", CM.into()), ("top/c.yaml", config)], "the field is more than 256 deep");
    let path = "a.".repeat(100_000) + "b";
    let text = format!(
        "resources: [a.yaml]\nreplacements: [{{sourceValue: x, targets: [{{select: {{kind: ConfigMap}}, fieldPaths: [{path}], options: {{create: true}}}}]}}]\n"
    );
    refused(&[top(text), ("top/a.yaml", CM.into())], "more than 256 deep");
}

#[test]
fn definitions_that_refer_to_each_other() {
    let mut text = String::from("{");
    for n in 0..30 {
        let below = format!("{{\"$ref\": \"d{}\"}}", n + 1);
        let _ = write!(
            text,
            "\"d{n}\": {{\"schema\": {{\"properties\": {{\"kind\": {{}}, \"apiVersion\": {{}}, \"metadata\": {{}}, \"l\": {below}, \"r\": {below}}}}}}},"
        );
    }
    text.push_str("\"e\": {}}");
    refused(
        &[top("resources: [a.yaml]\ncrds: [c.json]\n"), ("top/a.yaml", CM.into()), ("top/c.json", text)],
        "more than 200000 fields",
    );
    let mut text = String::from("{\"definitions\": {");
    for n in 0..5000 {
        let _ = write!(text, "\"d{n}\": {{\"properties\": {{\"a\": {{\"$ref\": \"#/definitions/d{}\"}}}}}},", n + 1);
    }
    let kind = "\"x-kubernetes-group-version-kind\": [{\"group\": \"\", \"version\": \"v1\", \"kind\": \"X\"}]";
    let _ = write!(text, "\"top\": {{{kind}, \"properties\": {{\"a\": {{\"$ref\": \"#/definitions/d0\"}}}}}}}}}}");
    let own = "apiVersion: own/v1\nkind: Own\nmetadata: {name: a}\n";
    refused(
        &[top("resources: [a.yaml]\nopenapi: {path: c.json}\n"), ("top/a.yaml", own.into()), ("top/c.json", text)],
        "deep",
    );
}

#[test]
fn mistakes_without_end() {
    let objects: String = (0..20_000).map(|n| format!("---\nkind: X\nmetadata: {{labels: {{n: a{n}}}}}\n")).collect();
    refused(&[top("resources: [a.yaml]"), ("top/a.yaml", objects)], "problems are not shown");
}

#[test]
fn files_without_end() {
    let mut files = vec![("top/a.yaml", CM.to_owned())];
    let list: String = (0..25_000).map(|_| "- a.yaml\n").collect();
    files.push(top(format!(
        "resources: [a.yaml]\nconfigMapGenerator:\n- name: x\n  envs:\n{}",
        list.replace("- a", "  - a")
    )));
    refused(&files, "the build reads more than 20000 files");
}

/// A loader whose time is up at once.
struct Late(MemoryLoader);

impl Loader for Late {
    fn canonical(&self, path: &str) -> Result<(String, lucid_kustomize::FileKind), LoadError> {
        self.0.canonical(path)
    }

    fn read(&self, path: &str) -> Result<Vec<u8>, LoadError> {
        self.0.read(path)
    }

    fn is_out_of_time(&self) -> bool {
        true
    }
}

#[test]
fn time() {
    let mut loader = MemoryLoader::new();
    loader.add("top/kustomization.yaml", "resources: [a.yaml]");
    loader.add("top/a.yaml", CM);
    let findings = render(&Late(loader), "top", &Options::default()).expect_err("it is refused");
    let said: Vec<&str> = findings.iter().map(|finding| finding.message.as_str()).collect();
    assert_eq!(said.len(), 1, "{said:?}");
    assert!(said[0].contains("the build takes too long"), "{said:?}");
}
