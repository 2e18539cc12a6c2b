//! What every kind of configuration has in common.
//!
//! A kind implements [`Resource`] in its own file, which holds what is special to it. Creating, reading, replacing, patching, deleting,
//! restoring and rolling back follow from that, for the HTTP handlers, history, templates and bundles alike.

use std::fmt::Display;

use http::StatusCode;
use ig_core::clock::Timestamp;
use ig_core::configuration::Change;
use ig_core::fault::Faults;
use ig_core::id::OrgId;
use ig_store::{Expected, Found, Unreadable};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{changed_now, made_now};
use crate::body::{JsonBody, Shaped};
use crate::document::{Secrets, Stamp, patched, replaced};
use crate::error::ApiError;
use crate::gateway::Gateway;
use crate::guard::IfMatch;
use crate::resource_response::ResourceResponse;

/// One kind of configuration.
pub(crate) trait Resource: Clone + Send + Sync + 'static {
    /// How clients write it.
    type Document: Shaped + Serialize + DeserializeOwned + Clone + Send + Sync;
    /// What identifies one within its organisation.
    type Id: Clone + Display + Send + Sync;

    /// What errors call it.
    const NAME: &'static str;
    /// Whether one that was deleted can be created again from its history.
    const IS_RESTORABLE: bool = true;

    /// Reads the identifier in a path. Text that has not even the form of one does not exist.
    fn parse_id(text: &str) -> Result<Self::Id, ApiError>;

    /// The organisation that owns it.
    fn org_id(&self) -> OrgId;

    /// What identifies it.
    fn id(&self) -> Self::Id;

    /// The configuration revision that last changed it.
    fn revision(&self) -> u64;

    /// When it was created.
    fn created_at(&self) -> Timestamp;

    /// The same at another revision.
    fn at_revision(self, revision: u64) -> Self;

    /// The same, last changed at another time.
    fn updated_at(self, at: Timestamp) -> Self;

    /// Finds one in the store, also where it cannot be read.
    fn find(gateway: &Gateway, org: OrgId, id: &Self::Id) -> impl Future<Output = Result<Option<Found<Self>>, ApiError>> + Send;

    /// Its document, with as much of its secrets as `secrets` says.
    fn into_document(self, secrets: Secrets) -> Result<Self::Document, ApiError>;

    /// The revision that a document names, which guards against lost updates.
    fn revision_field(document: &mut Self::Document) -> &mut Option<u64>;

    /// The identifier of what a new document describes.
    fn new_id(document: &Self::Document, now: Timestamp) -> Result<Self::Id, ApiError>;

    /// Checks a document by itself. The error lists every fault by JSON pointer.
    fn from_document(document: Self::Document, org: OrgId, id: Self::Id, stamp: Stamp) -> Result<Self, Faults>;

    /// Takes over from the stored one what a document does not say.
    fn succeeding(self, _stored: &Self) -> Self {
        self
    }

    /// Checks what a document cannot tell by itself: addresses, units, scripts, schemas.
    fn check(&self, _gateway: &Gateway) -> impl Future<Output = Result<(), ApiError>> + Send {
        async { Ok(()) }
    }

    /// Checks that the organisation has room for one more.
    fn check_room(_gateway: &Gateway, _org: OrgId) -> impl Future<Output = Result<(), ApiError>> + Send {
        async { Ok(()) }
    }

    /// Checks that nothing else needs it.
    fn check_unused(_gateway: &Gateway, _org: OrgId, _id: &Self::Id) -> impl Future<Output = Result<(), ApiError>> + Send {
        async { Ok(()) }
    }

    /// Does what its deletion entails.
    fn after_deletion(_gateway: &Gateway, _org: OrgId, _id: &Self::Id) -> impl Future<Output = ()> + Send {
        async {}
    }

    /// The change that stores it.
    fn put(self) -> Change;

    /// The change that deletes it.
    fn deletion(org: OrgId, id: Self::Id) -> Change;
}

/// The accessors of a [`Resource`]: which field identifies one, the others have the same names in every kind.
macro_rules! resource_fields {
    ($id:ident: $type:ty) => {
        fn org_id(&self) -> ig_core::id::OrgId {
            self.org_id
        }

        fn id(&self) -> $type {
            self.$id.to_owned()
        }

        fn revision(&self) -> u64 {
            self.revision
        }

        fn created_at(&self) -> ig_core::clock::Timestamp {
            self.created_at
        }

        fn at_revision(self, revision: u64) -> Self {
            Self { revision, ..self }
        }

        fn updated_at(self, updated_at: ig_core::clock::Timestamp) -> Self {
            Self { updated_at, ..self }
        }
    };
}
pub(super) use resource_fields;

/// Finds one, also where it cannot be read.
async fn found<R: Resource>(gateway: &Gateway, org: OrgId, id: &R::Id) -> Result<Found<R>, ApiError> {
    R::find(gateway, org, id).await?.ok_or_else(|| ApiError::not_found(R::NAME))
}

/// Reads one.
pub(crate) async fn get<R: Resource>(gateway: &Gateway, org: OrgId, id: &R::Id) -> Result<R, ApiError> {
    match found::<R>(gateway, org, id).await? {
        Found::Readable(stored) => Ok(stored),
        Found::Unreadable(stored) => Err(ApiError::unreadable(R::NAME, &stored)),
    }
}

/// Creates one.
pub(crate) async fn create<R: Resource>(gateway: &Gateway, org: OrgId, document: R::Document) -> Result<R, ApiError> {
    R::check_room(gateway, org).await?;
    let stamp = made_now();
    let id = R::new_id(&document, stamp.created_at)?;
    let resource = R::from_document(document, org, id, stamp)?;
    checked_commit(gateway, resource, Expected::New).await
}

