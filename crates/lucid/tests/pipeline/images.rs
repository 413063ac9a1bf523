//! The Dockerfiles: small, static, non-root and locked, one for each context of the catalogue and one for `lucid`.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use serde_json::Value;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// An instruction and what follows it, with continued lines joined.
fn instructions(text: &str) -> Vec<(String, String)> {
    let whole: String =
        text.lines().filter(|line| !line.trim_start().starts_with('#')).fold(String::new(), |all, line| {
            match line.strip_suffix('\\') {
                Some(open) => all + open,
                None => all + line + "\n",
            }
        });
    let lines = whole.lines().map(str::trim).filter(|line| !line.is_empty());
    lines
        .filter_map(|line| line.split_once(' '))
        .map(|(word, rest)| (word.to_owned(), rest.trim().to_owned()))
        .collect()
}

fn faults(text: &str) -> Vec<&'static str> {
    let all = instructions(text);
    let of = |word: &'static str| all.iter().filter(move |(name, _)| name == word).map(|(_, rest)| rest.as_str());
    let last = |word: &'static str| of(word).last().unwrap_or_default();
    let mut faults = Vec::new();
    let mut check = |fine: bool, fault: &'static str| {
        if !fine {
            faults.push(fault);
        }
    };
    check(of("FROM").count() >= 2, "it is built and shipped in one stage");
    let base = last("FROM");
    check(
        base.starts_with("gcr.io/distroless/") && base.ends_with(":nonroot"),
        "it does not end in a distroless image",
    );
    check(of("FROM").all(|from| !from.contains(":latest") && from.contains(':')), "a base image has no version");
    check(last("USER") == "65532:65532", "its user is not the one that the manifests name");
    check(last("ENTRYPOINT").starts_with("[\"/"), "its entrypoint is no absolute path, or is run by a shell");
    check(of("ADD").count() == 0, "ADD fetches and unpacks");
    check(of("ARG").chain(of("ENV")).count() == 0, "a build argument or environment stays in the image's history");
    let builds = of("RUN").filter(|run| run.contains("cargo "));
    check(builds.clone().all(|run| run.contains("--locked")), "cargo may choose other versions");
    check(last("LABEL").contains("org.opencontainers.image.description="), "it does not say what it is");
    let shipped = all.iter().skip(all.iter().rposition(|(word, _)| word == "FROM").unwrap_or(0));
    check(shipped.clone().all(|(word, _)| word != "RUN"), "something runs in the shipped stage");
    check(
        shipped.filter(|(word, _)| word == "COPY").all(|(_, rest)| rest.starts_with("--from=build ")),
        "something is shipped that was not built",
    );
    faults
}

fn dockerfile(context: &str) -> String {
    let path = root().join(context).join("Dockerfile");
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[test]
fn every_context_of_the_catalogue_has_a_dockerfile_that_keeps_the_rules() {
    let text = fs::read_to_string(root().join("lucid.yaml")).expect("lucid.yaml");
    let release: Value = serde_saphyr::from_str(&text).expect("YAML");
    let catalogue = release["spec"]["images"]["catalogue"].as_object().expect("catalogue");
    let contexts = catalogue.values().map(|image| image["context"].as_str().expect("a folder"));
    let contexts: BTreeSet<&str> = contexts.chain(["images/lucid"]).collect();
    for context in &contexts {
        assert_eq!(faults(&dockerfile(context)), Vec::<&str>::new(), "{context}");
    }
    let there = fs::read_dir(root().join("images"))
        .expect("images")
        .map(|entry| format!("images/{}", entry.expect("a folder").file_name().to_str().expect("UTF-8")));
    assert_eq!(there.collect::<BTreeSet<_>>(), contexts.into_iter().map(str::to_owned).collect());
}

#[test]
fn a_dockerfile_that_breaks_the_rules_is_found_out() {
    let good = dockerfile("images/standin");
    for (from, to, fault) in [
        (":nonroot", ":latest", "it does not end in a distroless image"),
        ("USER 65532:65532", "USER root", "its user is not the one that the manifests name"),
        ("--locked ", "", "cargo may choose other versions"),
        (
            "ENTRYPOINT [\"/bin/lucid-standin\"]",
            "ENTRYPOINT lucid-standin",
            "its entrypoint is no absolute path, or is run by a shell",
        ),
        ("COPY --from=build /image/ /", "COPY . /", "something is shipped that was not built"),
        ("COPY . .", "ARG TOKEN\nCOPY . .", "a build argument or environment stays in the image's history"),
    ] {
        assert!(good.contains(from), "{from}");
        assert!(faults(&good.replace(from, to)).contains(&fault), "{fault}");
    }
}

/// What the manifests run by name must be in the image.
#[test]
fn the_stand_in_has_the_names_that_the_manifests_call() {
    let image = dockerfile("images/standin");
    let mut called = BTreeSet::new();
    for folder in ["base/infrastructure", "components/replicated-databases"] {
        for entry in fs::read_dir(root().join("infrastructure/kubernetes").join(folder)).expect("manifests") {
            let text = fs::read_to_string(entry.expect("a file").path()).expect("text");
            for line in text.lines().filter(|line| line.contains("command: [/bin/")) {
                let path = line.split("[/bin/").nth(1).unwrap_or_default();
                called.insert(path.split([',', ']']).next().unwrap_or_default().to_owned());
            }
        }
    }
    assert_eq!(called.len(), 3, "{called:?}");
    for name in called {
        assert!(image.contains(&format!(" {name}")), "{name} is not in the stand-in's image");
    }
}
