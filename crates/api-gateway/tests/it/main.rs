//! The gateway over real HTTP and gRPC, with a real database.

mod access;
mod alerts;
mod analytics;
mod api;
mod concurrency;
mod dashboard;
mod deliveries;
mod description;
mod faults;
mod history;
mod hostile;
mod integrations;
mod isolation;
mod limits;
mod lists;
mod lookup_files;
mod lookups;
mod outage;
mod push;
mod rights;
mod schemas;
mod secrets;
mod sessions;
mod tenants;
mod watch;
