//! From arguments to a release: which release file, which overlay, and the rendered objects.

mod images;

use std::fs;
use std::path::{Path, PathBuf};

use lucid_kustomize::{Bounds, HelmOptions, Options, Rendered};
use lucid_object::{Findings, ObjectSet, Severity};
use lucid_plan::validate;
use lucid_release::ReleaseFile;

use crate::cli::{Global, Outside, Source};
use crate::failure::{Failure, Result};
use crate::files::{self, DiskLoader};
use crate::output::Outlet;

const FILE_NAME: &str = "lucid.yaml";

/// A release and its manifests.
pub(crate) struct Manifests {
    pub(crate) release: ReleaseFile,
    /// The folder of the release file, if there is one.
    pub(crate) home: PathBuf,
    /// Name of the overlay, or the folder.
    pub(crate) name: String,
    pub(crate) objects: ObjectSet,
    pub(crate) warnings: Findings,
    /// Where it is said what the manifests leave out.
    pub(crate) source: validate::Source,
}

impl Manifests {
    /// What is said before anything else; advice is for `lucid validate`.
    pub(crate) fn tell_warnings(&self, outlet: &Outlet) {
        tell_warnings(&self.warnings, outlet);
    }

    /// Stops a command that writes at what is certainly wrong. Warnings are counted; `lucid validate` shows them.
    pub(crate) fn check(&self, outlet: &Outlet) -> Result<()> {
        let mut placed = self.objects.clone();
        validate::place(&mut placed, &self.release.spec.namespace);
        let found = validate::before_a_run(&self.release, &placed, self.source);
        if found.has_errors() {
            return Err(Failure::manifests(Findings(found.errors().cloned().collect())));
        }
        let warnings = found.iter().filter(|finding| finding.severity == Severity::Warning).count();
        if warnings > 0 {
            let what = if warnings == 1 { "warning" } else { "warnings" };
            outlet.talk(&format!("{warnings} {what} about the manifests; `lucid validate` shows them\n"));
        }
        Ok(())
    }
}

/// Findings above advice.
pub(crate) fn tell_warnings(findings: &Findings, outlet: &Outlet) {
    outlet.findings(findings.iter().filter(|finding| finding.severity > Severity::Advice));
}

/// Reads the release file and renders the overlay that the argument names.
///
/// A folder without any release file above it is a release of its own, named after the folder.
pub(crate) fn load(global: &Global, source: &Source) -> Result<Manifests> {
    let chosen = source.source.as_deref();
    if let (Some(folder), None, true) = (chosen, &global.file, nearest().is_err()) {
        return infer(global, Path::new(folder), source);
    }
    let (path, mut release) = release_file(global)?;
    if let Some(namespace) = &global.namespace {
        release.spec.namespace.clone_from(namespace);
    }
    let (name, folder) = choose(&release, &path, chosen)?;
    let rendered = render_any(&folder, source)?;
    let source = validate::Source::ReleaseFile;
    let home = path.parent().map(Path::to_owned).unwrap_or_default();
    Ok(Manifests { release, home, name, objects: rendered.objects, warnings: rendered.warnings, source })
}

fn infer(global: &Global, folder: &Path, source: &Source) -> Result<Manifests> {
    if !folder.is_dir() {
        return Err(Failure::usage(format!(
            "{} is no folder, and there is no {FILE_NAME} here or above",
            folder.display()
        ))
        .help("name a folder with manifests, or go to the release's folder"));
    }
    let rendered = render_any(folder, source)?;
    let namespace = global.namespace.as_deref().unwrap_or("default");
    let real = fs::canonicalize(folder)?;
    let name = real.file_name().and_then(|name| name.to_str()).unwrap_or("release").to_lowercase();
    let release = lucid_plan::infer::release(&name, namespace, &rendered.objects);
    Ok(Manifests {
        release,
        home: PathBuf::new(),
        name: folder.display().to_string(),
        objects: rendered.objects,
        warnings: rendered.warnings,
        source: validate::Source::Folder,
    })
}

struct Loaded {
    objects: ObjectSet,
    warnings: Findings,
}

/// A kustomization, or else every YAML file of a folder, in the order of their names.
fn render_any(folder: &Path, source: &Source) -> Result<Loaded> {
    if has_kustomization(folder) {
        let rendered = render(folder, &Options::default(), source)?;
        return Ok(Loaded { objects: rendered.objects, warnings: rendered.warnings });
    }
    let entries =
        fs::read_dir(folder).map_err(|error| Failure::usage(format!("read {}: {error}", folder.display())))?;
    let is_yaml = |path: &PathBuf| path.extension().is_some_and(|end| end == "yaml" || end == "yml");
    let mut files: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).filter(is_yaml).collect();
    files.sort();
    let (mut objects, mut findings) = (ObjectSet::default(), Findings::default());
    for path in files.iter().filter(|path| path.file_name().is_none_or(|name| name != FILE_NAME)) {
        let text = files::text(path).map_err(|error| Failure::usage(format!("read {}: {error}", path.display())))?;
        match lucid_object::yaml::parse_documents(&text, &path.display().to_string()) {
            Ok(documents) => documents.into_iter().for_each(|object| objects.push(object)),
            Err(wrong) => findings.extend(wrong),
        }
    }
    if findings.has_errors() {
        return Err(Failure::manifests(findings));
    }
    if let Some(file) = &source.images {
        images::choose(file, &mut objects)?;
    }
    Ok(Loaded { objects, warnings: findings })
}

