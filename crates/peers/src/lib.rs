//! Clients of the other services, for services that call them alike.

mod alert_client;
mod worker_client;

pub use alert_client::AlertClient;
pub use worker_client::{CommandExecuted, CommandRefused, WorkerClient};
