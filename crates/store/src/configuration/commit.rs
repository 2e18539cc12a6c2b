//! The only way to change configuration.

use std::collections::BTreeSet;

use futures::FutureExt;
use ig_core::configuration::Change;
use ig_core::history::Action;
use ig_core::id::{LookupType, OrgId, Rid};
use ig_core::lookup::LookupTable;
use ig_core::ports::StoreError;
use mongodb::ClientSession;
use mongodb::bson::{self, Document, doc};
use mongodb::error::{Error, Result};
use mongodb::options::ReturnDocument;
use serde::Deserialize;

use super::expected::commit_error;
use super::kinds::encode_change;
use super::log::{LogDocument, Subject};
use super::size::size_of;
use super::{CommitError, Configurations, Counter, Expected, KEPT_CHANGES, REVISION};
use crate::field::{long, object_id, unsigned};
use crate::names::{
    API_KEYS, BREAKERS, CONFIG_CHANGES, CONFIG_VERSIONS, COUNTERS, EVENT_TYPES, INTEGRATIONS, ORG_DELETIONS, ORG_UNITS,
    ORGANIZATIONS, TEMPLATES, USERS,
};
use crate::org_deletions::OrgDeletionDocument;
use crate::stored::{self, Stored};
use crate::{breakers, inbound_integrations, lookups};

#[derive(Debug, Deserialize)]
struct RevisionDocument {
    revision: i64,
}

/// An item's state before the change.
struct StoredItem {
    revision: u64,
    bytes: usize,
}

impl Configurations {
    /// Commits one change and returns its revision, which is also stamped on the item.
    ///
    /// Deleting an organisation deletes its units, integrations, event types and lookup rows in the same change, and
    /// reserves its number until the records of its events are removed too. Deleting a unit deletes its lookup rows.
    /// Units and organisations share one number space, because events name either: a number that the other has is
    /// taken.
    pub async fn commit(&self, change: Change, expected: Expected) -> std::result::Result<u64, CommitError> {
        let org = Subject::of(&change).org();
        let committed = self
            .database
            .transact((self, change, expected), |session, (this, change, expected)| {
                this.attempt_commit(session, change, *expected).boxed()
            });
        let committed = committed.await?.map_err(|error| commit_error(&error));
        if matches!(committed, Err(CommitError::Full)) {
            self.record_full(org).await?;
        }
        committed
    }

    async fn attempt_commit(&self, session: &mut ClientSession, change: &Change, expected: Expected) -> Result<u64> {
        let revision = self.raise_revision(session).await?;
        let subject = Subject::of(change);
        if matches!(subject, Subject::Lookups(..)) {
            self.record_change(session, revision, &subject, false).await?;
            self.record_audit(session, revision, &subject, Action::Update).await?;
            return Ok(revision);
        }
        let found = self.stored_item(session, &subject).await?;
        let stored_revision = found.as_ref().map(|item| item.revision);
        expected
            .check(stored_revision, subject.unique_field())
            .map_err(Error::custom)?;
        let document = self
            .document(change, revision)
            .map_err(|error| Error::custom(CommitError::Store(error)))?;
        let deleted = document.is_none();
        let size = document.as_ref().map(size_of).transpose()?.unwrap_or_default();
        let version = document.clone();
        match document {
            Some(document) => {
                self.check_route(session, change).await?;
                if found.is_some() {
                    self.reset_breaker_if_activated(session, change).await?;
                }
                self.put(session, &subject, document, expected).await?;
            }
            None if found.is_none() => return Err(Error::custom(CommitError::NotFound)),
            None => self.delete(session, &subject).await?,
        }
        let size_before = found.as_ref().map_or(0, |item| item.bytes);
        self.add_size(session, &subject, size_before, size).await?;
        self.record_change(session, revision, &subject, deleted).await?;
        let action = match (found, deleted) {
            (_, true) => Action::Delete,
            (None, false) => Action::Create,
            (Some(_), false) => Action::Update,
        };
        self.record_version(session, revision, &subject, action, version).await?;
        Ok(revision)
    }

    /// Records a change to the lookup rows of a type, within the transaction that changes those rows or their tables.
    ///
    /// The caller writes the one counter, so no other commit overlaps: the organisation and the unit checked here still
    /// exist when the transaction commits.
    pub(crate) async fn record_lookup_change(
        &self,
        session: &mut ClientSession,
        org: OrgId,
        tables: &[LookupTable],
    ) -> Result<()> {
        if !self.exists(session, ORGANIZATIONS, org.0.into()).await? {
            return Err(Error::custom(CommitError::NotFound));
        }
        let units: BTreeSet<Rid> = tables.iter().filter_map(|table| table.tenant_id).collect();
        for unit in units {
            if self.revision_of(session, &Subject::Unit(org, unit)).await?.is_none() {
                return Err(Error::custom(CommitError::NotFound));
            }
        }
        let types: BTreeSet<&LookupType> = tables.iter().map(|table| &table.lookup_type).collect();
        for lookup_type in types {
            let revision = self.raise_revision(session).await?;
            let subject = Subject::Lookups(org, lookup_type.clone());
            self.record_change(session, revision, &subject, false).await?;
            self.record_audit(session, revision, &subject, Action::Update).await?;
        }
        Ok(())
    }

