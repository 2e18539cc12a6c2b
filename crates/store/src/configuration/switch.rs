//! Holding and releasing an integration's deliveries without changing anything else of it.

use async_trait::async_trait;
use futures::FutureExt;
use ig_core::alert::Alert;
use ig_core::breaker::Breaker;
use ig_core::clock::Timestamp;
use ig_core::delivery_log::Direction;
use ig_core::history::Action;
use ig_core::id::{IntegrationId, OrgId};
use ig_core::integration::{BreakerSubject, Hold};
use ig_core::ports::{StoreError, SwitchError, Switches};
use ig_documents::HoldDocument;
use mongodb::ClientSession;
use mongodb::bson::{Bson, Document, doc};
use mongodb::error::{Error, Result};
use mongodb::options::ReturnDocument;

use super::expected::commit_error;
use super::log::Subject;
use super::stored_document::hold_document;
use super::{CommitError, Configurations, Expected};
use crate::alerts::Alerts;
use crate::breakers::MongoBreakers;
use crate::field::{date, long};
use crate::names::INTEGRATIONS;
use crate::stored::DriverResult as _;

/// A request to hold or release an integration.
struct Switch<'a> {
    subject: Subject,
    hold: Option<&'a Hold>,
    /// The breaker's next state, where it is stored in the same transaction.
    next: Option<&'a Breaker>,
    /// The alert to send, if any.
    alert: Option<&'a Alert>,
    now: Timestamp,
}

impl Configurations {
    /// Holds an integration's deliveries, or releases them if there is no hold; returns the new revision.
    pub async fn switch(
        &self,
        direction: Direction,
        org: OrgId,
        id: IntegrationId,
        hold: Option<&Hold>,
        expected: Expected,
        now: Timestamp,
    ) -> std::result::Result<u64, CommitError> {
        let switch = Switch {
            subject: subject(direction, org, id),
            hold,
            next: None,
            alert: None,
            now,
        };
        let switched = self.committed_switch(switch, expected).await?;
        Ok(switched.unwrap_or_default())
    }

    /// `None` if the breaker changed since it was read.
    async fn committed_switch(&self, switch: Switch<'_>, expected: Expected) -> std::result::Result<Option<u64>, CommitError> {
        let committed = self
            .database
            .transact((self, switch, expected), |session, (this, switch, expected)| {
                this.attempt_switch(session, switch, *expected).boxed()
            });
        match committed.await? {
            Ok(revision) => Ok(Some(revision)),
            Err(error) if error.get_custom::<BreakerConflict>().is_some() => Ok(None),
            Err(error) => Err(commit_error(&error)),
        }
    }

    async fn attempt_switch(&self, session: &mut ClientSession, switch: &Switch<'_>, expected: Expected) -> Result<u64> {
        let revision = self.raise_revision(session).await?;
        let found = self.revision_of(session, &switch.subject).await?;
        let checked = expected.check(found, switch.subject.unique_field());
        checked.map_err(Error::custom)?;
        self.put_breaker(session, switch).await?;
        if let Some(alert) = switch.alert {
            Alerts::new(self.database.clone()).owe_within(session, alert).await?;
        }
        let change = switch.change(revision).map_err(Error::custom)?;
        let integrations = self.database.collection::<Document>(INTEGRATIONS);
        let update = integrations.find_one_and_update(doc! { "_id": switch.subject.key() }, change);
        let update = update.return_document(ReturnDocument::After);
        let switched = update.session(&mut *session).await?;
        self.record_change(session, revision, &switch.subject, false).await?;
        self.record_version(session, revision, &switch.subject, Action::Update, switched.read())
            .await?;
        Ok(revision)
    }
}

impl Configurations {
    /// Stores the breaker together with the hold that follows from it: after a crash, too, an open breaker has its hold.
    async fn put_breaker(&self, session: &mut ClientSession, switch: &Switch<'_>) -> Result<()> {
        let (Subject::Integration(org, id) | Subject::Inbound(org, id) | Subject::Job(org, id), Some(next)) =
            (&switch.subject, switch.next)
        else {
            return Ok(());
        };
        let breakers = MongoBreakers::new(self.database.clone());
        if breakers.put_within(session, *org, *id, next).await? {
            return Ok(());
        }
        Err(Error::custom(BreakerConflict))
    }
}

/// Another process changed the breaker since it was read.
#[derive(Debug)]
struct BreakerConflict;

fn subject(direction: Direction, org: OrgId, id: IntegrationId) -> Subject {
    match direction {
        Direction::Outbound => Subject::Integration(org, id),
        Direction::Inbound => Subject::Inbound(org, id),
        Direction::Scheduled => Subject::Job(org, id),
    }
}

#[async_trait]
impl Switches for Configurations {
    async fn hold(
        &self,
        known: &BreakerSubject<'_>,
        hold: &Hold,
        alert: &Alert,
        now: Timestamp,
    ) -> std::result::Result<(), SwitchError> {
        let switch = Switch {
            subject: subject(known.direction, known.org_id, known.id),
            hold: Some(hold),
            next: None,
            alert: Some(alert),
            now,
        };
        let switched = self.committed_switch(switch, Expected::Revision(known.revision)).await;
        switched.map(drop).map_err(switch_error)
    }

    async fn apply_breaker(
        &self,
        known: &BreakerSubject<'_>,
        hold: Option<&Hold>,
        next: &Breaker,
        alert: &Alert,
        now: Timestamp,
    ) -> std::result::Result<bool, SwitchError> {
        let switch = Switch {
            subject: subject(known.direction, known.org_id, known.id),
            hold,
            next: Some(next),
            alert: Some(alert),
            now,
        };
        let switched = self.committed_switch(switch, Expected::Revision(known.revision)).await;
        switched.map(|revision| revision.is_some()).map_err(switch_error)
    }
}

fn switch_error(error: CommitError) -> SwitchError {
    match error {
        CommitError::Store(error) => error.into(),
        CommitError::NotFound | CommitError::Stale { .. } | CommitError::Duplicate { .. } | CommitError::NumberHeld { .. } => {
            SwitchError::Stale
        }
        CommitError::TooLarge { .. } | CommitError::Full => StoreError::Refused(error.to_string()).into(),
    }
}

impl Switch<'_> {
    fn change(&self, revision: u64) -> std::result::Result<Document, CommitError> {
        let hold = match self.hold.cloned().map(HoldDocument::from) {
            Some(hold) => hold_document(&hold).map_err(CommitError::Store)?.into(),
            None => Bson::Null,
        };
        Ok(doc! { "$set": {
            "isActive": self.hold.is_none(),
            "hold": hold,
            "revision": long(revision),
            "updatedAt": date(self.now),
        } })
    }
}
