//! `helmCharts`: charts that the user's helm inflates, if that is allowed.

use lucid_object::yaml::{Node, Pos, Text};

use super::{Build, Folder};
use crate::loader::{FileKind, HelmArgument, HelmCall, LoadError, path};
use crate::model::{At, Chart};
use crate::read;
use crate::report::code;
use crate::resource::Resource;
use crate::schema::Schema;
use crate::transform::merge::merge;

const DEFAULT_HOME: &str = "charts";

impl Build<'_> {
    /// The objects of one chart.
    pub(super) fn inflate(&mut self, chart: &Chart, folder: &Folder) -> Option<Vec<Resource>> {
        if !self.is_sound(chart) {
            return None;
        }
        // Asked first, so that a build without helm says so before anything else.
        let version = self.helm(chart, vec!["version".into(), "--short".into()])?;
        if !is_known_version(&String::from_utf8_lossy(&version)) {
            let message = format!("helm {} is neither 3 nor 4", String::from_utf8_lossy(&version).trim());
            self.report.error(code::GENERATOR, chart.pos, message);
            return None;
        }
        let home = home(chart);
        self.fetch_chart(chart, folder, &home)?;
        let mut arguments = self.template(chart, folder, &home);
        self.values(chart, folder, &home, &mut arguments)?;
        arguments.extend(self.switches(chart));
        let printed = self.helm(chart, arguments)?;
        let text = String::from_utf8_lossy(&printed);
        match objects(&text, chart.pos) {
            Ok(resources) => Some(resources),
            Err(message) => {
                self.report.error(
                    code::GENERATOR,
                    chart.pos,
                    format!("what helm prints for {} is not readable: {message}", chart.name.value),
                );
                None
            }
        }
    }

    fn is_sound(&mut self, chart: &Chart) -> bool {
        let wrong = if chart.name.value.is_empty() {
            Some((chart.pos, "a Helm chart needs a name".to_owned()))
        } else if chart.name.value.starts_with('-') || chart.release.value.starts_with('-') {
            Some((chart.name.pos, "names of charts and releases do not begin with `-`".to_owned()))
        } else if !matches!(chart.merge.value.as_str(), "" | "merge" | "override" | "replace") {
            let message = format!("valuesMerge is merge, override or replace, not {:?}", chart.merge.value.as_str());
            Some((chart.merge.pos, message))
        } else {
            None
        };
        if let Some((pos, message)) = &wrong {
            self.report.error(code::WRONG_VALUE, *pos, message);
        }
        wrong.is_none()
    }

    fn helm(&mut self, chart: &Chart, arguments: Vec<HelmArgument>) -> Option<Vec<u8>> {
        let configuration = Some(chart.configuration.to_string()).filter(|text| !text.is_empty());
        match self.loader.helm(&HelmCall { arguments, configuration }) {
            Ok(printed) => Some(printed),
            Err(LoadError::NotAllowed(option)) => {
                let message = format!("helmCharts: Helm charts are not inflated: {}", chart.name.value);
                let help = format!(
                    "`{option}` lets your `helm` do it; or render the chart with `helm template` into a file, and name that file under `resources`"
                );
                self.report.error_help(code::NOT_SUPPORTED, chart.pos, message, help);
                None
            }
            Err(error) => {
                self.report.error(
                    code::GENERATOR,
                    chart.pos,
                    format!("helm, for the chart {}: {error}", chart.name.value),
                );
                None
            }
        }
    }

    /// Gets a chart that is not there.
    fn fetch_chart(&mut self, chart: &Chart, folder: &Folder, home: &str) -> Option<()> {
        let name = &chart.name.value;
        let there = path::join(&folder.path, &format!("{home}/{name}"));
        if matches!(self.loader.canonical(&there), Ok((_, FileKind::Directory))) {
            return Some(());
        }
        if chart.repository.is_empty() {
            let message =
                format!("there is no chart in {}, and no `repo` to fetch it from", self.loader.display(&there));
            self.report.error(code::MISSING_FILE, chart.pos, message);
            return None;
        }
        let into = path::join(&folder.path, home);
        let mut arguments: Vec<HelmArgument> = vec!["pull".into(), "--untar".into(), "--untardir".into(), into.into()];
        if chart.repository.starts_with("oci://") {
            arguments.push(format!("{}/{name}", chart.repository.trim_end_matches('/')).into());
        } else {
            arguments.extend(["--repo".into(), chart.repository.as_str().into(), name.as_str().into()]);
        }
        if !chart.version.is_empty() {
            arguments.extend(["--version".into(), chart.version.as_str().into()]);
        }
        if chart.devel {
            arguments.push("--devel".into());
        }
        self.helm(chart, arguments).map(|_| ())
    }

    fn template(&self, chart: &Chart, folder: &Folder, home: &str) -> Vec<HelmArgument> {
        let release = if chart.release.value.is_empty() { "--generate-name" } else { chart.release.value.as_str() };
        let place = path::join(&folder.path, &format!("{home}/{}", chart.name.value));
        let mut arguments: Vec<HelmArgument> = vec!["template".into(), release.into(), place.into()];
        let namespace = if chart.namespace.is_empty() { &folder.helm_namespace } else { &chart.namespace };
        for (option, value) in [("--namespace", namespace), ("--name-template", &chart.name_template)] {
            if !value.is_empty() {
                arguments.extend([option.into(), value.as_str().into()]);
            }
        }
        arguments
    }

    /// The values: those of a file, or of the chart, with what stands in the kustomization.
    fn values(&mut self, chart: &Chart, folder: &Folder, home: &str, arguments: &mut Vec<HelmArgument>) -> Option<()> {
        let mut file = chart.values_file.clone();
        if file.value.is_empty() {
            file = At { value: format!("{home}/{}/values.yaml", chart.name.value).into(), pos: chart.pos };
        }
        let inline = chart.values.as_ref().filter(|node| !node.is_null_or_empty());
        let values = match inline {
            None => self.bytes(folder, &file)?.0,
            Some(inline) if chart.merge.value == "replace" => lucid_object::yaml::emit_node(inline).into_bytes(),
            Some(inline) => {
                let text = self.text(folder, &file)?;
                let own = read::json::value(&text.text, text.file);
                let merged = own.and_then(|own| merged(own, inline.clone(), chart.merge.value == "merge"));
                match merged {
                    Ok(values) => lucid_object::yaml::emit_node(&values).into_bytes(),
                    Err(error) => {
                        self.report.error(
                            code::GENERATOR,
                            chart.pos,
                            format!("values of {}: {error}", chart.name.value),
                        );
                        return None;
                    }
                }
            }
        };
        arguments.extend(["-f".into(), HelmArgument::Values(values)]);
        for more in &chart.more_values {
            let (_, found) = self.bytes(folder, more)?;
            arguments.extend(["-f".into(), found.into()]);
        }
        Some(())
    }

    fn switches(&self, chart: &Chart) -> Vec<HelmArgument> {
        let options = &self.options.helm;
        let mut arguments: Vec<HelmArgument> = Vec::new();
        let own: Vec<&str> = chart.api_versions.iter().map(Text::as_str).collect();
        let given = options.api_versions.iter().map(String::as_str).collect();
        for version in if own.is_empty() { given } else { own } {
            arguments.extend(["--api-versions".into(), version.into()]);
        }
        let kube = Some(chart.kube_version.as_str()).filter(|text| !text.is_empty());
        if let Some(version) = kube.or(options.kube_version.as_deref()) {
            arguments.extend(["--kube-version".into(), version.into()]);
        }
        let switches = [
            (chart.include_crds, "--include-crds"),
            (chart.skip_tests, "--skip-tests"),
            (chart.skip_hooks, "--no-hooks"),
            (chart.debug || options.debug, "--debug"),
            (chart.devel, "--devel"),
        ];
        arguments.extend(switches.into_iter().filter(|(on, _)| *on).map(|(_, option)| option.into()));
        arguments
    }
}

