//! What has to be there before anything is written: collections, indexes, counters, leases.
//!
//! Every index costs each insert. Those of the collections that grow with deliveries are as few as the lists need; the
//! reason for each stands beside it: measured together they are a quarter of what recording a
//! delivery costs the server.

use ig_core::partition::PartitionId;
use ig_core::ports::StoreError;
use mongodb::IndexModel;
use mongodb::bson::{Document, doc};
use mongodb::error::{Error, ErrorKind};
use mongodb::options::IndexOptions;

use crate::configuration::REVISION;
use crate::database::Database;
use crate::delivery_statistics::TALLIED;
use crate::names;
use crate::partition_leases::LeaseDocument;
use crate::processed_events::REMEMBERED_SECONDS;
use crate::pushed_events::{FORGOTTEN, POSITION};

/// The server's code for a collection that exists.
const NAMESPACE_EXISTS: i32 = 48;
/// The server's code for an index that does not exist.
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
    names::CHECKPOINTS,
    names::MEMBERS,
    names::PUSHED_EVENTS,
    names::SCHEDULED,
    names::SCHEDULED_CALL_OFFS,
    names::API_KEYS,
    names::USERS,
    names::ALERTS,
    names::OWED_ALERTS,
    names::BREAKERS,
    names::RATE_WINDOWS,
    names::INBOUND_REPLAYS,
];

/// Indexes of earlier versions whose work others do now. One whose options change gets another name too, for a server refuses an index that
/// has the name of one with other options.
const RETIRED: &[(&str, &str)] = &[(names::DELIVERY_LOGS, "correlationId_1")];

/// Makes what is missing; what is there stays as it is, so any number of processes may do this at once. What is retired goes when its
/// successor is there, so that nothing is looked for without an index meanwhile.
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
        .insert_once(names::CHECKPOINTS, PartitionId::all().map(LeaseDocument::unclaimed).collect())
        .await
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
        // Configuration is small and seldom written: an organisation's own items, for its lists and for its deletion.
        // They are found by their numbers, and few are under way.
        (names::ORG_DELETIONS, vec![expiring()]),
        (names::ORG_UNITS, vec![by_org()]),
        (names::INTEGRATIONS, vec![by_org()]),
        (names::EVENT_TYPES, vec![by_org()]),
        (names::TEMPLATES, vec![by_org()]),
        (names::LOOKUPS, lookups()),
        (names::LOOKUP_TABLES, vec![on(doc! { "orgId": 1, "type": 1 })]),
        // Those whose time has come.
        (names::LOOKUP_LEFTOVERS, vec![on(doc! { "dueAt": 1 })]),
        (names::LOOKUP_IMPORTS, vec![newest_first(doc! { "orgId": 1 }), expiring()]),
        (names::LOOKUP_USAGE, vec![by_org()]),
        (names::DELIVERY_LOGS, delivery_logs()),
        // A range of them is found by their ids; this is their end.
        (names::DELIVERY_TALLIES, vec![expiring()]),
        // They are found by the ids of their deliveries.
        (names::EXECUTION_LOGS, vec![expiring()]),
        // The lists of an organisation, and of events without one; what was decided about one event; the end of each entry.
        (
            names::EVENT_AUDIT,
            vec![newest_first(doc! { "orgId": 1 }), on(doc! { "eventId": 1 }), expiring()],
        ),
        (names::DEAD_LETTERS, dead_letters()),
        (names::REDRIVES, redrives()),
        // The list of an organisation, and of the platform, which is none; the end of each alert.
        (
            names::ALERTS,
            vec![on(doc! { "orgId": 1, "firstAt": -1, "_id": -1 }), expiring()],
        ),
        // Those that nobody is telling of; the end of each.
        (names::OWED_ALERTS, vec![on(doc! { "claimedUntil": 1 }), expiring()]),
        // Windows that say nothing any more.
        (names::RATE_WINDOWS, vec![expiring()]),
        // Signatures whose timestamp is stale anyway.
        (names::INBOUND_REPLAYS, vec![expiring()]),
        // What goes with an organisation.
        (names::BREAKERS, vec![by_org()]),
        // One document holds thousands of events, so this costs nothing a delivery; it also finds those since a moment.
        (
            names::PROCESSED_EVENTS,
            vec![expiring_after(doc! { "at": 1 }, REMEMBERED_SECONDS)],
        ),
        // Workers that died long ago.
        (names::MEMBERS, vec![expiring_after(doc! { "expiresAt": 1 }, 3_600)]),
        // No two events of one organisation have the same identifier.
        (names::PUSHED_EVENTS, vec![unique(doc! { "key": 1 })]),
        (names::SCHEDULED, scheduled()),
        // They are found by their ids; this is their end.
        (names::SCHEDULED_CALL_OFFS, vec![expiring()]),
        (names::API_KEYS, vec![unique(doc! { "keyHash": 1 }), by_org()]),
        (
            names::USERS,
            vec![unique(doc! { "email": 1 }), on(doc! { "orgId": 1, "role": 1 })],
        ),
        // One thing's versions; what goes with an organisation; the end of what another version has followed.
        (
            names::CONFIG_VERSIONS,
            vec![on(doc! { "orgId": 1, "kind": 1, "item": 1, "_id": -1 }), expiring()],
        ),
        // The list, of everything and of one organisation; the end of each entry.
        (
            names::AUDIT_LOGS,
            vec![newest_first(Document::new()), newest_first(doc! { "orgId": 1 }), expiring()],
        ),
        // A person's, when they are all to end; the end of each.
        (names::SESSIONS, vec![on(doc! { "userId": 1 }), expiring()]),
    ]
}

