//! One binary for every end-to-end test.

mod answers;
mod api;
mod architecture;
mod chaos;
mod delivery;
mod egress;
mod fairness;
mod feed;
mod matching;
mod processes;
mod rows;
mod setup;
mod stack;
mod telemetry;
