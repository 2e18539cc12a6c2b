//! Mapping, lookups, filters and scripts through the crate's public face.

mod dates;
mod filters;
mod laws;
mod lookup_cache;
mod lookups;
mod mapping;
mod numbers;
mod script;
mod table;

/// What the services allocate with, and so the workers: its reservations are under the workers' limit too.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;
