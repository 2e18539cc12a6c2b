//! What all sections of a document share: exporting resources by name, and planning their creation, change and deletion.

use std::collections::{BTreeMap, BTreeSet};

use futures::{FutureExt as _, TryFutureExt as _};
use ig_core::fault::Faults;
use ig_core::id::OrgId;
use ig_store::Page;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::super::creation_stamp;
use super::super::resource::{self, Resource};
use super::step::Step;
use crate::document::{PlannedChange, Renderings, Secrets, differences, restore_secrets, strip_managed_fields, to_json};
use crate::error::{ApiError, ErrorCode};
use crate::gateway::Gateway;
use crate::if_match::IfMatch;
use ig_documents::restore_masks;

const PAGE_SIZE: u32 = 500;

/// A kind of configuration that makes up one section of the document.
pub(super) trait Kind: Resource {
    /// The section's name in the document.
    const SECTION: &'static str;
    /// The field that identifies a resource within the document.
    const KEY: &'static str;
}

/// All of an organisation's resources of a kind, or an error: an unreadable one would pass for a missing one.
async fn all<K: Kind>(gateway: &Gateway, org: OrgId) -> Result<Vec<K>, ApiError> {
    let (stored, filter) = (gateway.store().configured::<K::Document>(), Default::default());
    let mut all = Vec::new();
    let mut page = Page::first(PAGE_SIZE);
    loop {
        let listed = stored.list(org, &filter, page).await?;
        let is_last = listed.items.len() < PAGE_SIZE as usize;
        for found in listed.items {
            all.push(resource::readable(found)?);
        }
        if is_last {
            return Ok(all);
        }
        page.number += 1;
    }
}

/// The section of an export.
pub(super) async fn export<K: Kind>(gateway: &Gateway, org: OrgId) -> Result<Vec<K::Document>, ApiError> {
    let all = all::<K>(gateway, org).await?;
    let declared = all.into_iter().map(|stored| {
        let masked = to_json(&stored.into_document(Secrets::Masked)?)?;
        serde_json::from_value(strip_managed_fields(masked, org)).map_err(|error| {
            tracing::error!(%error, part = K::SECTION, "what is stored cannot be exported");
            ApiError::internal()
        })
    });
    declared.collect()
}

/// The changes of one section.
pub(super) struct PlannedSection<'a> {
    pub faults: Faults,
    pub steps: Vec<Step<'a>>,
    pub unchanged: u64,
}

/// Plans a section: compares the document with what is stored.
pub(super) async fn plan<K: Kind>(
    gateway: &Gateway,
    org: OrgId,
    documents: Vec<K::Document>,
    prune: bool,
) -> Result<PlannedSection<'_>, ApiError> {
    let mut planned = PlannedSection {
        faults: Faults::default(),
        steps: Vec::new(),
        unchanged: 0,
    };
    let (mut existing, ambiguous) = by_name(all::<K>(gateway, org).await?)?;
    let mut names = BTreeSet::new();
    for (at, document) in documents.into_iter().enumerate() {
        let value = to_json(&document)?;
        let name = value.get(K::KEY).and_then(Value::as_str).unwrap_or_default().to_owned();
        let pointer = format!("/{at}/{}", K::KEY);
        if name.is_empty() {
            planned.faults.add(pointer, "is required: it is what the thing is known by");
        } else if ambiguous.contains(&name) {
            planned.faults.add(
                pointer,
                "is the name of several that exist: give them names of their own first",
            );
        } else if !names.insert(name.clone()) {
            planned.faults.add(pointer, "stands in the document twice");
        } else {
            let stored = existing.remove(&name);
            match plan_resource::<K>(gateway, org, name, stored, value).await {
                Ok(Some(step)) => planned.steps.push(step),
                Ok(None) => planned.unchanged += 1,
                Err(error) => planned.faults.add_below(&format!("/{at}"), faults_of(error)?),
            }
        }
    }
    if prune {
        let deletions = existing
            .into_iter()
            .map(|(name, stored)| deletion::<K>(gateway, org, name, &stored));
        planned.steps.extend(deletions);
    }
    Ok(planned)
}

type ByName<K> = (BTreeMap<String, K>, BTreeSet<String>);

fn by_name<K: Kind>(all: Vec<K>) -> Result<ByName<K>, ApiError> {
    let (mut existing, mut ambiguous) = (BTreeMap::new(), BTreeSet::new());
    for stored in all {
        let document = to_json(&stored.clone().into_document(Secrets::Kept)?)?;
        let name = document.get(K::KEY).and_then(Value::as_str).unwrap_or_default().to_owned();
        if existing.insert(name.clone(), stored).is_some() {
            ambiguous.insert(name);
        }
    }
    // A shared name does not say which of its resources the document omits, so none of them is deleted.
    existing.retain(|name, _| !ambiguous.contains(name));
    Ok((existing, ambiguous))
}

