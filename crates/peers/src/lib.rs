//! Clients of the other services, for services that call them alike.

mod alert_client;
mod config_follower;
mod job_client;
mod worker_client;

pub use alert_client::AlertClient;
pub use config_follower::{ConfigFollower, FollowedConfiguration};
pub use job_client::{JobClient, RunNow, RunStarted, SourceSample, SourceTest};
pub use worker_client::{CommandExecuted, CommandRefused, WorkerClient};
