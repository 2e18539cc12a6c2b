#![doc = include_str!("../README.md")]

mod compiled;
mod date;
mod error;
mod lookups;
mod mapping;
mod path;

pub use compiled::{Compiled, CompiledSimple};
pub use error::{MappingError, Problem};
pub use lookups::CompiledLookups;
pub use mapping::CompiledMapping;
