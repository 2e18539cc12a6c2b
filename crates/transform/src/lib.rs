#![doc = include_str!("../README.md")]

mod compiled;
mod date;
mod error;
mod filter;
mod lookup_cache;
mod lookups;
mod mapping;
mod path;
pub mod script;

pub use compiled::{Compiled, CompiledSimple};
pub use error::{MappingError, Problem};
pub use filter::CompiledFilter;
pub use lookup_cache::{CacheLimits, LookupCache, Usage};
pub use lookups::CompiledLookups;
pub use mapping::CompiledMapping;
