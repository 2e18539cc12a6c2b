//! Mappings, lookups, filters and scripts through the public interface of the crate.

mod dates;
mod filters;
mod lookup_cache;
mod lookups;
mod mapping;
mod numbers;
mod properties;
mod script;
mod table;

/// The allocator of the services and so of the workers, whose memory limit covers its reservations too.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;
