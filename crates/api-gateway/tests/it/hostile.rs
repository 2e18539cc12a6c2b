//! Input that means harm: it is refused with a reason, and the gateway serves on.

mod bodies;
mod connections;
mod encodings;
mod fields;
mod heads;
mod operators;
mod raw;
