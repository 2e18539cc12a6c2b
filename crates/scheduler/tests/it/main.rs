//! The service with rows in a real database and a scripted worker.

mod due;
mod fixture;
mod requests;
mod rows;
mod worker;
