//! The store against a real server.

mod alerts;
mod api_keys;
mod away;
mod breakers;
mod commit;
mod dead_letters;
mod deliveries;
mod earlier;
mod follow;
mod journal;
mod lists;
mod lookup_imports;
mod lookups;
mod migration;
mod partition_leases;
mod pushed_events;
mod rate_windows;
mod redrives;
mod rotation;
mod scheduled;
mod secrets;
mod statistics;
mod stored;
mod stored_documents;
mod tallied;
mod tallies;