fn delivery_logs() -> Vec<IndexModel> {
    vec![
        // Every list is an organisation's.
        newest_first(doc! { "orgId": 1 }),
        // Failures are few among many successes, and they are what people look for; a success is not in this index.
        without_successes(doc! { "orgId": 1, "status": 1 }),
        // The list of one integration among hundreds.
        newest_first(doc! { "integrationConfigId": 1 }),
        // Single deliveries by what others know of them: their trace, their event, their message, their call.
        on(doc! { "traceId": 1 }),
        on(doc! { "eventId": 1 }),
        on(doc! { "messageId": 1 }),
        // Few but calls have another than their trace's.
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
        // No value of a table is mapped twice; what a value is mapped to.
        one_active,
        // What is mapped to a value.
        on(doc! { "generation": 1, "target.id": 1 }),
        // Lists and exports, and what an import finds in place.
        on(doc! { "orgId": 1, "type": 1, "source.id": 1, "_id": 1 }),
    ]
}

fn dead_letters() -> Vec<IndexModel> {
    vec![
        // What is due: whose it is, and each tenant's oldest.
        on(doc! { "status": 1, "nextRetryAt": 1 }),
        on(doc! { "orgId": 1, "status": 1, "nextRetryAt": 1 }),
        // What a redrive covers; few dead letters are ever redriven.
        given("redriveId"),
        // What people are still to be told of.
        only(doc! { "alertOwed": 1 }, doc! { "alertOwed": true }),
        // Those of one event.
        on(doc! { "eventId": 1 }),
        // Lists, with and without a status.
        newest_first(doc! { "orgId": 1 }),
        newest_first(doc! { "orgId": 1, "status": 1 }),
        // The end of what is settled.
        expiring(),
    ]
}

/// On a field, where it is there.
fn given(field: &str) -> IndexModel {
    only(doc! { field: 1 }, doc! { field: { "$exists": true } })
}

/// An index that takes the place of one with the same keys, whose name it would get.
fn renamed(name: &str, mut index: IndexModel) -> IndexModel {
    index.options.get_or_insert_default().name = Some(name.to_owned());
    index
}

fn only(keys: Document, some: Document) -> IndexModel {
    let mut index = on(keys);
    index.options = Some(IndexOptions::builder().partial_filter_expression(some).build());
    index
}

fn redrives() -> Vec<IndexModel> {
    vec![
        // Those that are under way.
        on(doc! { "settled": 1, "createdAt": 1 }),
        newest_first(doc! { "orgId": 1 }),
        expiring(),
    ]
}

fn scheduled() -> Vec<IndexModel> {
    vec![
        // What is due: what has ended has no such field, and so lies outside all bounds.
        on(doc! { "dueAt": 1 }),
        // Lists by status, and what one organisation has due.
        on(doc! { "orgId": 1, "status": 1, "scheduledFor": -1, "_id": -1 }),
        // Lists.
        on(doc! { "orgId": 1, "scheduledFor": -1, "_id": -1 }),
        // Those of one event.
        on(doc! { "originalEventId": 1 }),
        // What an event calls off.
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

/// In the order of the lists to the last key: an index that ends before it would have every list sorted in memory.
fn newest_first(mut keys: Document) -> IndexModel {
    keys.extend(doc! { "createdAt": -1, "_id": -1 });
    on(keys)
}

/// The same without what succeeded: of all statuses SUCCESS is the last in the alphabet.
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
    fn no_index_is_the_beginning_of_another() {
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
    fn what_is_retired_is_not_made() {
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
    fn of_all_statuses_success_is_the_last_in_the_alphabet() {
        let last = DeliveryStatus::ALL.iter().map(|status| status.as_str()).max();
        assert_eq!(last, Some(DeliveryStatus::Success.as_str()));
    }
}
