//! A revision: the numbered, immutable content of a release.

use std::collections::{BTreeMap, BTreeSet};

use lucid_object::{Object, ObjectSet};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::file::ReleaseFile;
use crate::pack::{BlobId, Key, Pack, PackRef};

/// What a release consists of: its file, and its manifests as they were placed in namespaces.
#[derive(Debug, Clone, Default)]
pub struct Content {
    pub release: Option<ReleaseFile>,
    pub objects: ObjectSet,
}

/// What a revision consists of, by the names of its blobs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Index {
    /// Version of this format.
    pub format: u32,
    pub number: u64,
    pub release: Place,
    pub objects: Vec<Place>,
    /// The packs that hold the blobs.
    pub packs: Vec<PackRef>,
}

/// A blob, and in which of the index's packs it is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Place(BlobId, usize);

/// An index to be written, after the pieces of the new pack that it needs.
#[derive(Debug)]
pub struct Prepared {
    pub index: Index,
    /// One name for the whole content; equal content has the same.
    pub content: String,
    pub new: Option<(PackRef, Vec<Vec<u8>>)>,
}

/// Most packs of one revision. Each deploy adds one, and an object that never changes keeps an old one alive; from here on
/// everything is packed anew, so that reading a revision takes few requests however old the release is.
pub const PACKS: usize = 16;

impl Index {
    pub const FORMAT: u32 = 1;

    /// Names the content's blobs. Those that an older revision has already are not packed again.
    pub fn prepare(number: u64, content: &Content, key: &Key, older: Option<&Index>) -> Prepared {
        let file = serde_json::to_value(&content.release).expect("a release file is plain data");
        let values = || content.objects.iter().map(Object::value).chain([&file]);
        let ids: Vec<BlobId> = values().map(|value| key.blob_id(value)).collect();
        let older = older.filter(|older| older.packs.len() < PACKS);
        let known: BTreeMap<&BlobId, &PackRef> = older.into_iter().flat_map(Index::located).collect();
        let mut pack = Pack::default();
        for (id, value) in ids.iter().zip(values()).filter(|(id, _)| !known.contains_key(id)) {
            pack.blobs.insert(id.clone(), value.clone());
        }
        let new = pack.encode(key);
        // Only packs that still hold something of this revision.
        let old_packs: BTreeSet<&PackRef> = ids.iter().filter_map(|id| known.get(id).copied()).collect();
        let packs: Vec<PackRef> = old_packs.into_iter().cloned().chain(new.iter().map(|(at, _)| at.clone())).collect();
        let place = |id: &BlobId| {
            let at = known.get(id).and_then(|pack| packs.iter().position(|other| other == *pack));
            Place(id.clone(), at.unwrap_or(packs.len().saturating_sub(1)))
        };
        let mut objects: Vec<Place> = ids.iter().map(place).collect();
        let release = objects.pop().expect("the release file is the last");
        let mut sorted: Vec<&BlobId> = ids.iter().collect();
        sorted.sort();
        let content = key.join(sorted);
        Prepared { index: Self { format: Self::FORMAT, number, release, objects, packs }, content, new }
    }

    /// The pack that holds a blob of this revision.
    pub fn find(&self, blob: &str) -> Option<&PackRef> {
        self.located().find(|(id, _)| id.is(blob)).map(|(_, pack)| pack)
    }

    fn located(&self) -> impl Iterator<Item = (&BlobId, &PackRef)> {
        let places = self.objects.iter().chain([&self.release]);
        places.filter_map(|Place(id, pack)| Some((id, self.packs.get(*pack)?)))
    }

    /// Puts the content together from its packs.
    ///
    /// # Errors
    /// Names what is missing.
    pub fn assemble(&self, packs: Vec<Pack>) -> Result<Content, String> {
        let blobs: BTreeMap<BlobId, Value> = packs.into_iter().flat_map(|pack| pack.blobs).collect();
        let find = |id: &BlobId| {
            blobs.get(id).cloned().ok_or_else(|| format!("revision {} is damaged: a part of it is gone", self.number))
        };
        let objects =
            self.objects.iter().map(|place| find(&place.0).map(Object::new)).collect::<Result<Vec<_>, _>>()?;
        let release = serde_json::from_value(find(&self.release.0)?)
            .map_err(|error| format!("read the release file of revision {}: {error}", self.number))?;
        Ok(Content { release, objects: ObjectSet::new(objects) })
    }

