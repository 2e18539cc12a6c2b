//! One binary for every end-to-end test.

#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    clippy::duration_suboptimal_units,
    clippy::print_stdout,
    reason = "small numbers of a test, which tells what it saw"
)]

mod answers;
mod api;
mod architecture;
mod beginning;
mod breaker;
mod chaos;
mod deciding;
mod delivery;
mod egress;
mod fairness;
mod feed;
mod handover;
mod jobs;
mod leaving;
mod ledger;
mod limits;
mod matching;
mod numbers;
mod oauth2;
mod orders;
mod planted;
mod processes;
mod redelivery;
mod rewinding;
mod rewriting;
mod rows;
mod runtime;
mod scheduled;
mod scheduling;
mod schemas;
mod setup;
mod stack;
mod telemetry;
mod transforming;
