//! Mapping, lookups and filters through the crate's public face.

mod filters;
mod laws;
mod lookup_cache;
mod lookups;
mod mapping;
mod table;
