//! The schema: collections, indexes, counters and leases that must exist before the first write, and configuration in the
//! current format.
//!
//! Every index costs each insert. The collections that grow with deliveries have only the indexes that lists need, each
//! with its reason beside it; together they are a quarter of what recording a delivery costs the server.

use ig_core::partition::PartitionId;
use ig_core::ports::StoreError;
use mongodb::IndexModel;
use mongodb::bson::{Document, doc};
use mongodb::error::{Error, ErrorKind};
use mongodb::options::IndexOptions;

use crate::configuration::{REVISION, rewrite};
use crate::database::Database;
use crate::delivery_statistics::TALLIED;
use crate::names;
use crate::partition_leases::LeaseDocument;
use crate::processed_events::RETENTION_SECONDS;
use crate::pushed_events::{FORGOTTEN, POSITION};

/// The server's code for an existing collection.
const NAMESPACE_EXISTS: i32 = 48;
/// The server's code for a missing index.
const INDEX_NOT_FOUND: i32 = 27;

const COLLECTIONS: &[&str] = &[
    names::ORGANIZATIONS,
    names::ORG_DELETIONS,
    names::ORG_UNITS,
    names::INTEGRATIONS,
    names::EVENT_TYPES,
    names::LOOKUPS,
    names::LOOKUP_TABLES,
    names::LOOKUP_LEFTOVERS,
    names::LOOKUP_IMPORTS,
    names::LOOKUP_USAGE,
    names::CONFIG_CHANGES,
    names::CONFIG_SIZES,
    names::COUNTERS,
    names::DELIVERY_LOGS,
    names::DELIVERY_TALLIES,
    names::EXECUTION_LOGS,
    names::EVENT_AUDIT,
    names::DEAD_LETTERS,
    names::REDRIVES,
    names::PROCESSED_EVENTS,
    names::LEASES,
    names::MEMBERS,
    names::PUSHED_EVENTS,
    names::SCHEDULED,
    names::SCHEDULED_CANCELLATIONS,
    names::API_KEYS,
    names::USERS,
    names::ALERTS,
    names::OWED_ALERTS,
    names::SILENCES,
    names::ALERT_ROUTES,
    names::NOTIFICATION_CHANNELS,
    names::NOTICES,
    names::NOTICE_QUEUES,
    names::BREAKERS,
    names::RATE_WINDOWS,
    names::INBOUND_REPLAYS,
];

/// Indexes of earlier versions that others have replaced. An index with changed options needs a new name, because a
/// server refuses an index whose name exists with other options.
const RETIRED: &[(&str, &str)] = &[(names::DELIVERY_LOGS, "correlationId_1")];

/// Creates what is missing, rewrites what an earlier version stored, and leaves the rest alone, so any number of processes may run it at once. A retired index is
/// dropped after its successor exists, so that no query lacks an index in between.
pub(crate) async fn run(database: &Database) -> Result<(), StoreError> {
    for collection in COLLECTIONS {
        create(database, collection).await?;
    }
    for (collection, indexes) in indexes() {
        let target = database.collection::<Document>(collection);
        database.within(target.create_indexes(indexes)).await?;
    }
    for (collection, index) in RETIRED {
        drop_index(database, collection, index).await?;
    }
    let counters = [REVISION, POSITION, FORGOTTEN, TALLIED].map(|name| doc! { "_id": name, "value": 0_i64 });
    database.insert_once(names::COUNTERS, counters.to_vec()).await?;
    database
        .insert_once(names::LEASES, PartitionId::all().map(LeaseDocument::unclaimed).collect())
        .await?;
    rewrite::run(database).await
}

async fn create(database: &Database, collection: &str) -> Result<(), StoreError> {
    match database.raw(database.driver().create_collection(collection)).await? {
        Err(error) if !is_code(&error, NAMESPACE_EXISTS) => Err(crate::error::store_error(&error)),
        _ => Ok(()),
    }
}

