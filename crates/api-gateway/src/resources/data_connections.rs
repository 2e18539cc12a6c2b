//! Connections to databases, which administrators make and grant to organisations.

use ig_core::fault::Faults;
use ig_core::id::OrgId;
use ig_core::job::{ConnectionGrant, ConnectionName, Job, Source};
use ig_core::ports::StoreError;
use ig_core::secret::Secret;
use ig_documents::text::prefix_faults;
use ig_store::{ConnectionAddress, ConnectionError, ShownConnection};

use super::{creation_stamp, update_stamp};
use crate::document::DataConnectionDocument;
use crate::error::{ApiError, ErrorCode};
use crate::gateway::Gateway;
use crate::if_match::IfMatch;

/// Reads one connection.
pub(crate) async fn get(gateway: &Gateway, name: &ConnectionName) -> Result<ShownConnection, ApiError> {
    let found = gateway.store().data_connections().get(name).await?;
    found.ok_or_else(|| ApiError::not_found(NAME))
}

/// Creates a connection, once a job-runner has checked it.
pub(crate) async fn create(gateway: &Gateway, document: DataConnectionDocument) -> Result<ShownConnection, ApiError> {
    let name = document.named()?;
    let url = new_url(&document.url)?;
    let connection = document.into_connection(name, url, creation_stamp())?;
    check_connection(gateway, &connection.url).await?;
    let created = gateway
        .store()
        .data_connections()
        .create(&connection, gateway.caller().actor())
        .await;
    created.map_err(|error| to_api_error(error, &connection.grants))
}

/// Replaces a connection with what a document says; a job-runner checks an address that is new.
pub(crate) async fn replace(
    gateway: &Gateway,
    stored: ShownConnection,
    document: DataConnectionDocument,
    if_match: IfMatch,
) -> Result<ShownConnection, ApiError> {
    // The change applies to what was read for it, whether or not the client asked for that.
    if_match.against(document.revision, stored.revision)?;
    let AskedUrl { url, is_new } = asked_url(gateway, &document.url, &stored).await?;
    let connection = document.into_connection(stored.name, url, update_stamp(stored.created_at))?;
    if is_new {
        check_connection(gateway, &connection.url).await?;
    }
    let replaced = gateway
        .store()
        .data_connections()
        .replace(&connection, stored.revision, gateway.caller().actor())
        .await;
    replaced.map_err(|error| to_api_error(error, &connection.grants))
}

/// Deletes a connection that no job uses.
pub(crate) async fn delete(gateway: &Gateway, name: &ConnectionName, if_match: IfMatch) -> Result<(), ApiError> {
    let stored = get(gateway, name).await?;
    if_match.against(None, stored.revision)?;
    check_unused(gateway, &stored).await?;
    let deleted = gateway
        .store()
        .data_connections()
        .delete(name, stored.revision, gateway.caller().actor())
        .await;
    deleted.map_err(|error| to_api_error(error, &[]))
}

const NAME: &str = "Data connection";

/// The address that a change asks for.
struct AskedUrl {
    url: Secret,
    is_new: bool,
}

/// An address that stands for itself.
fn new_url(given: &str) -> Result<Secret, ApiError> {
    let address = prefix_faults("/url", ConnectionAddress::parse(given))?;
    if address.has_mask() {
        return Err(ApiError::fault(
            "/url",
            "has a mask for a password, and no password is stored that it could stand for",
        ));
    }
    Ok(Secret::new(given))
}

/// The address that a change asks for: exactly as shown, it stands for the stored one with its password.
async fn asked_url(gateway: &Gateway, given: &str, stored: &ShownConnection) -> Result<AskedUrl, ApiError> {
    let address = prefix_faults("/url", ConnectionAddress::parse(given))?;
    let is_as_shown = given == stored.address;
    if address.has_mask() && !is_as_shown {
        let message = "must have its password given again: the stored one goes with the address that was read, and with no other";
        return Err(ApiError::fault("/url", message));
    }
    let opened = match gateway.store().data_connections().open(&stored.name).await {
        Ok(opened) => opened.map(|opened| opened.url),
        Err(StoreError::Refused(reason)) => {
            tracing::warn!(reason, connection = %stored.name, "the address of a connection cannot be read");
            None
        }
        Err(away @ StoreError::Unavailable(_)) => return Err(away.into()),
    };
    match opened {
        Some(url) if is_as_shown || url.expose() == given => Ok(AskedUrl { url, is_new: false }),
        None if address.has_mask() => Err(ApiError::fault(
            "/url",
            "must have its password given again: the stored one cannot be read",
        )),
        _ => Ok(AskedUrl {
            url: Secret::new(given),
            is_new: true,
        }),
    }
}

/// Has a job-runner connect, and check the rights of the user.
async fn check_connection(gateway: &Gateway, url: &Secret) -> Result<(), ApiError> {
    let found = gateway.jobs().connection_faults(url).await?;
    let mut faults = Faults::default();
    // The address is all that was checked, whatever part of it a fault names.
    for fault in found.list() {
        faults.add("/url", fault.message.clone());
    }
    Ok(faults.into_result(())?)
}

/// Refuses to delete a connection that jobs of its organisations use. A job that names a connection without a grant uses nothing.
async fn check_unused(gateway: &Gateway, connection: &ShownConnection) -> Result<(), ApiError> {
    gateway.feed().wait_until_current().await?;
    let configuration = gateway.feed().configuration();
    for grant in &connection.grants {
        let Some(org) = configuration.org(grant.org_id) else {
            continue;
        };
        if let Some(job) = org.jobs().find(|job| uses(job, &connection.name, *grant)) {
            let message = format!("Job {} of organisation {} uses this connection", job.id, grant.org_id);
            return Err(ApiError::new(ErrorCode::Conflict, message));
        }
    }
    Ok(())
}

fn uses(job: &Job, name: &ConnectionName, grant: ConnectionGrant) -> bool {
    let Source::Sql(source) = job.source.source() else {
        return false;
    };
    match &source.connection {
        Some(named) => named == name.as_str(),
        None => grant.is_default,
    }
}

fn to_api_error(error: ConnectionError, grants: &[ConnectionGrant]) -> ApiError {
    let place = |org: OrgId, field: &str| {
        let at = grants.iter().position(|grant| grant.org_id == org).unwrap_or_default();
        format!("/grants/{at}/{field}")
    };
    match error {
        ConnectionError::NotFound => ApiError::not_found(NAME),
        ConnectionError::Stale { current } => ApiError::new(
            ErrorCode::PreconditionFailed,
            format!("It has changed since it was read: it is at revision {current}"),
        ),
        ConnectionError::Taken => ApiError::new(ErrorCode::Conflict, "This name is already taken"),
        ConnectionError::UnknownOrgs(orgs) => {
            let mut faults = Faults::default();
            for org in orgs {
                faults.add(place(org, "orgId"), "is no organisation");
            }
            faults.into()
        }
        ConnectionError::DefaultTaken(taken) => {
            let mut faults = Faults::default();
            for (org, by) in taken {
                faults.add(
                    place(org, "isDefault"),
                    format!("must be false: {by} is the default of organisation {org}"),
                );
            }
            let message = "An organisation has one default connection at most".to_owned();
            ApiError {
                code: ErrorCode::Conflict,
                message,
                ..faults.into()
            }
        }
        ConnectionError::Full => ApiError::new(
            ErrorCode::Conflict,
            "There are as many connections as there may be, or they are as large as they may be: delete one that is not used any more",
        ),
        ConnectionError::Store(error) => error.into(),
    }
}
