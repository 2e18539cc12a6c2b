//! One binary for every end-to-end test.

mod api;
mod architecture;
mod chaos;
mod delivery;
mod fairness;
mod matching;
mod rows;
mod setup;
mod stack;