async fn drop_index(database: &Database, collection: &str, index: &str) -> Result<(), StoreError> {
    let target = database.collection::<Document>(collection);
    match database.raw(target.drop_index(index)).await? {
        Err(error) if !is_code(&error, INDEX_NOT_FOUND) => Err(crate::error::store_error(&error)),
        _ => Ok(()),
    }
}

fn is_code(error: &Error, code: i32) -> bool {
    matches!(error.kind.as_ref(), ErrorKind::Command(command) if command.code == code)
}

fn indexes() -> Vec<(&'static str, Vec<IndexModel>)> {
    let by_org = || on(doc! { "orgId": 1 });
    vec![
        // Configuration is small and seldom written: an organisation's items, for lists and for its deletion. Deletions
        // are found by number, and few are under way.
        (names::ORG_DELETIONS, vec![expiring()]),
        (names::ORG_UNITS, vec![by_org()]),
        (names::INTEGRATIONS, vec![by_org()]),
        (names::EVENT_TYPES, vec![by_org()]),
        (names::TEMPLATES, vec![by_org()]),
        (names::LOOKUPS, lookups()),
        (names::LOOKUP_TABLES, vec![on(doc! { "orgId": 1, "type": 1 })]),
        // Generations due for a sweep.
        (names::LOOKUP_LEFTOVERS, vec![on(doc! { "dueAt": 1 })]),
        (names::LOOKUP_IMPORTS, vec![newest_first(doc! { "orgId": 1 }), expiring()]),
        (names::LOOKUP_USAGE, vec![by_org()]),
        (names::DELIVERY_LOGS, delivery_logs()),
        // A range is found by `_id`; this is the expiry.
        (names::DELIVERY_TALLIES, vec![expiring()]),
        // Found by the ids of their deliveries.
        (names::EXECUTION_LOGS, vec![expiring()]),
        // Lists of an organisation, and of events without one; the decision about one event; expiry.
        (
            names::EVENT_AUDIT,
            vec![newest_first(doc! { "orgId": 1 }), on(doc! { "eventId": 1 }), expiring()],
        ),
        (names::DEAD_LETTERS, dead_letters()),
        (names::REDRIVES, redrives()),
        (names::ALERTS, alerts()),
        // Unclaimed entries; those of one trouble; expiry.
        (
            names::OWED_ALERTS,
            vec![on(doc! { "claimedUntil": 1 }), given("fingerprint"), expiring()],
        ),
        // Lists; the silences of an organisation that have not ended; expiry.
        (
            names::SILENCES,
            vec![
                newest_first(doc! { "orgId": 1 }),
                on(doc! { "orgId": 1, "until": 1 }),
                expiring(),
            ],
        ),
        (names::ALERT_ROUTES, vec![by_org()]),
        (names::NOTIFICATION_CHANNELS, vec![by_org()]),
        (names::NOTICES, notices()),
        // Due queues: one that has nothing to do lacks the field, and so is outside every range. Deletion of an organisation.
        (names::NOTICE_QUEUES, vec![on(doc! { "nextAt": 1 }), by_org()]),
        // Windows that are over.
        (names::RATE_WINDOWS, vec![expiring()]),
        // Signatures whose timestamp is stale.
        (names::INBOUND_REPLAYS, vec![expiring()]),
        // Deletion of an organisation.
        (names::BREAKERS, vec![by_org()]),
        // One document holds thousands of events, so the cost per delivery is negligible; also finds the events since a time.
        (
            names::PROCESSED_EVENTS,
            vec![expiring_after(doc! { "at": 1 }, RETENTION_SECONDS)],
        ),
        // Workers that died long ago.
        (names::MEMBERS, vec![expiring_after(doc! { "expiresAt": 1 }, 3_600)]),
        // Event ids are unique within an organisation.
        (names::PUSHED_EVENTS, vec![unique(doc! { "key": 1 })]),
        (names::SCHEDULED, scheduled()),
        // Found by `_id`; this is the expiry.
        (names::SCHEDULED_CANCELLATIONS, vec![expiring()]),
        (names::API_KEYS, vec![unique(doc! { "keyHash": 1 }), by_org()]),
        (
            names::USERS,
            vec![unique(doc! { "email": 1 }), on(doc! { "orgId": 1, "role": 1 })],
        ),
        // The versions of one item; deletion of an organisation; expiry of superseded versions.
        (
            names::CONFIG_VERSIONS,
            vec![on(doc! { "orgId": 1, "kind": 1, "item": 1, "_id": -1 }), expiring()],
        ),
        // Lists of everything and of one organisation; expiry.
        (
            names::AUDIT_LOGS,
            vec![newest_first(Document::new()), newest_first(doc! { "orgId": 1 }), expiring()],
        ),
        // A user's sessions, to end them all; expiry.
        (names::SESSIONS, vec![on(doc! { "userId": 1 }), expiring()]),
    ]
}

