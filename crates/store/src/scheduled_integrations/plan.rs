//! Planning and cancelling. Either may come first, in any process: planning stores the delivery and then looks for
//! cancellations of it, and cancelling stores the cancellation and then looks for planned deliveries, so that one of
//! the two sees the other.

use std::collections::BTreeSet;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use ig_core::ports::StoreError;
use ig_core::scheduled::{CancellationEvent, CancellationKey, ScheduledDelivery, ScheduledStatus};
use mongodb::bson::{self, Document, doc};

use super::cancellation_events::{CancellationEventDocument, of_earlier_events};
use super::document::{EventDocument, ScheduledDocument};
use super::{ScheduledDeliveries, cancelled_update};
use crate::database::Documents;
use crate::error::{is_duplicate, store_error, unreadable};
use crate::field::object_id;
use crate::names::{SCHEDULED, SCHEDULED_CANCELLATIONS};

impl ScheduledDeliveries {
    /// Plans deliveries; existing ones stay as they are. A delivery that a later event cancels is cancelled at once.
    pub fn plan<'a>(&'a self, deliveries: &'a [&'a ScheduledDelivery]) -> BoxFuture<'a, Result<(), StoreError>> {
        // Recursive: a replacement may be cancelled in its turn.
        async move {
            let documents = deliveries.iter().map(|delivery| ScheduledDocument::from(*delivery)).collect();
            self.database.insert_once(SCHEDULED, documents).await?;
            let keys: BTreeSet<_> = deliveries.iter().flat_map(|delivery| &delivery.cancellation_keys).collect();
            for cancelling in self.events_with(&keys).await? {
                // A replacement shares the key of the event that planned it, which must not cancel it.
                if deliveries.iter().any(|delivery| cancelling.cancels(delivery)) {
                    self.cancel_pending(&cancelling).await?;
                }
            }
            Ok(())
        }
        .boxed()
    }

    /// Cancels deliveries that earlier events planned, now or when those events are read later.
    pub async fn cancel_earlier(&self, cancelling: &CancellationEvent) -> Result<(), StoreError> {
        self.store_event(cancelling).await?;
        self.cancel_pending(cancelling).await
    }

    fn cancellation_events(&self) -> Documents<CancellationEventDocument<'static>> {
        self.database.collection(SCHEDULED_CANCELLATIONS)
    }

    async fn events_with(&self, keys: &BTreeSet<&CancellationKey>) -> Result<Vec<CancellationEvent>, StoreError> {
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        let keys: Vec<_> = keys.iter().map(|key| object_id(key.0)).collect();
        let found = self
            .database
            .all(self.cancellation_events().find(doc! { "_id": { "$in": keys } }))
            .await?;
        found.into_iter().map(CancellationEvent::try_from).collect()
    }

    /// An insert, not an upsert: not every server lets only one of several concurrent upserts win.
    async fn store_event(&self, cancelling: &CancellationEvent) -> Result<(), StoreError> {
        let document = CancellationEventDocument::from(cancelling);
        match self.database.raw(self.cancellation_events().insert_one(&document)).await? {
            Ok(_) => return Ok(()),
            Err(error) if is_duplicate(&error) => {}
            Err(error) => return Err(store_error(&error)),
        }
        let earlier = doc! { "_id": object_id(cancelling.key.0), "$or": of_earlier_events(cancelling) };
        self.database
            .within(self.cancellation_events().replace_one(earlier, &document))
            .await?;
        Ok(())
    }

    async fn cancel_pending(&self, cancelling: &CancellationEvent) -> Result<(), StoreError> {
        let cancelled = cancelled_update(&cancelling.cancellation(), cancelling.keep_for)?;
        let pending = doc! {
            "callOffKeys": object_id(cancelling.key.0),
            "orgId": cancelling.org_id.0,
            "status": ScheduledStatus::Pending.as_str(),
            "$or": of_earlier_events(cancelling),
        };
        let rows = self.rows::<Document>();
        self.database.within(rows.update_many(pending, cancelled)).await?;
        match &cancelling.replacement {
            Some(replacement) if self.has_cancelled(cancelling).await? => self.plan(&[replacement]).await,
            _ => Ok(()),
        }
    }

    /// Whether this event has cancelled anything, now or in an earlier attempt that was interrupted.
    async fn has_cancelled(&self, cancelling: &CancellationEvent) -> Result<bool, StoreError> {
        let event = EventDocument::from(&cancelling.event);
        let event = bson::serialize_to_bson(&event).map_err(|_| unreadable("cancellationInfo"))?;
        let by_this = doc! { "callOffKeys": object_id(cancelling.key.0), "cancellationInfo.event": event };
        let rows = self.rows::<Document>();
        let found = rows.find_one(by_this).projection(doc! { "_id": 1 });
        Ok(self.database.within(found).await?.is_some())
    }
}
