#![doc = include_str!("../README.md")]

mod compiled;
mod date;
mod error;
mod mapping;
mod path;

pub use compiled::Compiled;
pub use error::MappingError;
pub use mapping::CompiledMapping;
