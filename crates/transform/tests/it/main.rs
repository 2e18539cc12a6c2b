//! Mapping, lookups and filters through the crate's public face.

mod laws;
mod lookups;
mod mapping;
mod table;
