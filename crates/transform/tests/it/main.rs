//! Mapping through the crate's public face.

mod laws;
mod mapping;
