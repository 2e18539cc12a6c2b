//! The service as others meet it.

mod boot;
mod fakes;
mod letters;
mod redrives;
mod retries;
mod running;
