//! Reading `lucid.yaml`: every mistake at once, each with its line.

use std::collections::{BTreeMap, BTreeSet};

use lucid_object::{Finding, Findings, Position};

use crate::file::ReleaseFile;

/// Reads and checks a release file. `file` is the name to show in positions.
///
/// # Errors
/// All mistakes that can be found without the manifests.
pub fn load(text: &str, file: &str) -> Result<ReleaseFile, Findings> {
    let release: ReleaseFile = match serde_saphyr::from_str(text) {
        Ok(release) => release,
        Err(error) => return Err(Findings(vec![syntax(&error, file)])),
    };
    let mut findings = Findings::default();
    check_header(&release, file, &mut findings);
    let places = Places { text, file };
    check_names(&release, &places, &mut findings);
    check_needs(&release, &places, &mut findings);
    check_cycles(&release, &places, &mut findings);
    check_notifications(&release, &places, &mut findings);
    if findings.is_empty() { Ok(release) } else { Err(findings) }
}

fn syntax(error: &serde_saphyr::Error, file: &str) -> Finding {
    let position = error.location().map(|location| Position {
        file: file.into(),
        line: u32::try_from(location.line()).unwrap_or(0),
        column: u32::try_from(location.column()).unwrap_or(0),
    });
    let text = error.without_snippet().to_string();
    let message = text.lines().next().unwrap_or("not valid YAML").to_owned();
    Finding::error(8101, message).at(position).help("`lucid explain L8101` shows the format of lucid.yaml")
}

fn check_header(release: &ReleaseFile, file: &str, findings: &mut Findings) {
    let top = Some(Position { file: file.into(), line: 1, column: 1 });
    if release.api_version != "lucid.dev/v1alpha1" || release.kind != "Release" {
        let message = format!("{} {} is not a release file", release.api_version, release.kind);
        findings.push(
            Finding::error(8102, message)
                .at(top.clone())
                .help("write apiVersion: lucid.dev/v1alpha1 and kind: Release"),
        );
    }
    if !is_dns_label(release.name()) {
        let message = format!("the release's name {:?} is not a DNS label", release.name());
        findings.push(
            Finding::error(8103, message).at(top.clone()).help("use at most 40 lower-case letters, digits and dashes"),
        );
    }
    match (&release.spec.source, release.spec.overlays.is_empty()) {
        (Some(_), false) => {
            findings
                .push(Finding::error(8104, "both `source` and `overlays` are given").at(top).help("keep one of them"));
        }
        (None, true) => {
            findings.push(
                Finding::error(8104, "neither `source` nor `overlays` is given")
                    .at(top)
                    .help("name the folder of the manifests"),
            );
        }
        _ => {}
    }
}

fn is_dns_label(name: &str) -> bool {
    let inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    !name.is_empty() && name.len() <= 40 && name.chars().all(inner) && !name.starts_with('-') && !name.ends_with('-')
}

fn check_names(release: &ReleaseFile, places: &Places<'_>, findings: &mut Findings) {
    let mut seen = BTreeSet::new();
    for component in &release.spec.components {
        if !seen.insert(&component.name) {
            let message = format!("two components are called {}", component.name);
            findings.push(Finding::error(8105, message).at(places.component(&component.name)));
        }
        if component.select.is_empty() {
            let message = format!("component {} selects everything: `select` is empty", component.name);
            findings.push(Finding::error(8106, message).at(places.component(&component.name)));
        }
        if let Some(phase) = component.phase.as_ref().filter(|phase| !release.spec.phases.contains(phase)) {
            let message = format!("component {} is in phase {phase}, which `phases` does not list", component.name);
            let help = nearest(phase, release.spec.phases.iter());
            findings.push(with_help(Finding::error(8107, message).at(places.component(&component.name)), help));
        }
    }
}

fn check_needs(release: &ReleaseFile, places: &Places<'_>, findings: &mut Findings) {
    let known: BTreeSet<&String> = release.spec.components.iter().map(|component| &component.name).collect();
    for component in &release.spec.components {
        for need in component.needs.iter().flatten().filter(|need| !known.contains(need)) {
            let message = format!("component {} needs {need}, which is not a component", component.name);
            let help = nearest(need, known.iter().copied());
            findings.push(with_help(Finding::error(8108, message).at(places.component(&component.name)), help));
        }
    }
}

