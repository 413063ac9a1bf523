//! What differs between two revisions of a release, or between one and the cluster.

use std::collections::{BTreeMap, BTreeSet};

use futures::StreamExt as _;
use lucid_client::{ApiClient, Apply, Target};
use lucid_object::{Findings, Object, ObjectRef};
use lucid_plan::intent::Marks;
use lucid_plan::{FieldChange, diff, owned};
use lucid_release::names::{FIELD_MANAGER, SHARED};
use lucid_release::{Content, Record};
use serde_json::Value;

use crate::book::owners_of;
use crate::deploy::Refusal;
use crate::replace;
use crate::revisions::Shelf;
use crate::rollback;
use crate::store;
use crate::survey::{self, Server, Survey};

/// One object that is not the same on both sides.
#[derive(Debug, Clone, PartialEq)]
pub struct Difference {
    pub component: String,
    pub object: ObjectRef,
    pub what: What,
}

impl Difference {
    /// One line a field, without the values of Secrets.
    pub(crate) fn lines(&self) -> Vec<String> {
        let side = |value: &Option<Value>| match value {
            None => "(none)".to_owned(),
            Some(Value::String(text)) => text.clone(),
            Some(other) => other.to_string(),
        };
        match &self.what {
            What::Added => vec![format!("+ {}", self.object)],
            What::Removed => vec![format!("- {}", self.object)],
            What::Changed(fields) => {
                let line = |field: &FieldChange| match (&field.before, &field.after) {
                    (Some(before), Some(after)) if before == after => {
                        format!("~ {} {}: another value", self.object, field.path)
                    }
                    (before, after) => {
                        format!("~ {} {}: {} → {}", self.object, field.path, side(before), side(after))
                    }
                };
                fields.iter().map(line).collect()
            }
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub enum What {
    /// Only the second side has it.
    Added,
    /// Only the first side has it.
    Removed,
    Changed(Vec<FieldChange>),
}

/// Most objects that the server is asked about at once.
const ASKED_AT_ONCE: usize = 16;

/// The differences from one revision to another.
///
/// # Errors
/// When one of them is not there.
pub async fn revisions(shelf: &Shelf<'_>, from: u64, to: u64) -> Result<Vec<Difference>, Refusal> {
    let record = store::load(shelf.client, shelf.namespace, shelf.release).await?.record;
    Ok(contents(&content(shelf, &record, from).await?, &content(shelf, &record, to).await?))
}

/// The differences from one content to another.
pub(crate) fn contents(from: &Content, to: &Content) -> Vec<Difference> {
    let mut owners = owners_of(from);
    owners.extend(owners_of(to));
    let old: BTreeMap<ObjectRef, &Value> =
        from.objects.iter().map(|object| (object.reference(), object.value())).collect();
    let new: BTreeMap<ObjectRef, &Value> =
        to.objects.iter().map(|object| (object.reference(), object.value())).collect();
    let all: BTreeSet<&ObjectRef> = old.keys().chain(new.keys()).collect();
    all.into_iter().filter_map(|object| difference(object, &owners, old.get(object), new.get(object))).collect()
}

fn difference(
    object: &ObjectRef,
    owners: &BTreeMap<ObjectRef, String>,
    old: Option<&&Value>,
    new: Option<&&Value>,
) -> Option<Difference> {
    let what = match (old, new) {
        (Some(old), Some(new)) => What::Changed(Some(diff::fields(old, new)).filter(|fields| !fields.is_empty())?),
        (Some(_), None) => What::Removed,
        (None, _) => What::Added,
    };
    let component = owners.get(object).cloned().unwrap_or_else(|| SHARED.to_owned());
    Some(Difference { component, object: object.clone(), what })
}

async fn content(shelf: &Shelf<'_>, record: &Record, number: u64) -> Result<Content, Refusal> {
    let revision = rollback::choose(record, Some(number))?;
    Ok(shelf.load(revision.number).await?)
}

/// The differences from a revision to what is live. Fields that only the server or others set are none.
///
/// # Errors
/// When the revision is not there, or the cluster does not let us look.
pub async fn with_live(shelf: &Shelf<'_>, from: u64) -> Result<Vec<Difference>, Refusal> {
    let record = store::load(shelf.client, shelf.namespace, shelf.release).await?.record;
    let content = content(shelf, &record, from).await?;
    let server = survey::ask_server(shelf.client).await?;
    let inventory = record.may_own();
    let wishes = survey::wishes(&content.objects, &inventory, &server.resources);
    let mut survey = survey::look(shelf.client, &wishes).await?;
    let refused = crate::checks::refused(&survey);
    if !refused.is_empty() {
        return Err(Refusal::Cluster(Findings(refused)));
    }
    let secrets = content.objects.iter().filter(|object| object.kind() == "Secret").map(Object::reference);
    survey::read_whole(shelf.client, &mut survey.cache, &secrets.collect::<Vec<_>>()).await?;
    let owners = owners_of(&content);
    let marks = Marks { release: shelf.release, namespace: shelf.namespace };
    let known: BTreeSet<ObjectRef> = content.objects.iter().map(Object::reference).collect();
    let added = inventory.iter().filter(|entry| !known.contains(&entry.object));
    let is_live = |object: &ObjectRef| survey.cache.find(object).is_some_and(|live| marks.are_on(&live));
    let added = added.filter(|entry| is_live(&entry.object)).map(|entry| Difference {
        component: entry.component.clone(),
        object: entry.object.clone(),
        what: What::Added,
    });
    let side = Side { client: shelf.client, server: &server, survey: &survey, marks: marks.clone() };
    let looks = content.objects.iter().map(|object| side.compare(object, owners.get(&object.reference())));
    let changed: Vec<_> = futures::stream::iter(looks).buffered(ASKED_AT_ONCE).collect().await;
    let mut differences = Vec::new();
    for difference in changed {
        differences.extend(difference?);
    }
    differences.extend(added);
    Ok(differences)
}

struct Side<'a> {
    client: &'a ApiClient,
    server: &'a Server,
    survey: &'a Survey,
    marks: Marks<'a>,
}

impl Side<'_> {
    async fn compare(&self, object: &Object, component: Option<&String>) -> Result<Option<Difference>, Refusal> {
        let reference = object.reference();
        let difference = |what| Difference {
            component: component.cloned().unwrap_or_else(|| SHARED.to_owned()),
            object: reference.clone(),
            what,
        };
        let Some(live) = self.survey.cache.find(&reference) else { return Ok(Some(difference(What::Removed))) };
        let intent = self.marks.put_on(object, component.map(String::as_str));
        let Some(resource) = self.server.resources.get(&object.gvk()) else { return Ok(None) };
        if owned::is_unchanged(&intent, &live) {
            return Ok(None);
        }
        // With `force`, the answer is what the revision wants, whoever holds its fields by now; nothing is kept of it.
        let target = Target::new(object.gvk(), resource.plural.clone(), object.namespace());
        let apply = Apply { manager: FIELD_MANAGER, body: &intent, dry_run: true, force: true };
        let wanted = match self.client.apply(&target, object.name(), &apply).await {
            // It would have to be made anew, so that is what it is compared with.
            Err(error) if replace::is_immutable(&error, &reference).is_some() => {
                replace::try_anew(self.client, &target, &intent).await?.object
            }
            result => result?.object,
        };
        let fields = replace::fields(&reference, &wanted, &live);
        Ok((!fields.is_empty()).then(|| difference(What::Changed(fields))))
    }
}