/// Replaces one with what a document says.
pub(crate) async fn replace<R: Resource>(
    gateway: &Gateway,
    stored: R,
    mut document: R::Document,
    seen: IfMatch,
) -> Result<R, ApiError> {
    let expected = seen.against(*R::revision_field(&mut document), stored.revision())?;
    let resource = R::from_document(document, stored.org_id(), stored.id(), changed_now(stored.created_at()))?;
    checked_commit(gateway, resource.succeeding(&stored), expected).await
}

/// Writes one anew in place of one that cannot be read.
async fn replace_unreadable<R: Resource>(
    gateway: &Gateway,
    (org, id): (OrgId, R::Id),
    stored: &Unreadable,
    mut document: R::Document,
    seen: IfMatch,
) -> Result<R, ApiError> {
    let expected = seen.against(*R::revision_field(&mut document), stored.revision)?;
    let resource = R::from_document(document, org, id, changed_now(stored.created_at))?;
    checked_commit(gateway, resource, expected).await
}

/// Deletes one, also where it cannot be read.
pub(crate) async fn delete<R: Resource>(gateway: &Gateway, org: OrgId, id: R::Id, seen: IfMatch) -> Result<(), ApiError> {
    let revision = match found::<R>(gateway, org, &id).await? {
        Found::Readable(stored) => stored.revision(),
        Found::Unreadable(stored) => stored.revision,
    };
    let expected = seen.against(None, revision)?;
    R::check_unused(gateway, org, &id).await?;
    gateway.commit(R::deletion(org, id.clone()), expected).await?;
    R::after_deletion(gateway, org, &id).await;
    Ok(())
}

/// Makes one look as it did at an earlier revision; one that was deleted since is created again.
pub(super) async fn roll_back<R: Resource>(gateway: &Gateway, version: R, seen: IfMatch) -> Result<u64, ApiError> {
    let (org, id) = (version.org_id(), version.id());
    let committed = match R::find(gateway, org, &id).await? {
        Some(Found::Readable(stored)) => {
            let mut document = version.into_document(Secrets::Kept)?;
            *R::revision_field(&mut document) = None;
            replace(gateway, stored, document, seen).await?
        }
        Some(Found::Unreadable(stored)) => {
            let expected = seen.against(None, stored.revision)?;
            checked_commit(gateway, version.updated_at(made_now().updated_at), expected).await?
        }
        None if !R::IS_RESTORABLE => return Err(ApiError::not_found(R::NAME)),
        None => {
            R::check_room(gateway, org).await?;
            checked_commit(gateway, version.updated_at(made_now().updated_at), Expected::New).await?
        }
    };
    Ok(committed.revision())
}

/// Checks and stores one.
pub(super) async fn checked_commit<R: Resource>(gateway: &Gateway, resource: R, expected: Expected) -> Result<R, ApiError> {
    resource.check(gateway).await?;
    commit(gateway, resource, expected).await
}

/// Stores one; the answer carries the revision that this led to.
pub(super) async fn commit<R: Resource>(gateway: &Gateway, resource: R, expected: Expected) -> Result<R, ApiError> {
    let revision = gateway.commit(resource.clone().put(), expected).await?;
    Ok(resource.at_revision(revision))
}

/// Answers POST: this answer alone shows signing secrets.
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

/// Answers GET of one.
pub(crate) async fn read<R: Resource>(
    gateway: &Gateway,
    org: OrgId,
    id: &str,
) -> Result<ResourceResponse<R::Document>, ApiError> {
    shown(get::<R>(gateway, org, &R::parse_id(id)?).await?)
}

/// Answers PUT.
pub(crate) async fn put<R: Resource>(
    gateway: &Gateway,
    org: OrgId,
    id: &str,
    seen: IfMatch,
    body: JsonBody,
) -> Result<ResourceResponse<R::Document>, ApiError> {
    let id = R::parse_id(id)?;
    let changed = match found::<R>(gateway, org, &id).await? {
        Found::Readable(stored) => {
            let document = replaced(&stored.clone().into_document(Secrets::Kept)?, body)?;
            replace(gateway, stored, document, seen).await?
        }
        Found::Unreadable(stored) => replace_unreadable::<R>(gateway, (org, id), &stored, body.document()?, seen).await?,
    };
    shown(changed)
}

/// Answers PATCH: absent keeps, null removes, a value replaces.
pub(crate) async fn patch<R: Resource>(
    gateway: &Gateway,
    org: OrgId,
    id: &str,
    seen: IfMatch,
    body: JsonBody,
) -> Result<ResourceResponse<R::Document>, ApiError> {
    let stored = get::<R>(gateway, org, &R::parse_id(id)?).await?;
    let document = patched(&stored.clone().into_document(Secrets::Kept)?, body)?;
    shown(replace(gateway, stored, document, seen).await?)
}

/// Answers DELETE.
pub(crate) async fn delete_by_text<R: Resource>(
    gateway: &Gateway,
    org: OrgId,
    id: &str,
    seen: IfMatch,
) -> Result<StatusCode, ApiError> {
    delete::<R>(gateway, org, R::parse_id(id)?, seen).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Shows one with its secrets masked.
pub(crate) fn shown<R: Resource>(resource: R) -> Result<ResourceResponse<R::Document>, ApiError> {
    let revision = resource.revision();
    Ok(ResourceResponse::found(revision, resource.into_document(Secrets::Masked)?))
}
