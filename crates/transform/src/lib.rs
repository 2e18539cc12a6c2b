#![doc = include_str!("../README.md")]

mod compiled;
mod date;
mod disabled_alerts;
mod error;
mod filter;
mod lookup_cache;
mod lookups;
mod mapping;
mod path;
mod schema;
pub mod script;
mod shape;
mod transformer;

pub use compiled::{Compiled, CompiledSimple};
pub use disabled_alerts::raise_disabled_alerts;
pub use error::{MappingError, Problem};
pub use filter::CompiledFilter;
pub use lookup_cache::{CacheLimits, LookupCache, Usage};
pub use lookups::CompiledLookups;
pub use mapping::CompiledMapping;
pub use schema::{LARGEST_SCHEMA, PayloadSchema, PayloadSchemas, Verdict};
pub use shape::{CompiledCondition, CompiledScript, CompiledShape};
pub use transformer::{Refusal, Subject, TransformError, Transformer, WithConsole};
