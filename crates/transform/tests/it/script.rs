//! Scripts in real worker processes.

mod corpus;
mod hostile;
mod isolation;
mod language;
mod lookups;
mod quarantine;
mod recovery;
pub(crate) mod rig;
mod schemas;
mod tenants;
mod trials;
