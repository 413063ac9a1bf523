//! Resources in order, with lookups that do not scan.

use std::collections::{HashMap, HashSet};

use lucid_object::yaml::Text;

use crate::report::{Report, code};
use crate::resource::{Behavior, Id, Resource};

/// Resources in the order in which they were read or made.
#[derive(Debug, Default)]
pub(crate) struct ResMap {
    list: Vec<Resource>,
    /// Identities of `list`; absent after anything that may have renamed.
    ids: Option<HashSet<Id>>,
    /// Indices by kind and name, current and previous ones.
    names: Option<Names>,
    /// Set where identities may have changed without a check.
    unchecked: bool,
}

type Names = HashMap<(Text, Text), Vec<usize>>;

/// Notes a resource under every kind and name that it has or had.
fn add_names(names: &mut Names, index: usize, resource: &Resource) {
    let mut add = |kind: &str, name: &str| {
        let indices = names.entry((Text::new(kind), Text::new(name))).or_default();
        if indices.last() != Some(&index) {
            indices.push(index);
        }
    };
    add(resource.kind(), resource.name());
    resource.previous.iter().for_each(|previous| add(&previous.kind, &previous.name));
}

impl ResMap {
    pub(crate) fn list(&self) -> &[Resource] {
        &self.list
    }

    /// Access for transformers that neither rename nor change kinds.
    pub(crate) fn list_mut(&mut self) -> &mut [Resource] {
        &mut self.list
    }

    /// Access for everything else.
    pub(crate) fn renaming(&mut self) -> &mut Vec<Resource> {
        self.ids = None;
        self.names = None;
        self.unchecked = true;
        &mut self.list
    }

    pub(crate) fn into_list(self) -> Vec<Resource> {
        self.list
    }

    /// Appends; an identity that is there already is an error.
    pub(crate) fn append(&mut self, resource: Resource, report: &mut Report) {
        let ids = self.ids.get_or_insert_with(|| self.list.iter().map(Resource::id).collect());
        if ids.insert(resource.id()) {
            if let Some(names) = &mut self.names {
                add_names(names, self.list.len(), &resource);
            }
            self.list.push(resource);
            return;
        }
        self.report_duplicate(&resource, report);
    }

    fn report_duplicate(&self, resource: &Resource, report: &mut Report) {
        let id = resource.id();
        let first = self.list.iter().find(|known| known.id() == id).map(|known| report.files.position(known.pos()));
        let place = first.flatten().map_or(String::new(), |position| format!("; the other is at {position}"));
        report.error_help(
            code::DUPLICATE_OBJECT,
            resource.pos(),
            format!("{id} is in the build twice{place}"),
            "remove one of the two, or give them different names or namespaces",
        );
    }

    pub(crate) fn append_all(&mut self, resources: impl IntoIterator<Item = Resource>, report: &mut Report) {
        for resource in resources {
            self.append(resource, report);
        }
    }

    /// Checks all identities anew, as kustomize does where a list is taken apart and put together.
    pub(crate) fn recheck(&mut self, report: &mut Report) {
        if self.unchecked {
            let list = std::mem::take(self.renaming());
            self.ids = Some(HashSet::with_capacity(list.len()));
            self.append_all(list, report);
            self.unchecked = false;
        }
    }

    /// Indices of the resources that have this identity or ever had it.
    pub(crate) fn find(&mut self, id: &Id) -> Vec<usize> {
        let list = &self.list;
        let names = self.names.get_or_insert_with(|| {
            let mut names = HashMap::with_capacity(list.len());
            list.iter().enumerate().for_each(|(index, resource)| add_names(&mut names, index, resource));
            names
        });
        let near = names.get(&(id.kind.clone(), id.name.clone())).map(Vec::as_slice).unwrap_or_default();
        near.iter().copied().filter(|&index| list[index].ever_was(id)).collect()
    }

    /// Adds a generated resource, or folds it into the one it belongs to.
    pub(crate) fn absorb(&mut self, resource: Resource, report: &mut Report) {
        let id = resource.id();
        let found = self.find(&id);
        match (found.as_slice(), resource.behavior) {
            ([], Behavior::Merge | Behavior::Replace) => report.error_help(
                code::GENERATOR,
                resource.pos(),
                format!("{id} does not exist, so there is nothing to merge with or to replace"),
                "leave out `behavior`, or check name and namespace",
            ),
            ([], _) => self.append(resource, report),
            ([index], Behavior::Merge | Behavior::Replace) => {
                let index = *index;
                let old = &self.list[index];
                let merged = crate::generate::absorb(old, resource, report);
                self.names = None;
                self.list[index] = merged;
            }
            ([index], _) => {
                let place = report.files.position(self.list[*index].pos());
                let place = place.map_or(String::new(), |position| format!(" at {position}"));
                report.error_help(
                    code::GENERATOR,
                    resource.pos(),
                    format!("{id} exists already{place}"),
                    "set `behavior: merge` or `behavior: replace`, or choose another name",
                );
            }
            _ => report.error(code::GENERATOR, resource.pos(), format!("{id} could be merged into several objects")),
        }
    }
}