fn check_cycles(release: &ReleaseFile, places: &Places<'_>, findings: &mut Findings) {
    let edges: BTreeMap<&str, Vec<&str>> = release
        .spec
        .components
        .iter()
        .map(|component| (component.name.as_str(), release.needs_of(component)))
        .collect();
    if let Some(cycle) = find_cycle(&edges) {
        let first = cycle[0];
        let path = cycle.iter().chain([&first]).copied().collect::<Vec<_>>().join(" → ");
        let finding = Finding::error(8109, format!("components need each other in a circle: {path}"));
        findings.push(finding.at(places.component(first)).help("remove one of these `needs`"));
    }
}

fn check_notifications(release: &ReleaseFile, places: &Places<'_>, findings: &mut Findings) {
    let mut seen = BTreeSet::new();
    for notification in &release.spec.notifications {
        let name = &notification.name;
        let mut tell = |message: String, help: &str| {
            findings.push(Finding::error(8115, message).at(places.component(name)).help(help));
        };
        if !is_dns_label(name) {
            tell(format!("the notification's name {name:?} is not a DNS label"), "use lower-case letters and dashes");
        }
        if !seen.insert(name) {
            tell(format!("two notifications are called {name}"), "rename one of them");
        }
        if notification.doors() != 1 {
            let message = format!("notification {name} has {} doors", notification.doors());
            tell(message, "give it one of `slack`, `webhook`, `email` and `github`");
        }
        if notification.email.as_ref().is_some_and(|email| email.to.is_empty()) {
            tell(format!("notification {name} is sent to nobody"), "name an address in `to`");
        }
        let repository = notification.github.as_ref().and_then(|github| github.repository.as_ref());
        if repository.is_some_and(|repository| !is_repository(repository)) {
            tell(format!("notification {name}: `repository` is no repository"), "write OWNER/NAME");
        }
    }
}

/// `OWNER/NAME`, and nothing that would lead elsewhere in an address.
pub fn is_repository(text: &str) -> bool {
    let is_name = |name: &str| {
        let inner = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        !name.is_empty() && name.chars().all(inner) && name.chars().any(|c| c != '.')
    };
    text.split_once('/').is_some_and(|(owner, name)| is_name(owner) && is_name(name))
}

/// The first cycle in name order, as the nodes along it; unknown names are ignored.
pub fn find_cycle<'a>(edges: &BTreeMap<&'a str, Vec<&'a str>>) -> Option<Vec<&'a str>> {
    let mut done = BTreeSet::new();
    for start in edges.keys() {
        let mut path = Vec::new();
        if let Some(cycle) = walk(start, edges, &mut done, &mut path) {
            return Some(cycle);
        }
    }
    None
}

fn walk<'a>(
    node: &'a str,
    edges: &BTreeMap<&'a str, Vec<&'a str>>,
    done: &mut BTreeSet<&'a str>,
    path: &mut Vec<&'a str>,
) -> Option<Vec<&'a str>> {
    if let Some(start) = path.iter().position(|other| *other == node) {
        return Some(path[start..].to_vec());
    }
    if done.contains(node) {
        return None;
    }
    path.push(node);
    for next in edges.get(node).into_iter().flatten() {
        if let Some(cycle) = walk(next, edges, done, path) {
            return Some(cycle);
        }
    }
    path.pop();
    done.insert(node);
    None
}

fn with_help(finding: Finding, help: Option<String>) -> Finding {
    match help {
        Some(help) => finding.help(help),
        None => finding,
    }
}

/// "did you mean …?" for a name within two edits of a known one.
pub fn nearest<'a, S: AsRef<str> + 'a + ?Sized>(name: &str, known: impl Iterator<Item = &'a S>) -> Option<String> {
    let distance = |other: &str| edit_distance(name, other);
    let best = known.map(AsRef::as_ref).min_by_key(|other| (distance(other), other.to_string()))?;
    let limit = name.len().div_ceil(3).clamp(1, 3);
    (distance(best) <= limit || best.contains(name)).then(|| format!("did you mean {best}?"))
}

/// Insertions, deletions, substitutions and swaps of neighbours.
fn edit_distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut table = vec![vec![0; b.len() + 1]; a.len() + 1];
    for i in 0..=a.len() {
        for j in 0..=b.len() {
            table[i][j] = match (i, j) {
                (0, n) | (n, 0) => n,
                _ => {
                    let substitute = table[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
                    let best = substitute.min(table[i - 1][j] + 1).min(table[i][j - 1] + 1);
                    let is_swap = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
                    if is_swap { best.min(table[i - 2][j - 2] + 1) } else { best }
                }
            };
        }
    }
    table[a.len()][b.len()]
}

