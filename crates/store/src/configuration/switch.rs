//! Holding an integration's deliveries, and letting them go again, without touching anything else of it.

use async_trait::async_trait;
use futures::FutureExt;
use ig_core::clock::Timestamp;
use ig_core::delivery_log::Direction;
use ig_core::history::Action;
use ig_core::id::{IntegrationId, OrgId};
use ig_core::integration::{Guarded, Hold};
use ig_core::ports::{SwitchError, Switches};
use mongodb::ClientSession;
use mongodb::bson::{self, Bson, Document, doc};
use mongodb::error::{Error, Result};
use mongodb::options::ReturnDocument;

use super::expected::refusal;
use super::log::Subject;
use super::{CommitError, Configurations, Expected};
use crate::field::{date, long};
use crate::integrations::HoldDocument;
use crate::names::INTEGRATIONS;
use crate::stored::Outcome as _;

/// An integration to be held or let go.
struct Switch<'a> {
    subject: Subject,
    hold: Option<&'a Hold>,
    now: Timestamp,
}

impl Configurations {
    /// Holds an integration's deliveries, or sends them again where there is no hold; says the revision that this led to.
    pub async fn switch(
        &self,
        direction: Direction,
        org: OrgId,
        id: IntegrationId,
        hold: Option<&Hold>,
        expected: Expected,
        now: Timestamp,
    ) -> std::result::Result<u64, CommitError> {
        let subject = match direction {
            Direction::Outbound => Subject::Integration(org, id),
            Direction::Inbound => Subject::Inbound(org, id),
        };
        let switch = Switch { subject, hold, now };
        let committed = self
            .database
            .transact((self, switch, expected), |session, (this, switch, expected)| {
                this.attempt_switch(session, switch, *expected).boxed()
            });
        committed.await?.map_err(|error| refusal(&error))
    }

    async fn attempt_switch(&self, session: &mut ClientSession, switch: &Switch<'_>, expected: Expected) -> Result<u64> {
        let revision = self.raise_revision(session).await?;
        let found = self.revision_of(session, &switch.subject).await?;
        let checked = expected.check(found, switch.subject.unique_field());
        checked.map_err(Error::custom)?;
        let change = switch.change(revision).map_err(Error::custom)?;
        let integrations = self.database.collection::<Document>(INTEGRATIONS);
        let update = integrations.find_one_and_update(doc! { "_id": switch.subject.key() }, change);
        let update = update.return_document(ReturnDocument::After);
        let switched = update.session(&mut *session).await?;
        self.note(session, revision, &switch.subject, false).await?;
        self.remember(session, revision, &switch.subject, Action::Update, switched.read())
            .await?;
        Ok(revision)
    }
}

#[async_trait]
impl Switches for Configurations {
    async fn switch(&self, known: &Guarded<'_>, hold: Option<&Hold>, now: Timestamp) -> std::result::Result<(), SwitchError> {
        let expected = Expected::Revision(known.revision);
        let switching = Self::switch(self, known.direction, known.org_id, known.id, hold, expected, now);
        match switching.await {
            Ok(_revision) => Ok(()),
            Err(CommitError::Store(error)) => Err(error.into()),
            Err(CommitError::NotFound | CommitError::Stale { .. } | CommitError::Duplicate { .. }) => Err(SwitchError::Stale),
        }
    }
}

impl Switch<'_> {
    fn change(&self, revision: u64) -> std::result::Result<Document, CommitError> {
        let hold = match self.hold.map(HoldDocument::from) {
            Some(hold) => bson::serialize_to_bson(&hold).map_err(|error| unwritable(&error))?,
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

fn unwritable(error: &bson::error::Error) -> CommitError {
    CommitError::Store(ig_core::ports::StoreError::Refused(error.to_string()))
}
