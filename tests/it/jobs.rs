//! Scheduled jobs from a real database to a real receiver.

mod example;
mod failing;
mod incremental;
mod killed;
mod setup;
