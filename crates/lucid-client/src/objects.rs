//! Reading and writing objects.

use http::Method;
use serde_json::{Value, json};

use crate::error::{Error, Result};
use crate::page;
use crate::request::{ApiClient, Call, no_json};
use crate::target::Target;

/// How much of each object a LIST or WATCH returns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ListKind {
    Full,
    /// Metadata only: for Secrets, whose values are nobody's business.
    Metadata,
}

impl ListKind {
    pub(crate) fn accept(self) -> &'static str {
        match self {
            Self::Full => "application/json",
            Self::Metadata => "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1",
        }
    }

    pub(crate) fn watch_accept(self) -> &'static str {
        match self {
            Self::Full => "application/json",
            Self::Metadata => "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1",
        }
    }
}

/// The objects of one LIST, and the version to watch from.
#[derive(Debug, Clone)]
pub struct Listed {
    pub items: Vec<Value>,
    pub resource_version: String,
}

/// One server-side apply.
#[derive(Debug, Clone)]
pub struct Apply<'a> {
    pub manager: &'a str,
    pub body: &'a Value,
    pub dry_run: bool,
    /// Take fields from other managers.
    pub force: bool,
}

/// What the server made of a write, and what it warned about.
#[derive(Debug, Clone)]
pub struct Written {
    pub object: Value,
    pub warnings: Vec<String>,
}

/// Decides what is kept of an object that a LIST returns.
pub type Keep<'a> = &'a mut (dyn FnMut(Value) -> Option<Value> + Send);

const PAGE: usize = 1000;
/// Where memory counts for more than the number of requests.
const SMALL_PAGE: usize = 500;

/// Which object a deletion means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Precondition<'a> {
    pub uid: &'a str,
    /// Only as long as it has this version.
    pub version: Option<&'a str>,
}

/// What becomes of what a deleted object owns, and of its own time to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Manner {
    /// Gone at once; what it owns follows.
    Background,
    /// Gone when everything that it owns is gone.
    Foreground,
    /// Gone at once, without a grace period; what it owns follows.
    Force,
    /// Gone when what it owns has been let go; that stays.
    Orphan,
}

impl ApiClient {
    /// # Errors
    /// 404 when it is not there.
    pub async fn get(&self, target: &Target, name: &str) -> Result<Value> {
        let doing = format!("get {} {name}", target.gvk.kind);
        Ok(self.call(&Call::get(target.object_path(name), doing)).await?.value)
    }

    /// All objects of a kind, in pages; each with `apiVersion` and `kind`, which lists leave out.
    ///
    /// # Errors
    /// When a page cannot be had; an expired continuation starts again once.
    pub async fn list(&self, target: &Target, kind: ListKind) -> Result<Listed> {
        match self.list_pages(target, kind).await {
            Err(error) if error.is_gone() => self.list_pages(target, kind).await,
            result => result,
        }
    }

    /// As [`Self::list`], and keeps of each object, as it arrives, only what `keep` leaves of it: a page of objects is all
    /// that is ever held whole.
    ///
    /// # Errors
    /// As [`Self::list`]; then `keep` may have seen objects twice.
    pub async fn list_keeping(&self, target: &Target, kind: ListKind, keep: Keep<'_>) -> Result<Listed> {
        match self.pages(target, kind, SMALL_PAGE, keep).await {
            Err(error) if error.is_gone() => self.pages(target, kind, SMALL_PAGE, keep).await,
            result => result,
        }
    }

    async fn list_pages(&self, target: &Target, kind: ListKind) -> Result<Listed> {
        self.pages(target, kind, PAGE, &mut Some).await
    }

    async fn pages(&self, target: &Target, kind: ListKind, size: usize, keep: Keep<'_>) -> Result<Listed> {
        let mut items = Vec::new();
        let mut next = String::new();
        loop {
            let mut call = Call { accept: kind.accept(), ..Call::get(target.path(), doing_list(target)) };
            call.query.push(("limit", size.to_string()));
            if !next.is_empty() {
                call.query.push(("continue", next));
            }
            let (bytes, _) = self.call_unread(&call).await?;
            let mut take = |item: Value| items.extend(keep(typed(item, target)));
            let page = page::read(&bytes, &mut take).map_err(|error| no_json(&call, &error))?;
            next = page.next;
            if next.is_empty() {
                return Ok(Listed { items, resource_version: page.resource_version });
            }
        }
    }

