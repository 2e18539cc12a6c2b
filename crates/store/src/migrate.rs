//! The schema: collections, indexes, counters and leases that must exist before the first write, and configuration in the
//! current format.
//!
//! Every index costs each insert. The collections that grow with deliveries have only the indexes that lists need, each
//! with its reason beside it; together they are a quarter of what recording a delivery costs the server.

mod indexes;

use ig_core::partition::PartitionId;
use ig_core::ports::StoreError;
use mongodb::bson::{Document, doc};
use mongodb::error::{Error, ErrorKind};

use indexes::indexes;

use crate::configuration::{REVISION, rewrite};
use crate::data_connections::DATA_CONNECTIONS_COUNTER;
use crate::database::Database;
use crate::delivery_statistics::TALLIED;
use crate::names;
use crate::partition_leases::LeaseDocument;
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
    names::JOB_STATES,
    names::JOB_LOGS,
    names::API_KEYS,
    names::USERS,
    names::DATA_CONNECTIONS,
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
    let counters =
        [REVISION, POSITION, FORGOTTEN, TALLIED, DATA_CONNECTIONS_COUNTER].map(|name| doc! { "_id": name, "value": 0_i64 });
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
