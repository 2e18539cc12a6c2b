//! The indexes of each collection, each with the reason for it.

use mongodb::IndexModel;
use mongodb::bson::{Document, doc};
use mongodb::options::IndexOptions;

use crate::names;
use crate::processed_events::RETENTION_SECONDS;

/// All indexes, by collection.
pub(super) fn indexes() -> Vec<(&'static str, Vec<IndexModel>)> {
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
        (names::JOB_STATES, job_states()),
        (names::JOB_LOGS, job_logs()),
        (names::API_KEYS, vec![unique(doc! { "keyHash": 1 }), by_org()]),
        (
            names::USERS,
            vec![unique(doc! { "email": 1 }), on(doc! { "orgId": 1, "role": 1 })],
        ),
        // The connections that an organisation may use.
        (names::DATA_CONNECTIONS, vec![on(doc! { "grants.orgId": 1 })]),
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

fn job_states() -> Vec<IndexModel> {
    vec![
        // Due jobs; a job that is not planned lacks the field.
        on(doc! { "dueAt": 1 }),
        // Runs whose holder died; most jobs have no run.
        on(doc! { "running.until": 1 }),
        // Deletion of an organisation.
        on(doc! { "orgId": 1 }),
    ]
}

fn job_logs() -> Vec<IndexModel> {
    vec![
        // Lists of an organisation, of what did not succeed, and of one job.
        newest_first(doc! { "orgId": 1 }),
        without_successes(doc! { "orgId": 1, "status": 1 }),
        newest_first(doc! { "integrationId": 1 }),
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
