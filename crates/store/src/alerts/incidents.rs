//! Reading incidents, and what persons and the alerter do with them.

use ig_core::alert::{
    Acknowledgement, Incident, IncidentId, IncidentState, IncidentStatus, Resolution, ResolvedBy, Severity, TellingPlan,
};
use ig_core::clock::Timestamp;
use ig_core::id::OrgId;
use ig_core::ports::StoreError;
use mongodb::bson::{Document, doc};

use super::incident_document::{IncidentDocument, state_change};
use super::told_document::told_fields;
use super::{Alerts, DueIncident, TRIES, changes_too_often, open_statuses};
use crate::field::{date, long};
use crate::names::ALERTS;
use crate::notices::Notices;
use crate::page::{Listed, Page, Period, SortTime, TimedSearch, org_filter};

/// Selects incidents; a condition that is `None` matches all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct IncidentFilter {
    /// Status.
    pub status: Option<IncidentStatus>,
    /// Kind of alert.
    pub kind: Option<String>,
    /// Severity.
    pub severity: Option<Severity>,
    /// First reported at this time or later.
    pub start: Option<Timestamp>,
    /// First reported before this time.
    pub end: Option<Timestamp>,
}

impl Alerts {
    /// An organisation's incidents, or the platform's, newest first; a large total is counted only as far as needed.
    pub async fn incidents(
        &self,
        org: Option<OrgId>,
        filter: &IncidentFilter,
        page: Page,
    ) -> Result<Listed<Incident>, StoreError> {
        let IncidentFilter {
            status,
            kind,
            severity,
            start,
            end,
        } = filter;
        let texts = [
            ("status", status.map(IncidentStatus::as_str)),
            ("kind", kind.as_deref()),
            ("severity", severity.map(Severity::as_str)),
        ];
        let search = TimedSearch {
            collection: ALERTS,
            query: org_filter(org.map(|org| org.0), texts),
            keys: &["orgId"],
            time: SortTime::Past("firstAt"),
            period: Period {
                start: *start,
                end: *end,
            },
            without: None,
        };
        let listed = self.database.latest::<IncidentDocument>(search, page).await?;
        listed.try_map(Incident::try_from)
    }

    /// Reads one incident of an organisation, or of the platform.
    pub async fn incident(&self, org: Option<OrgId>, id: &IncidentId) -> Result<Option<Incident>, StoreError> {
        Ok(self.find_due(identity(org, id)).await?.map(|due| due.incident))
    }

    /// A person takes care of an incident; `None` where it does not exist. One that has ended stays as it is.
    pub async fn acknowledge(
        &self,
        org: Option<OrgId>,
        id: &IncidentId,
        acknowledgement: &Acknowledgement,
    ) -> Result<Option<Incident>, StoreError> {
        let now = acknowledgement.at;
        let next = |incident: &Incident| incident.acknowledged(acknowledgement.clone());
        self.change_by_hand(org, id, next, now).await
    }

    /// A person ends an incident; `None` where it does not exist.
    pub async fn resolve(
        &self,
        org: Option<OrgId>,
        id: &IncidentId,
        by: &str,
        note: Option<&str>,
        now: Timestamp,
    ) -> Result<Option<Incident>, StoreError> {
        let resolution = Resolution {
            by: ResolvedBy::Person(by.to_owned()),
            note: note.map(ToOwned::to_owned),
            at: now,
        };
        let next = |incident: &Incident| incident.resolved(resolution.clone());
        self.change_by_hand(org, id, next, now).await
    }

    async fn change_by_hand(
        &self,
        org: Option<OrgId>,
        id: &IncidentId,
        next: impl Fn(&Incident) -> Option<IncidentState>,
        now: Timestamp,
    ) -> Result<Option<Incident>, StoreError> {
        for _ in 0..TRIES {
            let Some(found) = self.find_due(identity(org, id)).await? else {
                return Ok(None);
            };
            let Some(state) = next(&found.incident) else {
                return Ok(Some(found.incident));
            };
            if self.change_state(&found, &state, Document::new(), now).await? {
                return self.incident(org, id).await;
            }
        }
        Err(changes_too_often())
    }

    /// Incidents that it is time to look at, the longest due first.
    pub async fn due(&self, now: Timestamp, limit: u16) -> Result<Vec<DueIncident>, StoreError> {
        let incidents = self.database.collection::<IncidentDocument>(ALERTS);
        let due = incidents
            .find(doc! { "lookAt": { "$lte": date(now) } })
            .sort(doc! { "lookAt": 1 })
            .limit(i64::from(limit));
        let due = self.database.all(due).await?;
        Ok(due.into_iter().filter_map(readable).collect())
    }

