//! Storing a group of pushed events in one transaction.

use std::collections::HashMap;

use futures::FutureExt;
use futures::TryStreamExt;
use ig_core::id::Position;
use ig_core::ports::StoreError;
use mongodb::ClientSession;
use mongodb::bson::doc;
use mongodb::error::{Error, Result};
use mongodb::options::ReturnDocument;

use super::document::{KnownDocument, PushedDocument, digest, key};
use super::{POSITION, PushOutcome, PushedEvent};
use crate::configuration::Counter;
use crate::database::Database;
use crate::error::store_error;
use crate::field::{long, unsigned};
use crate::names::{COUNTERS, PUSHED_EVENTS};
use crate::stored::Stored;

/// Stores the new events and returns a result for each.
pub(super) async fn accept(database: &Database, events: &[PushedEvent]) -> std::result::Result<Vec<PushOutcome>, StoreError> {
    let accepted = database.transact((database, events), |session, (database, events)| {
        attempt_accept(database, session, events).boxed()
    });
    accepted.await?.map_err(|error| store_error(&error))
}

async fn attempt_accept(database: &Database, session: &mut ClientSession, events: &[PushedEvent]) -> Result<Vec<PushOutcome>> {
    // The counter is raised first: a concurrent transaction fails here and restarts, and then sees what the first one stored.
    let count = events.len() as u64;
    let before = raise_counter(database, session, long(count)).await? - count;
    let digests = stored_digests(database, session, events).await?;
    let accepted = outcomes(events, digests);
    let new = events
        .iter()
        .zip(&accepted)
        .filter(|(_, accepted)| **accepted == PushOutcome::New);
    let documents: Vec<_> = new
        .zip(before + 1..)
        .map(|((event, _), position)| PushedDocument::new(event, position))
        .collect();
    let unused = count - documents.len() as u64;
    if unused > 0 {
        raise_counter(database, session, -long(unused)).await?;
    }
    if !documents.is_empty() {
        let queue = database.collection::<PushedDocument<'_>>(PUSHED_EVENTS);
        queue.insert_many(&documents).session(session).await?;
    }
    Ok(accepted)
}

/// Raises the counter and returns its new value.
async fn raise_counter(database: &Database, session: &mut ClientSession, by: i64) -> Result<Position> {
    let counters = database.collection::<Counter>(COUNTERS);
    let raised = counters
        .find_one_and_update(doc! { "_id": POSITION }, doc! { "$inc": { "value": by } })
        .return_document(ReturnDocument::After)
        .session(session)
        .await?;
    let raised = raised.ok_or_else(|| Error::custom("the database is not migrated".to_owned()))?;
    Ok(unsigned(raised.0.value))
}

async fn stored_digests(
    database: &Database,
    session: &mut ClientSession,
    events: &[PushedEvent],
) -> Result<HashMap<String, Vec<u8>>> {
    let keys: Vec<_> = events.iter().map(key).collect();
    let queue = database.collection::<KnownDocument>(PUSHED_EVENTS);
    let find = queue
        .find(doc! { "key": { "$in": keys } })
        .projection(doc! { "_id": 0, "key": 1, "digest": 1 });
    let mut cursor = find.session(&mut *session).await?;
    let found: Vec<_> = cursor.stream(session).map_ok(|Stored(known)| known).try_collect().await?;
    Ok(found.into_iter().map(|known| (known.key, known.digest.bytes)).collect())
}

/// Compares with stored events, and with earlier ones in the same group.
fn outcomes(events: &[PushedEvent], mut digests: HashMap<String, Vec<u8>>) -> Vec<PushOutcome> {
    let mut accepted = Vec::with_capacity(events.len());
    for event in events {
        let (key, digest) = (key(event), digest(event));
        accepted.push(match digests.get(&key) {
            Some(first) if *first == digest => PushOutcome::Repeated,
            Some(_) => PushOutcome::Conflict,
            None => {
                digests.insert(key, digest);
                PushOutcome::New
            }
        });
    }
    accepted
}