/// Finds the line of a component by its `name:`, for the checks that run after the text has become values.
struct Places<'a> {
    text: &'a str,
    file: &'a str,
}

impl Places<'_> {
    fn component(&self, name: &str) -> Option<Position> {
        let wanted = |line: &str| {
            let (_, rest) = line.split_once("name:")?;
            let value = rest.trim().split([',', '}', '#']).next()?.trim().trim_matches(['"', '\'']);
            (value == name && line.trim_start().starts_with('-')).then(|| line.find("name:").unwrap_or(0) + 1)
        };
        let hit = self.text.lines().enumerate().filter_map(|(index, line)| Some((index, wanted(line)?))).last();
        hit.map(|(index, column)| Position {
            file: self.file.into(),
            line: u32::try_from(index + 1).unwrap_or(0),
            column: u32::try_from(column).unwrap_or(0),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "apiVersion: lucid.dev/v1alpha1\nkind: Release\nmetadata: {name: shop}\nspec:\n  source: k8s\n  namespace: shop\n  phases: [one, two]\n  components:\n";

    #[track_caller]
    fn check(components: &str, expect: &[&str]) {
        let text = format!("{HEAD}{components}");
        let findings = load(&text, "lucid.yaml").err().unwrap_or_default();
        let shown: Vec<String> = findings
            .iter()
            .map(|f| format!("{} {}: {}", f.position.as_ref().map_or(0, |p| p.line), f.code, f.message))
            .collect();
        assert_eq!(shown, expect);
    }

    #[test]
    fn a_good_file_has_no_findings() {
        check(
            "  - {name: a, phase: one, select: {app: a}}\n  - {name: b, phase: two, select: {app: b}, needs: [a]}\n",
            &[],
        );
    }

    #[test]
    fn every_mistake_at_once_with_its_line() {
        check(
            "  - {name: a, phase: zwei, select: {app: a}, needs: [bb]}\n  - name: b\n    select: {}\n  - {name: b, select: {x: y}}\n",
            &[
                "9 L8107: component a is in phase zwei, which `phases` does not list",
                "12 L8106: component b selects everything: `select` is empty",
                "12 L8105: two components are called b",
                "9 L8108: component a needs bb, which is not a component",
            ],
        );
    }

    #[test]
    fn a_cycle_is_printed_as_a_path() {
        check(
            "  - {name: a, select: {app: a}, needs: [c]}\n  - {name: b, select: {app: b}, needs: [a]}\n  - {name: c, select: {app: c}, needs: [b]}\n",
            &["9 L8109: components need each other in a circle: a → c → b → a"],
        );
    }

    #[test]
    fn an_unknown_field_is_named_with_line_and_column() {
        let text = format!("{HEAD}  - {{name: a, select: {{app: a}}, need: [b]}}\n");
        let findings = load(&text, "lucid.yaml").unwrap_err();
        let finding = &findings.0[0];
        assert!(finding.message.contains("need"), "{}", finding.message);
        assert_eq!(finding.position.as_ref().unwrap().line, 9);
    }

    #[test]
    fn strategies_that_are_not_built_are_refused() {
        let text = format!("{HEAD}  - {{name: a, select: {{app: a}}, strategy: canary}}\n");
        assert!(load(&text, "lucid.yaml").unwrap_err().0[0].message.contains("canary"));
    }

    #[test]
    fn a_component_without_needs_waits_for_the_phase_before() {
        let text = format!(
            "{HEAD}  - {{name: a, phase: one, select: {{app: a}}}}\n  - {{name: b, phase: two, select: {{app: b}}}}\n  - {{name: c, phase: two, select: {{app: c}}, needs: []}}\n"
        );
        let release = load(&text, "lucid.yaml").unwrap();
        let needs = |name: &str| release.needs_of(release.component(name).unwrap());
        assert_eq!(needs("b"), ["a"]);
        assert!(needs("a").is_empty() && needs("c").is_empty());
    }

    #[test]
    fn names_near_a_known_one_are_suggested() {
        assert_eq!(nearest("redsi", ["redis", "mongodb"].iter().copied()), Some("did you mean redis?".into()));
        assert_eq!(nearest("wbe", ["api", "web"].iter().copied()), Some("did you mean web?".into()));
        assert_eq!(nearest("zzz", ["redis", "mongodb"].iter().copied()), None);
    }
}