    pub(super) async fn raise_revision(&self, session: &mut ClientSession) -> Result<u64> {
        let counters = self.database.collection::<Counter>(COUNTERS);
        let raised = counters
            .find_one_and_update(doc! { "_id": REVISION }, doc! { "$inc": { "value": 1_i64 } })
            .return_document(ReturnDocument::After)
            .session(session)
            .await?;
        let not_migrated = || StoreError::Refused("the database is not migrated".to_owned());
        let raised = raised.ok_or_else(|| Error::custom(CommitError::Store(not_migrated())))?;
        Ok(unsigned(raised.0.value))
    }

    /// The revision of the item, if it exists. An item of another organisation is a duplicate for a creation, and does
    /// not exist for any other change.
    pub(super) async fn revision_of(&self, session: &mut ClientSession, subject: &Subject) -> Result<Option<u64>> {
        let items = self.database.collection::<RevisionDocument>(subject.collection());
        let found = items
            .find_one(subject_filter(subject))
            .projection(doc! { "revision": 1 })
            .session(session)
            .await?;
        Ok(found.map(|Stored(item)| unsigned(item.revision)))
    }

    /// The item as stored, if it exists.
    async fn stored_item(&self, session: &mut ClientSession, subject: &Subject) -> Result<Option<StoredItem>> {
        let items = self.database.raw_documents(subject.collection());
        let found = items.find_one(subject_filter(subject)).session(session).await?;
        found
            .map(|item| {
                let RevisionDocument { revision } = stored::read(&item)?;
                Ok(StoredItem {
                    revision: unsigned(revision),
                    bytes: item.as_bytes().len(),
                })
            })
            .transpose()
    }

    pub(super) fn document(&self, change: &Change, revision: u64) -> std::result::Result<Option<Document>, StoreError> {
        encode_change(change, revision, self.database.secrets())
    }

    /// Activating an integration means that its target works again: earlier failures no longer count.
    async fn reset_breaker_if_activated(&self, session: &mut ClientSession, change: &Change) -> Result<()> {
        let id = if let Change::PutIntegration(integration) = change
            && integration.is_active
        {
            integration.id
        } else if let Change::PutInbound(inbound) = change
            && inbound.is_active
        {
            inbound.id
        } else if let Change::PutJob(job) = change
            && job.is_active
        {
            job.id
        } else {
            return Ok(());
        };
        let items = self.database.collection::<Document>(INTEGRATIONS);
        let was_off = doc! { "_id": object_id(id.0), "isActive": false };
        let found = items
            .find_one(was_off)
            .projection(doc! { "_id": 1 })
            .session(&mut *session)
            .await?;
        match found {
            Some(_) => breakers::reset(&self.database, session, id).await,
            None => Ok(()),
        }
    }

    async fn put(&self, session: &mut ClientSession, subject: &Subject, document: Document, expected: Expected) -> Result<()> {
        let items = self.database.collection::<Document>(subject.collection());
        if expected == Expected::New {
            self.check_new(session, subject).await?;
            items.insert_one(document).session(session).await?;
        } else {
            items
                .replace_one(doc! { "_id": subject.key() }, document)
                .session(session)
                .await?;
        }
        Ok(())
    }

    /// Checks that the new item's key or number is free and that its organisation exists.
    async fn check_new(&self, session: &mut ClientSession, subject: &Subject) -> Result<()> {
        let taken = Error::custom(CommitError::Duplicate {
            what: subject.unique_field(),
        });
        let other_collection = match subject {
            Subject::Organization(_) => ORG_UNITS,
            Subject::Unit(..) => ORGANIZATIONS,
            Subject::Integration(..)
            | Subject::Inbound(..)
            | Subject::Job(..)
            | Subject::Template(..)
            | Subject::EventType(..)
            | Subject::Lookups(..) => subject.collection(),
        };
        for collection in [subject.collection(), other_collection] {
            if self.exists(session, collection, subject.key()).await? {
                return Err(taken);
            }
        }
        self.check_number_is_free(session, subject).await?;
        let OrgId(org) = subject.org();
        let is_organization = matches!(subject, Subject::Organization(_));
        if !is_organization && !self.exists(session, ORGANIZATIONS, org.into()).await? {
            return Err(Error::custom(CommitError::NotFound));
        }
        Ok(())
    }