/// The folder of the chart's folder; one that is fetched in a version has its own.
fn home(chart: &Chart) -> String {
    let home = if chart.home.is_empty() { DEFAULT_HOME } else { chart.home.as_str() };
    if chart.version.is_empty() || chart.repository.is_empty() {
        return home.to_owned();
    }
    format!("{home}/{}-{}", chart.name.value, chart.version)
}

/// `v3.19.0+g...`, perhaps among other words.
fn is_known_version(text: &str) -> bool {
    let is_version = |word: &str| {
        let mut parts = word.trim_start_matches('v').split('.');
        let major = parts.next().and_then(|part| part.parse::<u32>().ok())?;
        parts.next().is_some_and(|part| part.starts_with(|c: char| c.is_ascii_digit())).then_some(major)
    };
    text.split(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '.' | '+')))
        .find_map(is_version)
        .is_some_and(|n| matches!(n, 3 | 4))
}

/// Two sets of values: the inline ones win, unless they are only to fill gaps.
fn merged(own: Node, inline: Node, own_wins: bool) -> Result<Node, String> {
    let (mut under, mut over) = if own_wins { (inline, own) } else { (own, inline) };
    if under.is_null() {
        return Ok(over);
    }
    if !over.is_null() && !merge(&mut under, &mut over, &Schema::default())? {
        return Ok(Node::map(under.pos));
    }
    Ok(under)
}

/// What helm prints, without what it may say before the first document.
fn objects(text: &str, pos: Pos) -> Result<Vec<Resource>, String> {
    let read = |text: &str| read::documents(text, pos.file).map(|found| found.resources);
    let mut resources = read(text).or_else(|flaws| match text.find("\n---") {
        Some(at) => read(&text[at + 1..]),
        None => Err(flaws),
    });
    if let Ok(resources) = &mut resources {
        for resource in resources {
            resource.put(pos);
            resource.by_helm = true;
        }
    }
    resources.map_err(|flaws| flaws.first().map_or(String::new(), |flaw| flaw.message.clone()))
}

#[cfg(test)]
mod tests {
    use super::is_known_version;

    #[test]
    fn versions() {
        for (text, known) in [("v3.19.0+gabc\n", true), ("v4.0.1", true), ("Client: v2.16.1+g", false), ("none", false)]
        {
            assert_eq!(is_known_version(text), known, "{text}");
        }
    }
}
