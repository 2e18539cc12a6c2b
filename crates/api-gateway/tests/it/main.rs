//! The gateway over real HTTP and gRPC, with a real database.

mod access;
mod api;
mod concurrency;
mod configuration;
mod description;
mod faults;
mod history;
mod hostile;
mod inbound_integrations;
mod integrations;
mod isolation;
mod limits;
mod lists;
mod lookup_files;
mod lookups;
mod outage;
mod platform;
mod push;
mod rights;
mod scheduled_jobs;
mod schemas;
mod secrets;
mod sessions;
mod templates;
mod tenants;
mod watch;