    pub fn encode(&self) -> Vec<u8> {
        let json = serde_json::to_vec(self).expect("an index is plain data");
        zstd::bulk::compress(&json, 9).expect("compression into memory cannot fail")
    }

    /// # Errors
    /// Says why the bytes are not an index that this version can read.
    pub fn decode(bytes: &[u8]) -> Result<Self, String> {
        const LIMIT: usize = 64 << 20;
        let json = zstd::bulk::decompress(bytes, LIMIT).map_err(|error| format!("decompress a revision: {error}"))?;
        let index: Self = serde_json::from_slice(&json).map_err(|error| format!("read a revision: {error}"))?;
        match index.format > Self::FORMAT {
            true => {
                Err(format!("revision {} has format {}, newer than this program knows", index.number, index.format))
            }
            false => Ok(index),
        }
    }
}

impl Content {
    /// This content with one part of it replaced: the objects and the entries in the release file of some components,
    /// and what belongs to none where it is new.
    pub fn with_components(
        &self,
        newer: &Content,
        names: &BTreeSet<String>,
        component_of: &dyn Fn(&Object) -> Option<String>,
    ) -> Content {
        let is_replaced = |object: &Object| component_of(object).is_some_and(|name| names.contains(&name));
        let mut objects: Vec<Object> = self.objects.iter().filter(|object| !is_replaced(object)).cloned().collect();
        let kept: BTreeSet<_> = objects.iter().map(Object::reference).collect();
        let is_new = |object: &&Object| {
            is_replaced(object) || (component_of(object).is_none() && !kept.contains(&object.reference()))
        };
        objects.extend(newer.objects.iter().filter(is_new).cloned());
        let mut release = newer.release.clone();
        if let Some(release) = &mut release {
            let older: BTreeSet<&str> =
                self.release.iter().flat_map(|file| &file.spec.components).map(|c| c.name.as_str()).collect();
            release.spec.components.retain(|c| names.contains(&c.name) || older.contains(c.name.as_str()));
            let left: BTreeSet<String> = release.spec.components.iter().map(|c| c.name.clone()).collect();
            for component in &mut release.spec.components {
                if let Some(needs) = &mut component.needs {
                    needs.retain(|need| left.contains(need));
                }
            }
        }
        Content { release, objects: ObjectSet::new(objects) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn key() -> Key {
        Key::new(vec![1; 32])
    }

    fn content(values: &[(&str, i64)]) -> Content {
        let object = |(name, value): &(&str, i64)| {
            Object::new(
                json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": {"v": value.to_string()}}),
            )
        };
        Content { release: None, objects: ObjectSet::new(values.iter().map(object).collect()) }
    }

    fn packs(prepared: &[&Prepared]) -> Vec<Pack> {
        let pieces = prepared.iter().filter_map(|prepared| prepared.new.as_ref());
        pieces.map(|(_, pieces)| Pack::decode(pieces).unwrap()).collect()
    }

    fn plain(content: &Content) -> Vec<Value> {
        content.objects.iter().map(|object| object.value().clone()).collect()
    }

    #[test]
    fn only_what_is_new_is_packed_and_everything_comes_back() {
        let one = Index::prepare(1, &content(&[("a", 1), ("b", 1)]), &key(), None);
        assert_eq!(packs(&[&one])[0].blobs.len(), 3, "two objects and the release file");
        let second = content(&[("a", 1), ("b", 2)]);
        let two = Index::prepare(2, &second, &key(), Some(&one.index));
        assert_eq!(packs(&[&two])[0].blobs.len(), 1);
        let index = Index::decode(&two.index.encode()).unwrap();
        assert_eq!(index.packs.len(), 2);
        let back = index.assemble(packs(&[&one, &two])).unwrap();
        assert_eq!(plain(&back), plain(&second));
        assert!(index.assemble(packs(&[&one])).unwrap_err().contains("damaged"));
        let again = Index::prepare(3, &second, &key(), Some(&index));
        assert!(again.new.is_none(), "nothing new, nothing to write");
        assert_eq!(again.content, two.content);
    }

    #[test]
    fn a_pack_that_holds_nothing_of_a_revision_is_let_go() {
        let one = Index::prepare(1, &content(&[("a", 1)]), &key(), None);
        let mut file_in_both = content(&[("a", 2)]);
        file_in_both.release = Some(
            serde_json::from_value(json!({"apiVersion": "lucid.dev/v1alpha1", "kind": "Release",
            "metadata": {"name": "shop"}, "spec": {"namespace": "n"}}))
            .unwrap(),
        );
        let two = Index::prepare(2, &file_in_both, &key(), Some(&one.index));
        assert_eq!(two.index.packs.len(), 1);
        assert_ne!(two.index.packs, one.index.packs);
        assert_eq!(plain(&two.index.assemble(packs(&[&two])).unwrap()), plain(&file_in_both));
    }

    #[test]
    fn equal_content_has_one_name_in_any_order() {
        let name = |values: &[(&str, i64)]| Index::prepare(1, &content(values), &key(), None).content;
        assert_eq!(name(&[("a", 1), ("b", 1)]), name(&[("b", 1), ("a", 1)]));
        assert_ne!(name(&[("a", 1)]), name(&[("a", 2)]));
    }

    #[test]
    fn a_thousand_workloads_and_fifty_revisions_fit() {
        let object = |n: usize, value: usize| {
            let spec = json!({"replicas": 2, "template": {"spec": {"containers": [{"name": "main", "image": format!("registry.test/app-{n}:{value}"),
                "env": [{"name": "A", "value": format!("{n}")}], "ports": [{"containerPort": 8080}]}]}}});
            Object::new(
                json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": format!("app-{n}"), "namespace": "n"}, "spec": spec}),
            )
        };
        let (mut older, mut bytes, mut secrets) = (None, 0, 0);
        for number in 1..=50_usize {
            let objects = (0..3_000).map(|n| object(n, if n % 50 == number % 50 { number } else { 0 })).collect();
            let content = Content { release: None, objects: ObjectSet::new(objects) };
            let prepared = Index::prepare(number as u64, &content, &key(), older.as_ref());
            let size = prepared.index.encode().len();
            assert!(size < crate::pack::PIECE, "an index of {size} bytes fits into one Secret");
            let requests = 1 + prepared.index.packs.iter().map(|pack| pack.pieces).sum::<usize>();
            assert!(requests <= 1 + 2 * PACKS, "revision {number} takes {requests} requests to read");
            let pieces = prepared.new.map_or_else(Vec::new, |(_, pieces)| pieces);
            secrets += 1 + pieces.len();
            bytes += size + pieces.iter().map(Vec::len).sum::<usize>();
            older = Some(prepared.index);
        }
        assert!(bytes < 8 << 20, "fifty revisions take {bytes} bytes");
        assert!(secrets <= 110, "fifty revisions take {secrets} Secrets");
    }

    #[test]
    fn one_component_replaced_leaves_the_rest_as_it_was() {
        let owner = |object: &Object| (object.name() != "shared").then(|| object.name().to_owned());
        let older = content(&[("shared", 1), ("a", 1), ("b", 1)]);
        let newer = content(&[("shared", 2), ("a", 2), ("b", 2)]);
        let both = older.with_components(&newer, &BTreeSet::from(["a".to_owned()]), &owner);
        let mut objects = plain(&both);
        objects.sort_by_key(|value| value["metadata"]["name"].to_string());
        assert_eq!(objects, plain(&content(&[("a", 2), ("b", 1), ("shared", 1)])));
    }
}
