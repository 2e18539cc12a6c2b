//! Planning and cancelling. Either may come first, in any process: planning stores the delivery and then looks for
//! cancellations of it, and cancelling stores the cancellation and then looks for planned deliveries, so that one of
//! the two sees the other.

use std::collections::BTreeSet;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use ig_core::ports::StoreError;
use ig_core::scheduled::{CallOff, CallOffKey, ScheduledDelivery, ScheduledStatus};
use mongodb::bson::{self, Document, doc};

use super::call_offs::{CallOffDocument, before};
use super::document::{EventDocument, ScheduledDocument};
use super::{ScheduledDeliveries, cancelled};
use crate::database::Documents;
use crate::error::{is_duplicate, store_error, unreadable};
use crate::field::object_id;
use crate::names::{SCHEDULED, SCHEDULED_CALL_OFFS};

impl ScheduledDeliveries {
    /// Plans deliveries; existing ones stay as they are. A delivery that a later event cancels is cancelled at once.
    pub fn plan<'a>(&'a self, deliveries: &'a [&'a ScheduledDelivery]) -> BoxFuture<'a, Result<(), StoreError>> {
        // Recursive: a replacement may be cancelled in its turn.
        async move {
            let documents = deliveries.iter().map(|delivery| ScheduledDocument::from(*delivery)).collect();
            self.database.insert_once(SCHEDULED, documents).await?;
            let keys: BTreeSet<_> = deliveries.iter().flat_map(|delivery| &delivery.call_off_keys).collect();
            for call_off in self.call_offs_of(&keys).await? {
                // A replacement shares the key of the event that planned it, which must not cancel it.
                if deliveries.iter().any(|delivery| call_off.calls_off(delivery)) {
                    self.apply(&call_off).await?;
                }
            }
            Ok(())
        }
        .boxed()
    }

    /// Cancels deliveries that earlier events planned, now or when those events are read later.
    pub async fn call_off(&self, call_off: &CallOff) -> Result<(), StoreError> {
        self.remember(call_off).await?;
        self.apply(call_off).await
    }

    fn call_offs(&self) -> Documents<CallOffDocument<'static>> {
        self.database.collection(SCHEDULED_CALL_OFFS)
    }

    async fn call_offs_of(&self, keys: &BTreeSet<&CallOffKey>) -> Result<Vec<CallOff>, StoreError> {
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        let keys: Vec<_> = keys.iter().map(|key| object_id(key.0)).collect();
        let found = self
            .database
            .all(self.call_offs().find(doc! { "_id": { "$in": keys } }))
            .await?;
        found.into_iter().map(CallOff::try_from).collect()
    }

    /// An insert, not an upsert: not every server lets only one of several concurrent upserts win.
    async fn remember(&self, call_off: &CallOff) -> Result<(), StoreError> {
        let document = CallOffDocument::from(call_off);
        match self.database.raw(self.call_offs().insert_one(&document)).await? {
            Ok(_) => return Ok(()),
            Err(error) if is_duplicate(&error) => {}
            Err(error) => return Err(store_error(&error)),
        }
        let earlier = doc! { "_id": object_id(call_off.key.0), "$or": before(call_off) };
        self.database.within(self.call_offs().replace_one(earlier, &document)).await?;
        Ok(())
    }

    async fn apply(&self, call_off: &CallOff) -> Result<(), StoreError> {
        let cancelled = cancelled(&call_off.cancellation(), call_off.keep_for)?;
        let pending = doc! {
            "callOffKeys": object_id(call_off.key.0),
            "orgId": call_off.org_id.0,
            "status": ScheduledStatus::Pending.as_str(),
            "$or": before(call_off),
        };
        let rows = self.rows::<Document>();
        self.database.within(rows.update_many(pending, cancelled)).await?;
        match &call_off.replacement {
            Some(replacement) if self.has_called_off(call_off).await? => self.plan(&[replacement]).await,
            _ => Ok(()),
        }
    }

    /// Whether this event has cancelled anything, now or in an earlier attempt that was interrupted.
    async fn has_called_off(&self, call_off: &CallOff) -> Result<bool, StoreError> {
        let event = EventDocument::from(&call_off.event);
        let event = bson::serialize_to_bson(&event).map_err(|_| unreadable("cancellationInfo"))?;
        let by_this = doc! { "callOffKeys": object_id(call_off.key.0), "cancellationInfo.event": event };
        let rows = self.rows::<Document>();
        let found = rows.find_one(by_this).projection(doc! { "_id": 1 });
        Ok(self.database.within(found).await?.is_some())
    }
}