/// Renders a kustomization, with the images that were asked for.
pub(crate) fn render(folder: &Path, options: &Options, source: &Source) -> Result<Rendered> {
    let mut rendered = build(folder, options, &source.outside)?;
    if let Some(file) = &source.images {
        images::choose(file, &mut rendered.objects)?;
        rendered.reprint();
    }
    Ok(rendered)
}

fn build(folder: &Path, options: &Options, outside: &Outside) -> Result<Rendered> {
    let text = folder.to_str().ok_or_else(|| Failure::usage(format!("{} is not UTF-8", folder.display())))?;
    let helm = HelmOptions {
        kube_version: outside.helm_kube_version.clone(),
        api_versions: outside.helm_api_versions.clone(),
        debug: outside.helm_debug,
    };
    let bounds = Bounds { growth: outside.max_growth.saturating_mul(1 << 20), ..Bounds::default() };
    let options = Options { helm, bounds, ..options.clone() };
    lucid_kustomize::render(&DiskLoader::new(outside), text, &options).map_err(Failure::manifests)
}

/// The release file that counts here, and its folder's path.
pub(crate) fn release_file(global: &Global) -> Result<(PathBuf, ReleaseFile)> {
    let path = match &global.file {
        Some(path) => path.clone(),
        None => nearest()?,
    };
    let text = fs::read_to_string(&path).map_err(|error| {
        Failure::usage(format!("read {}: {error}", path.display())).help("name the release file with -f")
    })?;
    let release = lucid_release::load(&text, &path.display().to_string()).map_err(Failure::manifests)?;
    Ok((path, release))
}

fn nearest() -> Result<PathBuf> {
    let here = std::env::current_dir()?;
    let found = here.ancestors().enumerate().find(|(_, folder)| folder.join(FILE_NAME).is_file());
    match found {
        Some((0, _)) => Ok(PathBuf::from(FILE_NAME)),
        Some((up, _)) => Ok(PathBuf::from("../".repeat(up)).join(FILE_NAME)),
        None => Err(Failure::usage(format!("there is no {FILE_NAME} in this folder or above"))
            .help("go to the release's folder, or name the file with -f")),
    }
}

/// The overlay that was asked for, or the only one.
fn choose(release: &ReleaseFile, file: &Path, source: Option<&str>) -> Result<(String, PathBuf)> {
    let beside = |folder: &str| file.parent().unwrap_or(Path::new("")).join(folder);
    let overlays = &release.spec.overlays;
    let names = || overlays.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
    match (source, &release.spec.source) {
        (Some(name), _) if overlays.contains_key(name) => Ok((name.to_owned(), beside(&overlays[name]))),
        (Some(folder), _) if Path::new(folder).is_dir() => Ok((folder.to_owned(), PathBuf::from(folder))),
        (Some(name), _) => {
            let near = lucid_release::load::nearest(name, overlays.keys().map(String::as_str));
            Err(Failure::usage(format!("{name} is neither an overlay of {} nor a folder", file.display()))
                .help(near.unwrap_or_else(|| format!("the overlays are: {}", names()))))
        }
        (None, Some(folder)) => Ok((folder.clone(), beside(folder))),
        (None, None) if overlays.len() == 1 => {
            let (name, folder) = overlays.iter().next().expect("there is one");
            Ok((name.clone(), beside(folder)))
        }
        (None, None) => Err(Failure::usage("which overlay?").help(format!("name one of: {}", names()))),
    }
}

/// The folder for `render`, which needs no release file; or an address.
pub(crate) fn folder(global: &Global, source: &Source) -> Result<PathBuf> {
    let (source, remote) = (source.source.as_deref(), source.outside.allow_remote);
    match source {
        Some(text) if Path::new(text).is_dir() => Ok(PathBuf::from(text)),
        Some(text) if remote && (text.contains("://") || text.contains('@')) => Ok(PathBuf::from(text)),
        None if global.file.is_none() && has_kustomization(Path::new(".")) => Ok(PathBuf::from(".")),
        _ => {
            let (path, release) = release_file(global).map_err(|failure| match source {
                Some(text) => {
                    Failure::usage(format!("{text} is no folder")).help("name a folder with a kustomization.yaml")
                }
                None => failure,
            })?;
            choose(&release, &path, source).map(|(_, folder)| folder)
        }
    }
}

fn has_kustomization(folder: &Path) -> bool {
    ["kustomization.yaml", "kustomization.yml", "Kustomization"].iter().any(|name| folder.join(name).is_file())
}