    /// Checks that the number does not belong to an organisation whose removal is still under way.
    async fn check_number_is_free(&self, session: &mut ClientSession, subject: &Subject) -> Result<()> {
        let number = match subject {
            Subject::Organization(org) => org.0,
            Subject::Unit(_, rid) => rid.0,
            Subject::Integration(..)
            | Subject::Inbound(..)
            | Subject::Job(..)
            | Subject::Template(..)
            | Subject::EventType(..)
            | Subject::Lookups(..) => return Ok(()),
        };
        let deletions = self.database.collection::<Document>(ORG_DELETIONS);
        let under_way = doc! { "_id": number, "doneAt": bson::Bson::Null };
        match deletions.find_one(under_way).session(session).await? {
            Some(_) => Err(Error::custom(CommitError::NumberHeld { number })),
            None => Ok(()),
        }
    }

    /// Checks that no other inbound integration of the organisation has this `type`. Commits do not overlap, so the
    /// check still holds when the transaction commits.
    async fn check_route(&self, session: &mut ClientSession, change: &Change) -> Result<()> {
        let Change::PutInbound(inbound) = change else {
            return Ok(());
        };
        let items = self.database.collection::<Document>(INTEGRATIONS);
        let same_route = doc! {
            "orgId": inbound.org_id.0,
            "direction": inbound_integrations::DIRECTION,
            "type": inbound.route.as_str(),
            "_id": { "$ne": object_id(inbound.id.0) },
        };
        let found = items
            .find_one(same_route)
            .projection(doc! { "_id": 1 })
            .session(session)
            .await?;
        match found {
            Some(_) => Err(Error::custom(CommitError::Duplicate { what: "type" })),
            None => Ok(()),
        }
    }

    async fn exists(&self, session: &mut ClientSession, collection: &str, key: bson::Bson) -> Result<bool> {
        let items = self.database.collection::<Document>(collection);
        let found = items
            .find_one(doc! { "_id": key })
            .projection(doc! { "_id": 1 })
            .session(session)
            .await?;
        Ok(found.is_some())
    }

    async fn delete(&self, session: &mut ClientSession, subject: &Subject) -> Result<()> {
        let items = self.database.collection::<Document>(subject.collection());
        items.delete_one(doc! { "_id": subject.key() }).session(&mut *session).await?;
        match subject {
            Subject::Organization(org) => {
                // Its users, keys and history go too: the next organisation with this number must not find any of it.
                let owned_collections = [
                    ORG_UNITS,
                    INTEGRATIONS,
                    TEMPLATES,
                    EVENT_TYPES,
                    BREAKERS,
                    CONFIG_VERSIONS,
                    API_KEYS,
                    USERS,
                ];
                for collection in owned_collections {
                    let items = self.database.collection::<Document>(collection);
                    items.delete_many(doc! { "orgId": org.0 }).session(&mut *session).await?;
                }
                let deletions = self.database.collection::<OrgDeletionDocument>(ORG_DELETIONS);
                deletions
                    .replace_one(doc! { "_id": org.0 }, OrgDeletionDocument::new(*org))
                    .upsert(true)
                    .session(&mut *session)
                    .await?;
                lookups::retire(&self.database, session, doc! { "orgId": org.0 }).await
            }
            Subject::Unit(org, rid) => lookups::retire(&self.database, session, doc! { "orgId": org.0, "tenantId": rid.0 }).await,
            Subject::Integration(..) | Subject::Inbound(..) | Subject::Job(..) => {
                let breakers = self.database.collection::<Document>(BREAKERS);
                let forgotten = breakers.delete_one(doc! { "_id": subject.key() }).session(session).await;
                forgotten.map(drop)
            }
            Subject::Template(..) | Subject::EventType(..) | Subject::Lookups(..) => Ok(()),
        }
    }

    /// Records the change and deletes the one that is too old: one is added, so one is removed.
    pub(super) async fn record_change(
        &self,
        session: &mut ClientSession,
        revision: u64,
        subject: &Subject,
        deleted: bool,
    ) -> Result<()> {
        let log = self.database.collection::<LogDocument>(CONFIG_CHANGES);
        log.insert_one(LogDocument::new(revision, subject, deleted))
            .session(&mut *session)
            .await?;
        if let Some(old) = revision.checked_sub(KEPT_CHANGES) {
            log.delete_one(doc! { "_id": long(old) }).session(session).await?;
        }
        Ok(())
    }
}

/// Selects the item's document, and only in its organisation.
fn subject_filter(subject: &Subject) -> Document {
    let mut filter = doc! { "_id": subject.key(), "orgId": subject.org().0 };
    if let Some(direction) = subject.direction() {
        filter.insert("direction", direction);
    }
    filter
}
