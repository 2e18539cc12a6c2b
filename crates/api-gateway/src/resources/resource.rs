//! The operations that every kind of configuration shares.
//!
//! A kind implements [`Resource`] in its own file, which holds what is specific to it. Creating, reading, replacing, patching,
//! deleting, restoring and rolling back build on that, for the HTTP handlers, history, templates and bundles alike.

use http::StatusCode;
use ig_core::clock::Timestamp;
use ig_core::fault::Faults;
use ig_core::id::OrgId;
use ig_documents::{ConfigurationItem, ResourceDocument as _};
use ig_store::{Expected, MaybeReadable, StoredDocument, Unreadable};

use super::{creation_stamp, update_stamp};
use crate::body::{JsonBody, Validated};
use crate::document::{Compilers, Secrets, Stamp, merge_patch, merge_put};
use crate::error::ApiError;
use crate::gateway::Gateway;
use crate::if_match::IfMatch;
use crate::resource_response::ResourceResponse;

/// One kind of configuration.
pub(crate) trait Resource: ConfigurationItem {
    /// The document that clients send and read.
    type Document: StoredDocument<Item = Self> + Validated + Clone + Send + Sync;

    /// The kind's name in errors.
    const NAME: &'static str;
    /// Whether the history can restore a deleted resource.
    const IS_RESTORABLE: bool = true;

    /// Parses the identifier in a path; a malformed identifier is not found.
    fn parse_id(text: &str) -> Result<Self::Id, ApiError>;

    /// The resource's document, with its secrets rendered as `secrets` says.
    fn into_document(self, secrets: Secrets) -> Result<Self::Document, ApiError> {
        let document = Self::Document::from_item(self).map_err(|faults| {
            tracing::error!(%faults, "a stored {} cannot be shown", Self::NAME);
            ApiError::internal()
        })?;
        Ok(document.masked(secrets))
    }

    /// The identifier for a new document.
    fn new_id(document: &Self::Document, now: Timestamp) -> Result<Self::Id, ApiError>;

    /// Validates a document by itself. The error lists every fault by JSON pointer.
    fn from_document(document: Self::Document, org: OrgId, id: Self::Id, stamp: Stamp) -> Result<Self, Faults> {
        document.into_item(org, id, stamp, &Compilers)
    }

    /// Checks the addresses, units, scripts and schemas, which a document alone cannot validate.
    fn check(&self, _gateway: &Gateway) -> impl Future<Output = Result<(), ApiError>> + Send {
        async { Ok(()) }
    }

    /// Checks that the organisation may have one more resource of this kind.
    fn check_room(_gateway: &Gateway, _org: OrgId) -> impl Future<Output = Result<(), ApiError>> + Send {
        async { Ok(()) }
    }

    /// Checks that no other resource needs this one.
    fn check_unused(_gateway: &Gateway, _org: OrgId, _id: &Self::Id) -> impl Future<Output = Result<(), ApiError>> + Send {
        async { Ok(()) }
    }

    /// Cleans up after a deletion.
    fn after_deletion(_gateway: &Gateway, _org: OrgId, _id: &Self::Id) -> impl Future<Output = ()> + Send {
        async {}
    }
}

/// Finds a resource, readable or not.
async fn find<R: Resource>(gateway: &Gateway, org: OrgId, id: &R::Id) -> Result<Option<MaybeReadable<R>>, ApiError> {
    Ok(gateway.store().configured::<R::Document>().find(org, id).await?)
}

/// Finds a resource that must exist, readable or not.
async fn found<R: Resource>(gateway: &Gateway, org: OrgId, id: &R::Id) -> Result<MaybeReadable<R>, ApiError> {
    find(gateway, org, id).await?.ok_or_else(|| ApiError::not_found(R::NAME))
}

/// The resource, or an error for an unreadable one: it would pass for a missing one, and a change of a part would lose the rest.
pub(super) fn readable<R: Resource>(found: MaybeReadable<R>) -> Result<R, ApiError> {
    match found {
        MaybeReadable::Readable(stored) => Ok(stored),
        MaybeReadable::Unreadable(stored) => Err(ApiError::unreadable(R::NAME, &stored)),
    }
}

/// Reads a resource.
pub(crate) async fn get<R: Resource>(gateway: &Gateway, org: OrgId, id: &R::Id) -> Result<R, ApiError> {
    readable(found(gateway, org, id).await?)
}

/// Reads a resource that may not exist.
pub(crate) async fn get_existing<R: Resource>(gateway: &Gateway, org: OrgId, id: &R::Id) -> Result<Option<R>, ApiError> {
    find(gateway, org, id).await?.map(readable).transpose()
}

/// Creates a resource.
pub(crate) async fn create<R: Resource>(gateway: &Gateway, org: OrgId, document: R::Document) -> Result<R, ApiError> {
    R::check_room(gateway, org).await?;
    let stamp = creation_stamp();
    let id = R::new_id(&document, stamp.created_at)?;
    let resource = R::from_document(document, org, id, stamp)?;
    checked_commit(gateway, resource, Expected::New).await
}

/// Replaces a resource with what a document says.
pub(crate) async fn replace<R: Resource>(
    gateway: &Gateway,
    stored: R,
    mut document: R::Document,
    seen: IfMatch,
) -> Result<R, ApiError> {
    let expected = seen.against(*document.revision(), stored.revision())?;
    let resource = R::from_document(
        document,
        stored.org_id(),
        stored.id(),
        update_stamp(stored.stamp().created_at),
    )?;
    checked_commit(gateway, resource.succeeding(&stored), expected).await
}

