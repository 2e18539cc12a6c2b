//! Changes to connections.
//!
//! Every change raises one counter, so two changes cannot overlap: what a change checked against all other connections still
//! holds when it completes. The counter's value is the revision, so a connection that is deleted and made again never has a
//! revision that a client has read before.

use std::collections::{HashMap, HashSet};

use futures::{FutureExt as _, TryStreamExt as _};
use ig_core::access::Actor;
use ig_core::history::{Item, ItemKind};
use ig_core::id::OrgId;
use ig_core::job::{ConnectionName, DataConnection};
use ig_core::ports::StoreError;
use mongodb::ClientSession;
use mongodb::bson::{self, doc};
use mongodb::error::{Error, Result as Driven};
use mongodb::options::ReturnDocument;
use serde::Deserialize;

use super::document::ConnectionDocument;
use super::error::{ConnectionError, refusal};
use super::{DATA_CONNECTIONS_COUNTER, DataConnections, ShownConnection};
use crate::audit_logs::record_audit;
use crate::configuration::Counter;
use crate::field::{long, unsigned};
use crate::names::{COUNTERS, DATA_CONNECTIONS, ORGANIZATIONS};
use crate::stored::{self, Stored};

/// The most connections on the platform.
const MAX_CONNECTIONS: usize = 500;
/// The most bytes of all connections together: a list of them is read as a whole.
const MAX_TOTAL_BYTES: usize = 16 * 1024 * 1024;

#[derive(Debug, Deserialize)]
struct OrgNumber {
    #[serde(rename = "_id")]
    org: i64,
}

/// All connections, as a change finds them.
#[derive(Debug, Default)]
struct Existing {
    /// The connection of the name that the change is about.
    same: Option<ConnectionDocument>,
    /// How many others there are.
    others: usize,
    /// Their size together, in bytes.
    bytes: usize,
    /// The organisations that have a default among the others, with the name of it.
    defaults: HashMap<i64, String>,
}

impl DataConnections {
    /// Creates a connection, whose revision is not used, and records the actor in the audit log.
    pub async fn create(&self, connection: &DataConnection, by: &Actor) -> Result<ShownConnection, ConnectionError> {
        let document = ConnectionDocument::new(connection, self.database.secrets())?;
        let created = self
            .database
            .transact((self, &document, by), |session, (this, document, by)| {
                async move {
                    let revision = this.raise_revision(session).await?;
                    let existing = this.existing(session, &document.name).await?;
                    if existing.same.is_some() {
                        return Err(ConnectionError::Taken.into());
                    }
                    let document = document.at_revision(revision);
                    this.check(session, &document, &existing).await?;
                    let rows = this.rows::<ConnectionDocument>();
                    rows.insert_one(&document).session(&mut *session).await?;
                    let after = document.audited();
                    record_audit(&this.database, session, by, &item(&document.name), None, Some(&after)).await?;
                    Ok(document)
                }
                .boxed()
            });
        let created = created.await?.map_err(|error| refusal(&error))?;
        Ok(created.try_into()?)
    }

    /// Replaces a connection that is still at a revision, and records the actor in the audit log.
    pub async fn replace(
        &self,
        connection: &DataConnection,
        revision: u64,
        by: &Actor,
    ) -> Result<ShownConnection, ConnectionError> {
        let document = ConnectionDocument::new(connection, self.database.secrets())?;
        let context = (self, &document, connection, revision, by);
        let replaced = self
            .database
            .transact(context, |session, (this, document, connection, revision, by)| {
                async move {
                    let raised = this.raise_revision(session).await?;
                    let existing = this.existing(session, &document.name).await?;
                    let before = at_revision(existing.same.as_ref(), *revision)?;
                    let document = document.at_revision(raised);
                    this.check(session, &document, &existing).await?;
                    let rows = this.rows::<ConnectionDocument>();
                    rows.replace_one(doc! { "_id": &document.name }, &document)
                        .session(&mut *session)
                        .await?;
                    let mut after = document.audited();
                    if this.has_new_url(before, connection) {
                        after["urlChanged"] = true.into();
                    }
                    record_audit(
                        &this.database,
                        session,
                        by,
                        &item(&document.name),
                        Some(&before.audited()),
                        Some(&after),
                    )
                    .await?;
                    Ok(document)
                }
                .boxed()
            });
        let replaced = replaced.await?.map_err(|error| refusal(&error))?;
        Ok(replaced.try_into()?)
    }

    /// Deletes a connection that is still at a revision, and records the actor in the audit log.
    pub async fn delete(&self, name: &ConnectionName, revision: u64, by: &Actor) -> Result<(), ConnectionError> {
        let deleted = self
            .database
            .transact((self, name, revision, by), |session, (this, name, revision, by)| {
                async move {
                    this.raise_revision(session).await?;
                    let rows = this.rows::<ConnectionDocument>();
                    let found = rows.find_one(doc! { "_id": name.as_str() }).session(&mut *session).await?;
                    let found = found.map(|Stored(found)| found);
                    let before = at_revision(found.as_ref(), *revision)?;
                    rows.delete_one(doc! { "_id": name.as_str() }).session(&mut *session).await?;
                    record_audit(
                        &this.database,
                        session,
                        by,
                        &item(name.as_str()),
                        Some(&before.audited()),
                        None,
                    )
                    .await
                }
                .boxed()
            });
        deleted.await?.map_err(|error| refusal(&error))
    }