fn delivery_logs() -> Vec<IndexModel> {
    vec![
        // Every list is of one organisation.
        newest_first(doc! { "orgId": 1 }),
        // Failures are few among many successes and the usual target of a search; this index has no successes.
        without_successes(doc! { "orgId": 1, "status": 1 }),
        // The list of one integration among hundreds.
        newest_first(doc! { "integrationConfigId": 1 }),
        // Single deliveries by the identifiers that other systems know: trace, event, message, call.
        on(doc! { "traceId": 1 }),
        on(doc! { "eventId": 1 }),
        on(doc! { "messageId": 1 }),
        // Only calls usually have a correlation id that differs from their trace id.
        renamed("correlationId_1_given", given("correlationId")),
        expiring(),
    ]
}

fn lookups() -> Vec<IndexModel> {
    let active = IndexOptions::builder()
        .unique(true)
        .partial_filter_expression(doc! { "isActive": true })
        .build();
    let mut one_active = on(doc! { "generation": 1, "source.id": 1 });
    one_active.options = Some(active);
    vec![
        // A table maps no value twice; also finds the target of a value.
        one_active,
        // The values of a target.
        on(doc! { "generation": 1, "target.id": 1 }),
        // Lists and exports, and the existing rows for an import.
        on(doc! { "orgId": 1, "type": 1, "source.id": 1, "_id": 1 }),
    ]
}

fn dead_letters() -> Vec<IndexModel> {
    vec![
        // Due letters: their organisations, and each organisation's oldest.
        on(doc! { "status": 1, "nextRetryAt": 1 }),
        on(doc! { "orgId": 1, "status": 1, "nextRetryAt": 1 }),
        // The letters of a redrive; few letters are ever redriven.
        given("redriveId"),
        // Owed alerts.
        only(doc! { "alertOwed": 1 }, doc! { "alertOwed": true }),
        // The letters of one event.
        on(doc! { "eventId": 1 }),
        // Lists, with and without a status.
        newest_first(doc! { "orgId": 1 }),
        newest_first(doc! { "orgId": 1, "status": 1 }),
        // Expiry of settled letters.
        expiring(),
    ]
}

/// An index of the documents that have this field.
fn given(field: &str) -> IndexModel {
    only(doc! { field: 1 }, doc! { field: { "$exists": true } })
}

/// Names an index that replaces another with the same keys, whose default name would be the same.
fn renamed(name: &str, mut index: IndexModel) -> IndexModel {
    index.options.get_or_insert_default().name = Some(name.to_owned());
    index
}

fn only(keys: Document, some: Document) -> IndexModel {
    let mut index = on(keys);
    index.options = Some(IndexOptions::builder().partial_filter_expression(some).build());
    index
}

fn alerts() -> Vec<IndexModel> {
    vec![
        // Lists of an organisation, and of the platform, where `orgId` is null.
        on(doc! { "orgId": 1, "firstAt": -1, "_id": -1 }),
        // The open incident of some trouble.
        on(doc! { "fingerprint": 1, "status": 1 }),
        // Lists by status, and the open incidents of an organisation, when its rules change.
        on(doc! { "orgId": 1, "status": 1, "firstAt": -1, "_id": -1 }),
        // Due incidents: where nothing can become due, the field is absent, and so is outside every range.
        on(doc! { "lookAt": 1 }),
        expiring(),
    ]
}