    /// # Errors
    /// 409 names the fields that other managers own.
    pub async fn apply(&self, target: &Target, name: &str, apply: &Apply<'_>) -> Result<Written> {
        let doing = format!("apply {} {name}", target.gvk.kind);
        let mut call = Call::with_body(Method::PATCH, target.object_path(name), apply.body, doing);
        call.content_type = "application/apply-patch+yaml";
        // The same intent twice is the same as once.
        call.is_idempotent = true;
        call.query = vec![("fieldManager", apply.manager.to_owned()), ("fieldValidation", "Strict".to_owned())];
        if apply.force {
            call.query.push(("force", "true".to_owned()));
        }
        if apply.dry_run {
            call.query.push(("dryRun", "All".to_owned()));
        }
        let answer = self.call(&call).await?;
        Ok(Written { object: answer.value, warnings: answer.warnings })
    }

    /// # Errors
    /// 409 when it exists.
    pub async fn create(&self, target: &Target, body: &Value, manager: &str) -> Result<Value> {
        let mut call = Call::with_body(Method::POST, target.path(), body, format!("create {}", target.gvk.kind));
        call.query = vec![("fieldManager", manager.to_owned())];
        Ok(self.call(&call).await?.value)
    }

    /// What would come of creating this, without keeping it.
    ///
    /// # Errors
    /// As [`Self::create`], and whatever admission has against it.
    pub async fn try_create(&self, target: &Target, body: &Value) -> Result<Written> {
        let doing = format!("try a {}", target.gvk.kind);
        let mut call = Call::with_body(Method::POST, target.path(), body, doing);
        call.query = vec![("dryRun", "All".to_owned())];
        call.is_idempotent = true;
        let answer = self.call(&call).await?;
        Ok(Written { object: answer.value, warnings: answer.warnings })
    }

    /// Replaces an object; with a `resourceVersion` in the body, only that version of it.
    ///
    /// # Errors
    /// 409 when it has moved on.
    pub async fn replace(&self, target: &Target, name: &str, body: &Value, manager: &str) -> Result<Value> {
        let doing = format!("replace {} {name}", target.gvk.kind);
        let mut call = Call::with_body(Method::PUT, target.object_path(name), body, doing);
        call.query = vec![("fieldManager", manager.to_owned())];
        Ok(self.call(&call).await?.value)
    }

    /// Deletes exactly the object with this uid. Not being there is success.
    ///
    /// # Errors
    /// 409 when another object has the name now.
    pub async fn delete(&self, target: &Target, name: &str, uid: &str) -> Result<()> {
        self.delete_as(target, name, &Precondition { uid, version: None }, Manner::Background).await
    }

    /// As [`Self::delete`], and says what becomes of what it owns.
    ///
    /// # Errors
    /// 409 when another object has the name now, or it has moved on.
    pub async fn delete_as(&self, target: &Target, name: &str, only: &Precondition<'_>, manner: Manner) -> Result<()> {
        let mut body = json!({"apiVersion": "v1", "kind": "DeleteOptions", "preconditions": {"uid": only.uid}});
        if let Some(version) = only.version {
            body["preconditions"]["resourceVersion"] = version.into();
        }
        match manner {
            Manner::Background => body["propagationPolicy"] = "Background".into(),
            Manner::Foreground => body["propagationPolicy"] = "Foreground".into(),
            Manner::Orphan => body["propagationPolicy"] = "Orphan".into(),
            Manner::Force => {
                body["propagationPolicy"] = "Background".into();
                body["gracePeriodSeconds"] = 0.into();
            }
        }
        let doing = format!("delete {} {name}", target.gvk.kind);
        let mut call = Call::with_body(Method::DELETE, target.object_path(name), &body, doing);
        call.is_idempotent = true;
        match self.call(&call).await {
            Err(error) if !error.is_not_found() => Err(error),
            _ => Ok(()),
        }
    }
}

pub(crate) fn doing_list(target: &Target) -> String {
    match &target.namespace {
        Some(namespace) => format!("list {} in {namespace}", target.plural),
        None => format!("list {}", target.plural),
    }
}

/// Items of a list carry no type of their own, and metadata-only ones the wrong one.
pub(crate) fn typed(mut item: Value, target: &Target) -> Value {
    if let Some(object) = item.as_object_mut() {
        object.insert("apiVersion".into(), target.gvk.api_version().into());
        object.insert("kind".into(), target.gvk.kind.clone().into());
    }
    item
}

impl From<serde_json::Error> for Error {
    fn from(error: serde_json::Error) -> Self {
        Self::Answer { doing: "read an answer".into(), cause: error.to_string() }
    }
}
