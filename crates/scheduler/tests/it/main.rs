//! The service as others meet it: rows on a real database, a worker that says what the test wants.

mod asked;
mod due;
mod rows;
mod setting;
mod worker;