    /// Takes back all grants of an organisation, and records each in the audit log. Returns how many there were.
    pub(crate) async fn revoke_all(&self, org: OrgId) -> Result<u64, StoreError> {
        let by = Actor::system("platform");
        let revoked = self.database.transact((self, by), |session, (this, by)| {
            async move {
                let revision = this.raise_revision(session).await?;
                let rows = this.rows::<ConnectionDocument>();
                let mut cursor = rows.find(doc! { "grants.orgId": org.0 }).session(&mut *session).await?;
                let granted = cursor.stream(&mut *session).map_ok(|Stored(found)| found);
                let granted: Vec<ConnectionDocument> = granted.try_collect().await?;
                for before in &granted {
                    let after = before.without_grant_of(org, revision);
                    rows.replace_one(doc! { "_id": &after.name }, &after)
                        .session(&mut *session)
                        .await?;
                    let shown = (before.audited(), after.audited());
                    record_audit(
                        &this.database,
                        session,
                        by,
                        &item(&after.name),
                        Some(&shown.0),
                        Some(&shown.1),
                    )
                    .await?;
                }
                Ok(granted.len() as u64)
            }
            .boxed()
        });
        revoked.await?.map_err(|error| crate::error::store_error(&error))
    }

    async fn raise_revision(&self, session: &mut ClientSession) -> Driven<i64> {
        let counters = self.database.collection::<Counter>(COUNTERS);
        let raised = counters
            .find_one_and_update(doc! { "_id": DATA_CONNECTIONS_COUNTER }, doc! { "$inc": { "value": 1_i64 } })
            .return_document(ReturnDocument::After)
            .session(session)
            .await?;
        let not_migrated = || ConnectionError::Store(StoreError::Refused("the database is not migrated".to_owned()));
        raised
            .map(|Stored(counter)| counter.value)
            .ok_or_else(|| not_migrated().into())
    }

    async fn existing(&self, session: &mut ClientSession, name: &str) -> Driven<Existing> {
        let mut existing = Existing::default();
        let rows = self.database.raw_documents(DATA_CONNECTIONS);
        let mut cursor = rows.find(doc! {}).session(&mut *session).await?;
        let mut found = cursor.stream(session);
        while let Some(raw) = found.try_next().await? {
            let connection: ConnectionDocument = stored::read(&raw)?;
            if connection.name == name {
                existing.same = Some(connection);
            } else {
                existing.add_other(connection, raw.as_bytes().len());
            }
        }
        Ok(existing)
    }

    /// Checks a connection against all others and against the organisations that exist.
    async fn check(&self, session: &mut ClientSession, document: &ConnectionDocument, existing: &Existing) -> Driven<()> {
        let bytes = bson::serialize_to_raw_document_buf(document)?.as_bytes().len();
        if existing.others >= MAX_CONNECTIONS || existing.bytes + bytes > MAX_TOTAL_BYTES {
            return Err(ConnectionError::Full.into());
        }
        let unknown = self.unknown_orgs(session, document).await?;
        if !unknown.is_empty() {
            return Err(ConnectionError::UnknownOrgs(unknown).into());
        }
        let defaults = document.grants.iter().filter(|grant| grant.is_default);
        let taken = defaults.filter_map(|grant| Some((OrgId(grant.org_id), existing.defaults.get(&grant.org_id)?.clone())));
        let taken: Vec<_> = taken.collect();
        if taken.is_empty() {
            Ok(())
        } else {
            Err(ConnectionError::DefaultTaken(taken).into())
        }
    }

    /// The organisations with a grant that do not exist.
    async fn unknown_orgs(&self, session: &mut ClientSession, document: &ConnectionDocument) -> Driven<Vec<OrgId>> {
        let granted: Vec<i64> = document.grants.iter().map(|grant| grant.org_id).collect();
        if granted.is_empty() {
            return Ok(Vec::new());
        }
        let organizations = self.database.collection::<OrgNumber>(ORGANIZATIONS);
        let find = organizations
            .find(doc! { "_id": { "$in": &granted } })
            .projection(doc! { "_id": 1 });
        let mut cursor = find.session(&mut *session).await?;
        let known = cursor.stream(session).map_ok(|Stored(OrgNumber { org })| org);
        let known: HashSet<i64> = known.try_collect().await?;
        Ok(granted.into_iter().filter(|org| !known.contains(org)).map(OrgId).collect())
    }

    /// Whether the address differs from the stored one; one that cannot be opened any more does.
    fn has_new_url(&self, before: &ConnectionDocument, connection: &DataConnection) -> bool {
        let before = before.open(self.database.secrets());
        before.map_or(true, |before| before.url != connection.url)
    }
}

impl Existing {
    fn add_other(&mut self, connection: ConnectionDocument, bytes: usize) {
        let ConnectionDocument { name, grants, .. } = connection;
        self.others += 1;
        self.bytes += bytes;
        let defaults = grants.into_iter().filter(|grant| grant.is_default);
        self.defaults.extend(defaults.map(|grant| (grant.org_id, name.clone())));
    }
}

fn at_revision(found: Option<&ConnectionDocument>, expected: u64) -> Result<&ConnectionDocument, Error> {
    let found = found.ok_or(ConnectionError::NotFound)?;
    if found.revision == long(expected) {
        return Ok(found);
    }
    let current = unsigned(found.revision);
    Err(ConnectionError::Stale { current }.into())
}

fn item(name: &str) -> Item {
    Item {
        org: None,
        kind: ItemKind::DataConnection,
        id: name.to_owned(),
    }
}
