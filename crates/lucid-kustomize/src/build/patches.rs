//! Loading patches: from files or from the kustomization itself, as objects or as operations.

use lucid_object::yaml::{Dialect, Limits, Pos, Text, parse_first};

use super::{Accumulator, Build, Folder, Target};
use crate::model::{At, Patch};
use crate::place;
use crate::read::{self, Documents, Flaw};
use crate::report::code;
use crate::transform::json_patch::{self, Operation};
use crate::transform::patches::{self, Loaded};

/// A patch as text, and where it came from.
pub(super) struct Source {
    text: String,
    /// A file of its own; a patch inside a kustomization has none.
    file: Option<u32>,
    pos: Pos,
}

impl Source {
    fn file(&self) -> u32 {
        self.file.unwrap_or(self.pos.file)
    }

    /// A place in the text as a place in a file.
    fn place(&self, pos: Pos) -> Pos {
        if self.file.is_some() { pos } else { place::shifted(pos, self.pos) }
    }
}

impl Build<'_> {
    /// `patchesStrategicMerge`: each entry is the patch itself, or the path of a file.
    pub(super) fn strategic_merge_patches(&mut self, into: &mut Accumulator, target: &Target) {
        self.strategic_entries(into, &target.kustomization.patches_strategic_merge, &target.folder);
    }

    pub(super) fn strategic_entries(&mut self, into: &mut Accumulator, entries: &[At<Text>], folder: &Folder) {
        let mut all_empty = true;
        for at in entries {
            if self.is_spent(at.pos) {
                return;
            }
            let inline = Source { text: at.value.to_string(), file: None, pos: at.pos };
            let found = match objects(&inline) {
                Ok(found) => found,
                Err(_) => {
                    let Some(text) = self.text(folder, at) else {
                        all_empty = false;
                        continue;
                    };
                    match read::documents(&text.text, text.file) {
                        Ok(mut found) => {
                            self.ignored(std::mem::take(&mut found.ignored));
                            found
                        }
                        Err(flaws) => {
                            flaws.into_iter().for_each(|flaw| flaw.tell(&mut self.report));
                            all_empty = false;
                            continue;
                        }
                    }
                }
            };
            if !self.report.meter.grow_by_aliases(found.alias_nodes, at.pos) {
                return;
            }
            let patches = self.stamped(found.resources);
            all_empty &= patches.is_empty();
            self.need_schema();
            patches::strategic_legacy(&mut into.map, patches, at.pos, &self.schema, &mut self.report);
        }
        if let Some(first) = entries.first().filter(|_| all_empty) {
            self.report.error(code::WRONG_VALUE, first.pos, "there is no patch in these strategic merge patches");
        }
    }

    /// One entry of `patches`.
    pub(super) fn patch(&mut self, into: &mut Accumulator, patch: &Patch, folder: &Folder) {
        let Some(source) = self.patch_source(patch, folder) else { return };
        if let Some(mut loaded) = self.load_patch(&source) {
            if let Loaded::Strategic(patches) = loaded {
                loaded = Loaded::Strategic(self.stamped(patches));
                self.need_schema();
            }
            patches::apply(&mut into.map, patch, loaded, &self.schema, &mut self.report);
        }
    }

    fn patch_source(&mut self, patch: &Patch, folder: &Folder) -> Option<Source> {
        let inline = patch.text.value.trim();
        let mut refuse = |message: &str| self.report.error(code::WRONG_VALUE, patch.pos, message);
        match (inline.is_empty(), patch.path.value.is_empty()) {
            (true, true) => refuse("a patch needs `path` or `patch`"),
            (false, false) => refuse("a patch has either `path` or `patch`, not both"),
            (false, true) => {
                let skipped =
                    patch.text.value.find(inline).map_or(0, |at| patch.text.value[..at].matches('\n').count());
                let pos = Pos { line: patch.text.pos.line + skipped as u32, ..patch.text.pos };
                return Some(Source { text: inline.to_owned(), file: None, pos });
            }
            (true, false) => {
                let text = self.text(folder, &patch.path)?;
                return Some(Source { text: text.text, file: Some(text.file), pos: patch.path.pos });
            }
        }
        None
    }

    /// Finds out what a patch is.
    fn load_patch(&mut self, source: &Source) -> Option<Loaded> {
        let flaws = match objects(source) {
            Ok(found) if found.resources.is_empty() => return Some(Loaded::Nothing),
            Ok(found) => {
                let has_room = self.report.meter.grow_by_aliases(found.alias_nodes, source.pos);
                return has_room.then_some(Loaded::Strategic(found.resources));
            }
            Err(flaws) => flaws,
        };
        match operations(source) {
            Ok(operations) if operations.is_empty() => Some(Loaded::Nothing),
            Ok(operations) => Some(Loaded::Json(operations)),
            Err(flaw) => {
                self.neither(source, flaws, flaw);
                None
            }
        }
    }

    /// Tells the reason that fits the form which the text seems to have.
    fn neither(&mut self, source: &Source, strategic: Vec<Flaw>, json: Flaw) {
        if source.text.trim_start().starts_with(['-', '[']) {
            return self.report.error(json.code, json.pos, format!("not a JSON patch: {}", json.message));
        }
        for flaw in strategic {
            self.report.error(flaw.code, flaw.pos, format!("not a strategic merge patch: {}", flaw.message));
        }
    }

    /// One entry of `patchesJson6902`.
    pub(super) fn json6902(&mut self, into: &mut Accumulator, patch: &Patch, folder: &Folder) {
        let Some(target) = patch.target.as_ref().filter(|target| !target.name.is_empty()) else {
            let message = "an entry of patchesJson6902 needs a target with a name";
            return self.report.error(code::WRONG_VALUE, patch.pos, message);
        };
        let Some(source) = self.patch_source(patch, folder) else { return };
        match operations(&source) {
            Ok(list) if list.is_empty() => self.report.error(code::WRONG_VALUE, source.pos, "the patch is empty"),
            Ok(list) => patches::json(&mut into.map, target, &list, false, patch.pos, &mut self.report),
            Err(flaw) => self.report.error(flaw.code, flaw.pos, format!("not a JSON patch: {}", flaw.message)),
        }
    }
}

