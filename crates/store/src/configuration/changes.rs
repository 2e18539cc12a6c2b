//! Following configuration by its changes.

use std::collections::HashMap;

use ig_core::configuration::{Change, RevisedChange};
use ig_core::event_type::EventTypeDefinition;
use ig_core::organization::{OrgUnit, Organization};
use ig_core::ports::StoreError;
use mongodb::bson::{Bson, doc};
use serde::de::DeserializeOwned;

use super::Configurations;
use super::log::{LogDocument, Noted, Subject};
use crate::event_types::EventTypeDocument;
use crate::field::long;
use crate::integrations::IntegrationDocument;
use crate::names::{CONFIG_CHANGES, EVENT_TYPES, INTEGRATIONS, ORG_UNITS, ORGANIZATIONS};
use crate::org_units::OrgUnitDocument;
use crate::organizations::OrganizationDocument;

impl Configurations {
    /// The first `limit` changes after a revision, in the order of revisions and without a gap; nothing when that
    /// revision is not known (any more), so that the caller has to begin with a snapshot.
    ///
    /// A deletion shows as one. Any other change shows its item as it is now, which may be newer than the change: an item
    /// that is gone by now shows as deleted. Whoever applies all changes still arrives at the truth, because the later ones
    /// follow.
    pub async fn changes_since(&self, revision: u64, limit: u32) -> Result<Option<Vec<RevisedChange>>, StoreError> {
        let current = self.revision().await?;
        if revision >= current {
            return Ok((revision == current).then(Vec::new));
        }
        let until = current.min(revision.saturating_add(u64::from(limit.max(1))));
        let subjects = self.subjects(revision, until).await?;
        let without_gap = subjects
            .iter()
            .zip(revision + 1..)
            .all(|(noted, wanted)| noted.revision == wanted);
        if !without_gap || until - revision != subjects.len() as u64 {
            return Ok(None);
        }
        self.resolve(subjects).await.map(Some)
    }

    async fn subjects(&self, after: u64, until: u64) -> Result<Vec<Noted>, StoreError> {
        let log = self.database.collection::<LogDocument>(CONFIG_CHANGES);
        let find = log
            .find(doc! { "_id": { "$gt": long(after), "$lte": long(until) } })
            .sort(doc! { "_id": 1 });
        self.database.all(find).await?.into_iter().map(LogDocument::read).collect()
    }

    async fn resolve(&self, subjects: Vec<Noted>) -> Result<Vec<RevisedChange>, StoreError> {
        let items = self.items(&subjects).await?;
        let resolved = subjects.into_iter().map(|noted| {
            let item = items.get(&noted.subject).filter(|_| !noted.deleted);
            RevisedChange {
                revision: noted.revision,
                change: item.cloned().unwrap_or_else(|| noted.subject.deletion()),
            }
        });
        Ok(resolved.collect())
    }

    async fn items(&self, subjects: &[Noted]) -> Result<HashMap<Subject, Change>, StoreError> {
        let secrets = self.database.secrets();
        let organizations = self.of_kind(subjects, ORGANIZATIONS, |document: OrganizationDocument| {
            Ok(Change::PutOrganization(Organization::from(document)))
        });
        let units = self.of_kind(subjects, ORG_UNITS, |document: OrgUnitDocument| {
            Ok(Change::PutUnit(OrgUnit::from(document)))
        });
        let event_types = self.of_kind(subjects, EVENT_TYPES, |document: EventTypeDocument| {
            EventTypeDefinition::try_from(document).map(Change::PutEventType)
        });
        let integrations = self.of_kind(subjects, INTEGRATIONS, |document: IntegrationDocument| {
            document
                .read(secrets)
                .map(|integration| Change::PutIntegration(Box::new(integration)))
        });
        let found = tokio::try_join!(organizations, units, event_types, integrations)?;
        let found = [found.0, found.1, found.2, found.3].into_iter().flatten();
        Ok(found.map(|change| (Subject::of(&change), change)).collect())
    }

    async fn of_kind<T>(
        &self,
        subjects: &[Noted],
        collection: &'static str,
        read: impl Fn(T) -> Result<Change, StoreError>,
    ) -> Result<Vec<Change>, StoreError>
    where
        T: DeserializeOwned + Send + Sync,
    {
        let ours = subjects
            .iter()
            .map(|noted| &noted.subject)
            .filter(|subject| subject.collection() == collection);
        let keys: Vec<Bson> = ours.map(Subject::key).collect();
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        let items = self.database.collection::<T>(collection);
        let found = self.database.all(items.find(doc! { "_id": { "$in": keys } })).await?;
        found.into_iter().map(read).collect()
    }
}