/// Replaces an unreadable resource with a new one.
async fn replace_unreadable<R: Resource>(
    gateway: &Gateway,
    (org, id): (OrgId, R::Id),
    stored: &Unreadable,
    mut document: R::Document,
    seen: IfMatch,
) -> Result<R, ApiError> {
    let expected = seen.against(*document.revision(), stored.revision)?;
    let resource = R::from_document(document, org, id, update_stamp(stored.created_at))?;
    checked_commit(gateway, resource, expected).await
}

/// Deletes a resource, readable or not.
pub(crate) async fn delete<R: Resource>(gateway: &Gateway, org: OrgId, id: R::Id, seen: IfMatch) -> Result<(), ApiError> {
    let revision = match found::<R>(gateway, org, &id).await? {
        MaybeReadable::Readable(stored) => stored.revision(),
        MaybeReadable::Unreadable(stored) => stored.revision,
    };
    let expected = seen.against(None, revision)?;
    R::check_unused(gateway, org, &id).await?;
    gateway.commit(R::deletion(org, id.clone()), expected).await?;
    R::after_deletion(gateway, org, &id).await;
    Ok(())
}

/// Rolls a resource back to an earlier version, and restores it if it was deleted.
pub(super) async fn roll_back<R: Resource>(gateway: &Gateway, version: R, seen: IfMatch) -> Result<u64, ApiError> {
    let (org, id) = (version.org_id(), version.id());
    let committed = match find::<R>(gateway, org, &id).await? {
        Some(MaybeReadable::Readable(stored)) => {
            let mut document = version.into_document(Secrets::Kept)?;
            *document.revision() = None;
            replace(gateway, stored, document, seen).await?
        }
        Some(MaybeReadable::Unreadable(stored)) => {
            let expected = seen.against(None, stored.revision)?;
            checked_commit(gateway, restored(version), expected).await?
        }
        None if !R::IS_RESTORABLE => return Err(ApiError::not_found(R::NAME)),
        None => {
            R::check_room(gateway, org).await?;
            checked_commit(gateway, restored(version), Expected::New).await?
        }
    };
    Ok(committed.revision())
}

fn restored<R: Resource>(version: R) -> R {
    version.without_breaker().updated_at(creation_stamp().updated_at)
}

/// Checks and stores a resource.
pub(super) async fn checked_commit<R: Resource>(gateway: &Gateway, resource: R, expected: Expected) -> Result<R, ApiError> {
    resource.check(gateway).await?;
    commit(gateway, resource, expected).await
}

/// Stores a resource and returns it at its new revision.
pub(super) async fn commit<R: Resource>(gateway: &Gateway, resource: R, expected: Expected) -> Result<R, ApiError> {
    let revision = gateway.commit(resource.clone().put(), expected).await?;
    Ok(resource.at_revision(revision))
}

/// Handles POST. Only this response shows the signing secrets.
pub(crate) async fn post<R: Resource>(
    gateway: &Gateway,
    org: OrgId,
    body: JsonBody,
) -> Result<ResourceResponse<R::Document>, ApiError> {
    let created: R = create(gateway, org, body.document()?).await?;
    let revision = created.revision();
    Ok(ResourceResponse::created(
        revision,
        created.into_document(Secrets::SigningShown)?,
    ))
}

/// Handles GET of one resource.
pub(crate) async fn read<R: Resource>(
    gateway: &Gateway,
    org: OrgId,
    id: &str,
) -> Result<ResourceResponse<R::Document>, ApiError> {
    shown(get::<R>(gateway, org, &R::parse_id(id)?).await?)
}

/// Handles PUT.
pub(crate) async fn put<R: Resource>(
    gateway: &Gateway,
    org: OrgId,
    id: &str,
    seen: IfMatch,
    body: JsonBody,
) -> Result<ResourceResponse<R::Document>, ApiError> {
    let id = R::parse_id(id)?;
    let changed = match found::<R>(gateway, org, &id).await? {
        MaybeReadable::Readable(stored) => {
            let document = merge_put(&stored.clone().into_document(Secrets::Kept)?, body)?;
            replace(gateway, stored, document, seen).await?
        }
        MaybeReadable::Unreadable(stored) => replace_unreadable::<R>(gateway, (org, id), &stored, body.document()?, seen).await?,
    };
    shown(changed)
}

/// Handles PATCH: an absent field stays, null removes it, a value replaces it.
pub(crate) async fn patch<R: Resource>(
    gateway: &Gateway,
    org: OrgId,
    id: &str,
    seen: IfMatch,
    body: JsonBody,
) -> Result<ResourceResponse<R::Document>, ApiError> {
    let stored = get::<R>(gateway, org, &R::parse_id(id)?).await?;
    let document = merge_patch(&stored.clone().into_document(Secrets::Kept)?, body)?;
    shown(replace(gateway, stored, document, seen).await?)
}

/// Handles DELETE.
pub(crate) async fn delete_by_text<R: Resource>(
    gateway: &Gateway,
    org: OrgId,
    id: &str,
    seen: IfMatch,
) -> Result<StatusCode, ApiError> {
    delete::<R>(gateway, org, R::parse_id(id)?, seen).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The response for a resource, with its secrets masked.
pub(crate) fn shown<R: Resource>(resource: R) -> Result<ResourceResponse<R::Document>, ApiError> {
    let revision = resource.revision();
    Ok(ResourceResponse::found(revision, resource.into_document(Secrets::Masked)?))
}