fn objects(source: &Source) -> Result<Documents, Vec<Flaw>> {
    match read::documents(&source.text, source.file()) {
        Ok(mut found) => {
            if source.file.is_none() {
                found.resources.iter_mut().for_each(|patch| patch.shift(source.pos));
            }
            Ok(found)
        }
        Err(flaws) => Err(flaws.into_iter().map(|flaw| Flaw { pos: source.place(flaw.pos), ..flaw }).collect()),
    }
}

fn operations(source: &Source) -> Result<Vec<Operation>, Flaw> {
    let flaw = |code: u16, pos: Pos, message: String| Flaw { code, pos: source.place(pos), message };
    if source.text.is_empty() {
        return Err(Flaw::new(code::WRONG_VALUE, source.pos, "the patch is empty"));
    }
    if source.text.starts_with('[')
        && let Err(error) = serde_json::from_str::<serde_json::Value>(&source.text)
    {
        let pos = Pos { file: source.file(), line: error.line() as u32, column: error.column() as u32 };
        return Err(flaw(code::WRONG_VALUE, pos, format!("a text that begins with [ must be JSON: {error}")));
    }
    let start = Pos { file: source.file(), line: 1, column: 1 };
    let parsed = parse_first(&source.text, start, Dialect::Yaml11, Limits::default())
        .map_err(|error| flaw(code::INVALID_YAML, error.pos, format!("invalid YAML: {}", error.message)))?;
    let Some(mut first) = parsed.node else { return Ok(Vec::new()) };
    if source.file.is_none() {
        place::shift(&mut first, source.pos);
    }
    json_patch::decode(&first).map_err(|(pos, message)| Flaw { code: code::WRONG_VALUE, pos, message })
}