    /// Ends an incident that was not reported for a while; false where it changed since it was read.
    pub async fn end_quiet(&self, due: &DueIncident, now: Timestamp) -> Result<bool, StoreError> {
        let resolution = Resolution {
            by: ResolvedBy::Quiet,
            note: None,
            at: now,
        };
        let unreported = doc! { "lastAt": date(due.incident.last_at) };
        self.change_state(due, &IncidentState::Resolved(resolution), unreported, now)
            .await
    }

    /// Stores what follows from a look at an incident: notices for the outbox, and when to look again. False where the incident changed
    /// since it was read; it is still due then.
    pub async fn apply(&self, due: &DueIncident, plan: &TellingPlan) -> Result<bool, StoreError> {
        let notices = Notices::new(self.database.clone());
        notices.enqueue(&due.incident, due.keep_for_ms, &due.outgoing).await?;
        if plan.notices.is_empty() {
            let set = told_fields(&plan.told, &[], plan.held);
            return self.update(due, due.incident.version, with_look(set, plan)).await;
        }
        // It stays due until the outbox has everything.
        let set = told_fields(&plan.told, &plan.notices, plan.held);
        let intent = doc! { "$set": set, "$inc": { "version": 1_i64 } };
        if !self.update(due, due.incident.version, intent).await? {
            return Ok(false);
        }
        notices.enqueue(&due.incident, due.keep_for_ms, &plan.notices).await?;
        let sent = with_look(doc! { "outgoing": [] }, plan);
        self.update(due, due.incident.version + 1, sent).await
    }

    async fn update(&self, due: &DueIncident, version: u64, change: Document) -> Result<bool, StoreError> {
        let unchanged = doc! { "_id": &due.incident.id.0, "version": long(version) };
        let incidents = self.database.collection::<Document>(ALERTS);
        let changed = self.database.within(incidents.update_one(unchanged, change)).await?;
        Ok(changed.matched_count > 0)
    }

    /// Has the open incidents of an organisation, or of the platform, looked at anew: their rules have changed.
    pub(crate) async fn look_again(&self, org: Option<OrgId>, now: Timestamp) -> Result<(), StoreError> {
        let open = doc! { "orgId": org.map(|org| org.0), "status": { "$in": open_statuses() } };
        let look = doc! { "$set": { "lookAt": date(now) } };
        let incidents = self.database.collection::<Document>(ALERTS);
        self.database.within(incidents.update_many(open, look)).await.map(drop)
    }

    pub(super) async fn find_due(&self, filter: Document) -> Result<Option<DueIncident>, StoreError> {
        let incidents = self.database.collection::<IncidentDocument>(ALERTS);
        let found = self.database.within(incidents.find_one(filter)).await?;
        found.map(DueIncident::try_from).transpose()
    }

    /// Stores a state under the version that was read; false where the incident changed since.
    pub(super) async fn change_state(
        &self,
        found: &DueIncident,
        state: &IncidentState,
        condition: Document,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let mut unchanged = doc! { "_id": &found.incident.id.0, "version": long(found.incident.version) };
        unchanged.extend(condition);
        let mut change = state_change(state, found.keep_for_ms, now);
        change.insert("$inc", doc! { "version": 1_i64 });
        let incidents = self.database.collection::<Document>(ALERTS);
        let changed = self.database.within(incidents.update_one(unchanged, change)).await?;
        Ok(changed.matched_count > 0)
    }
}

/// An incident that cannot be read holds up no other.
fn readable(stored: IncidentDocument) -> Option<DueIncident> {
    let read = DueIncident::try_from(stored);
    if let Err(error) = &read {
        tracing::warn!(%error, "an incident cannot be read and is passed over");
    }
    read.ok()
}

fn identity(org: Option<OrgId>, id: &IncidentId) -> Document {
    doc! { "_id": &id.0, "orgId": org.map(|org| org.0) }
}

fn with_look(mut set: Document, plan: &TellingPlan) -> Document {
    let Some(at) = plan.look_at else {
        return doc! { "$set": set, "$unset": { "lookAt": "" } };
    };
    set.insert("lookAt", date(at));
    doc! { "$set": set }
}
