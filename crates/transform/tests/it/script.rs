//! Scripts in real worker processes.

mod apart;
mod corpus;
mod deaths;
mod hostile;
mod language;
mod leaks;
mod lookups;
pub(crate) mod rig;
mod schemas;
mod tenants;
mod trials;