async fn plan_resource<K: Kind>(
    gateway: &Gateway,
    org: OrgId,
    name: String,
    stored: Option<K>,
    value: Value,
) -> Result<Option<Step<'_>>, ApiError> {
    let Some(stored) = stored else {
        let document: K::Document = crate::body::document(restore_masks(value, None))?;
        check::<K>(gateway, org, None, document.clone()).await?;
        let digest = digest("CREATE", K::SECTION, &name, 0, &to_json(&document)?);
        let change = change("CREATE", K::SECTION, name, None);
        let apply = resource::create::<K>(gateway, org, document).map_ok(drop).boxed();
        return Ok(Some(Step { change, digest, apply }));
    };
    let before = to_json(&stored.clone().into_document(Secrets::Kept)?)?;
    let value = restore_secrets::<K::Document>(&before, value)?;
    let document: K::Document = crate::body::document(keep_signing_secrets(value, &before))?;
    let checked = check::<K>(gateway, org, Some(&stored), document.clone()).await?;
    let renderings = |full: Value, masked: Value| Renderings {
        full: strip_managed_fields(full, org),
        masked: strip_managed_fields(masked, org),
    };
    let before = renderings(before, to_json(&stored.clone().into_document(Secrets::Masked)?)?);
    let after = to_json(&checked.clone().into_document(Secrets::Kept)?)?;
    let after = renderings(after, to_json(&checked.into_document(Secrets::Masked)?)?);
    let found = differences(Some(&before), Some(&after));
    if found.is_empty() {
        return Ok(None);
    }
    let (id, revision) = (stored.id().to_string(), stored.revision());
    let digest = digest("UPDATE", K::SECTION, &name, revision, &to_json(&document)?);
    let change = PlannedChange {
        differences: found,
        ..change("UPDATE", K::SECTION, name, Some(id))
    };
    let apply = resource::replace(gateway, stored, document, IfMatch::ANY)
        .map_ok(drop)
        .boxed();
    Ok(Some(Step { change, digest, apply }))
}

fn deletion<'a, K: Kind>(gateway: &'a Gateway, org: OrgId, name: String, stored: &K) -> Step<'a> {
    let (id, revision) = (stored.id(), stored.revision());
    let if_match = IfMatch::revision(revision);
    Step {
        digest: digest("DELETE", K::SECTION, &name, revision, &Value::Null),
        change: change("DELETE", K::SECTION, name, Some(id.to_string())),
        apply: resource::delete::<K>(gateway, org, id, if_match).boxed(),
    }
}

fn change(action: &'static str, kind: &'static str, name: String, id: Option<String>) -> PlannedChange {
    PlannedChange {
        action,
        kind,
        name,
        id,
        differences: Vec::new(),
    }
}

fn digest(action: &str, part: &str, name: &str, revision: u64, document: &Value) -> Vec<u8> {
    let whole = serde_json::json!([action, part, name, revision, document]);
    Sha256::digest(whole.to_string()).to_vec()
}

/// Enabled signing without secrets keeps the stored ones: a document describes a state, and does not ask for new secrets.
fn keep_signing_secrets(mut document: Value, before: &Value) -> Value {
    let is_on = document.pointer("/signing/enabled") == Some(&Value::Bool(true));
    let names_some = document.pointer("/signing/secrets").is_some_and(|secrets| !secrets.is_null());
    if let (true, false, Some(secrets)) = (is_on, names_some, before.pointer("/signing/secrets"))
        && let Some(signing) = document.get_mut("signing").and_then(Value::as_object_mut)
    {
        signing.insert("secrets".to_owned(), secrets.clone());
    }
    document
}

/// The resource that a document describes, checked as it would be stored; `stored` is the resource that it replaces.
async fn check<K: Kind>(gateway: &Gateway, org: OrgId, stored: Option<&K>, document: K::Document) -> Result<K, ApiError> {
    let stamp = creation_stamp();
    let id = match stored {
        Some(stored) => stored.id(),
        None => K::new_id(&document, stamp.created_at)?,
    };
    let resource = K::from_document(document, org, id, stamp)?;
    resource.check(gateway).await?;
    Ok(resource)
}

/// The faults of one resource. Any other error is the gateway's own and passes through.
fn faults_of(error: ApiError) -> Result<Faults, ApiError> {
    if error.code != ErrorCode::ValidationError {
        return Err(error);
    }
    let mut faults = Faults::default();
    for detail in error.details {
        faults.add(detail.pointer.unwrap_or_default(), detail.message);
    }
    Ok(faults)
}
