//! People.

use std::net::IpAddr;

use chrono::{SubsecRound as _, Utc};
use ig_core::access::{Holder, PersonRights};
use ig_core::clock::Timestamp;
use ig_core::fault::Faults;
use ig_core::id::{SessionId, UserId};
use ig_core::secret::Secret;
use ig_store::{Expected, User, UserChange};

use crate::document::{PasswordChange, UserDocument, parse_password};
use crate::error::ApiError;
use crate::gateway::Gateway;
use crate::if_match::IfMatch;

/// Reads one person.
pub(crate) async fn get(gateway: &Gateway, id: UserId) -> Result<User, ApiError> {
    let found = gateway.store().users().get(id).await?;
    found.ok_or_else(|| ApiError::not_found("User"))
}

/// Creates a person.
pub(crate) async fn create(gateway: &Gateway, document: UserDocument) -> Result<User, ApiError> {
    let new = document.new_user()?;
    check_grant(gateway, new.rights)?;
    check_organization(gateway, new.rights).await?;
    Ok(gateway.store().users().create(new, gateway.caller().actor(), now()).await?)
}

/// Replaces a person with what a document says.
pub(crate) async fn replace(
    gateway: &Gateway,
    stored: User,
    document: UserDocument,
    if_match: IfMatch,
) -> Result<User, ApiError> {
    let expected = if_match.against(document.revision, stored.revision)?;
    let change = document.change()?;
    // Setting a person's address or password gives access to their account, so it takes all of their permissions, before and
    // after the change.
    check_grant(gateway, stored.rights)?;
    check_grant(gateway, change.rights)?;
    check_organization(gateway, change.rights).await?;
    let ends_sessions = change.password.is_some() || !change.is_active;
    let changed = gateway
        .store()
        .users()
        .change(
            stored.id,
            expected_revision(expected, &stored),
            change,
            gateway.caller().actor(),
            now(),
        )
        .await?;
    if ends_sessions {
        gateway.sessions().end_all(stored.id, None).await?;
    }
    Ok(changed)
}

/// Deletes a person and ends their sessions.
pub(crate) async fn delete(gateway: &Gateway, id: UserId, if_match: IfMatch) -> Result<(), ApiError> {
    let stored = get(gateway, id).await?;
    let expected = if_match.against(None, stored.revision)?;
    gateway
        .store()
        .users()
        .delete(id, expected_revision(expected, &stored), gateway.caller().actor())
        .await?;
    gateway.sessions().end_all(id, None).await
}

/// Changes a person's own password, given the current one.
pub(crate) async fn change_password(
    gateway: &Gateway,
    id: UserId,
    session: &SessionId,
    from: IpAddr,
    change_request: PasswordChange,
) -> Result<(), ApiError> {
    let stored = get(gateway, id).await?;
    let new = parse_password(&change_request.new_password).map_err(|found| {
        let mut faults = Faults::default();
        faults.add_below("/newPassword", found);
        faults
    })?;
    let current = Secret::new(change_request.current_password);
    if !gateway.sessions().verify_password(&stored.email, &current, from).await? {
        return Err(ApiError::fault("/currentPassword", "is not the password in force"));
    }
    let User {
        email,
        name,
        rights,
        is_active,
        revision,
        ..
    } = stored;
    let change = UserChange {
        email,
        name,
        rights,
        is_active,
        password: Some(new),
    };
    gateway
        .store()
        .users()
        .change(id, revision, change, gateway.caller().actor(), now())
        .await?;
    gateway.sessions().end_all(id, Some(session)).await
}

fn now() -> Timestamp {
    Utc::now().trunc_subsecs(3)
}

fn expected_revision(expected: Expected, stored: &User) -> u64 {
    match expected {
        Expected::Revision(revision) => revision,
        Expected::New | Expected::Any => stored.revision,
    }
}

/// Refuses to give a person more permissions than the caller has.
fn check_grant(gateway: &Gateway, rights: PersonRights) -> Result<(), ApiError> {
    gateway.caller().check_grant(&Holder::Person(rights), None)
}

async fn check_organization(gateway: &Gateway, rights: PersonRights) -> Result<(), ApiError> {
    match rights {
        PersonRights::Admin => Ok(()),
        PersonRights::User { org, .. } => gateway.check_named_org("/orgId", org).await,
    }
}
