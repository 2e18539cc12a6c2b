//! Malicious input: the gateway refuses it with a reason and keeps serving.

mod bodies;
mod connections;
mod encodings;
mod fields;
mod heads;
mod operators;
mod raw;