fn notices() -> Vec<IndexModel> {
    vec![
        // The notices of a channel that wait, or are being sent.
        on(doc! { "channel": 1, "status": 1 }),
        newest_first(doc! { "orgId": 1 }),
        expiring(),
    ]
}

fn redrives() -> Vec<IndexModel> {
    vec![
        // Redrives under way.
        on(doc! { "settled": 1, "createdAt": 1 }),
        newest_first(doc! { "orgId": 1 }),
        expiring(),
    ]
}

fn scheduled() -> Vec<IndexModel> {
    vec![
        // Due rows: a finished row lacks the field, and so is outside every range.
        on(doc! { "dueAt": 1 }),
        // Lists by status, and an organisation's due rows.
        on(doc! { "orgId": 1, "status": 1, "scheduledFor": -1, "_id": -1 }),
        // Lists.
        on(doc! { "orgId": 1, "scheduledFor": -1, "_id": -1 }),
        // The rows of one event.
        on(doc! { "originalEventId": 1 }),
        // The rows that an event cancels.
        on(doc! { "callOffKeys": 1 }),
        expiring(),
    ]
}

fn on(keys: Document) -> IndexModel {
    IndexModel::builder().keys(keys).build()
}

fn unique(keys: Document) -> IndexModel {
    let options = IndexOptions::builder().unique(true).build();
    IndexModel::builder().keys(keys).options(options).build()
}

/// The full sort order of the lists: with an index that lacked the last key, every list would be sorted in memory.
fn newest_first(mut keys: Document) -> IndexModel {
    keys.extend(doc! { "createdAt": -1, "_id": -1 });
    on(keys)
}

/// The same without successes: `SUCCESS` is alphabetically the last status.
fn without_successes(keys: Document) -> IndexModel {
    let not_succeeded = doc! { "status": { "$lt": "SUCCESS" } };
    let mut index = newest_first(keys);
    index.options = Some(IndexOptions::builder().partial_filter_expression(not_succeeded).build());
    index
}

/// The server deletes a document at its own `expiresAt`.
fn expiring() -> IndexModel {
    expiring_after(doc! { "expiresAt": 1 }, 0)
}

fn expiring_after(keys: Document, seconds: u64) -> IndexModel {
    let options = IndexOptions::builder()
        .expire_after(std::time::Duration::from_secs(seconds))
        .build();
    IndexModel::builder().keys(keys).options(options).build()
}

#[cfg(test)]
mod tests {
    use ig_core::delivery_log::DeliveryStatus;

    use super::*;

    #[test]
    fn migration_makes_no_index_that_is_a_prefix_of_another() {
        for (collection, indexes) in indexes() {
            let keys: Vec<Vec<_>> = indexes.iter().map(|index| index.keys.iter().collect()).collect();
            for (number, all) in keys.iter().enumerate() {
                let others = keys.iter().enumerate().filter(|(other, _)| *other != number);
                for (_, other) in others {
                    assert!(!other.starts_with(all), "{collection}: {all:?} is of no use beside {other:?}");
                }
            }
        }
    }

    #[test]
    fn migration_makes_no_retired_index() {
        for (collection, retired) in RETIRED {
            let made = indexes().into_iter().filter(|(name, _)| name == collection);
            for index in made.flat_map(|(_, indexes)| indexes) {
                let name = index.options.and_then(|options| options.name);
                let parts = index.keys.iter().map(|(field, order)| format!("{field}_{order}"));
                let name = name.unwrap_or_else(|| parts.collect::<Vec<_>>().join("_"));
                assert_ne!(name, *retired, "{collection}");
            }
        }
    }

    #[test]
    fn success_is_alphabetically_the_last_status() {
        let last = DeliveryStatus::ALL.iter().map(|status| status.as_str()).max();
        assert_eq!(last, Some(DeliveryStatus::Success.as_str()));
    }
}
