//! The manifest by which krew installs `kubectl lucid`.

use anyhow::Result;

use super::{Source, Target};

const RELEASES: &str = "https://github.com/hamigames/lucid/releases/download";

/// For the archives that there are; `sum` tells the digest of each.
pub(super) fn manifest(
    source: &Source,
    archives: &[(&Target, String)],
    sum: impl Fn(&str) -> Result<String>,
) -> Result<String> {
    let mut text = format!(
        "apiVersion: krew.googlecontainertools.github.com/v1alpha2
kind: Plugin
metadata:
  name: lucid
spec:
  version: v{version}
  homepage: https://github.com/hamigames/lucid
  shortDescription: From manifests to a verified running system
  description: |
    Renders a release, checks it, deploys it in graph order, verifies that it runs, names the cause when it does not, and
    goes back by itself.
  platforms:
",
        version = source.version
    );
    for (target, name) in archives {
        let (top, program) = (source.name_for(target), target.program());
        text.push_str(&format!(
            "  - selector: {{matchLabels: {{os: {os}, arch: {arch}}}}}
    uri: {RELEASES}/v{version}/{name}
    sha256: {sum}
    bin: {program}
    files:
    - {{from: {top}/{program}, to: .}}
",
            os = target.os,
            arch = target.arch,
            version = source.version,
            sum = sum(name)?,
        ));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dist::TARGETS;

    #[test]
    fn every_platform_has_its_archive_digest_and_program() {
        let source = Source { version: "1.2.3".to_owned(), epoch: 0 };
        let name = |target: &Target| format!("{}{}", source.name_for(target), target.form().ending());
        let archives: Vec<(&Target, String)> = TARGETS.iter().map(|target| (target, name(target))).collect();
        let text = manifest(&source, &archives, |name| Ok(format!("sum-of-{name}"))).expect("a manifest");
        for target in &TARGETS {
            let (top, archive) = (source.name_for(target), name(target));
            let block = format!(
                "  - selector: {{matchLabels: {{os: {}, arch: {}}}}}
    uri: https://github.com/hamigames/lucid/releases/download/v1.2.3/{archive}
    sha256: sum-of-{archive}
    bin: {program}
    files:
    - {{from: {top}/{program}, to: .}}
",
                target.os,
                target.arch,
                program = target.program(),
            );
            assert!(text.contains(&block), "{block} is not in\n{text}");
        }
        assert!(text.contains("bin: lucid.exe") && text.contains("windows-gnu.zip"), "{text}");
        assert!(text.contains("\n  version: v1.2.3\n"), "{text}");
    }

    #[test]
    fn what_was_not_built_is_not_offered() {
        let source = Source { version: "1.2.3".to_owned(), epoch: 0 };
        let text = manifest(&source, &[(&TARGETS[0], "one.tar.gz".to_owned())], |_| Ok("0".to_owned()));
        let text = text.expect("a manifest");
        assert_eq!(text.matches("selector:").count(), 1, "{text}");
        assert!(!text.contains("darwin"), "{text}");
    }
}
