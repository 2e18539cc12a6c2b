//! Checks that need more than the domain: the compilers of transformations, and the headers that the sender writes itself.

use ig_core::condition::Filter;
use ig_core::fault::Faults;
use ig_core::integration::{LookupRule, SimpleMapping};
use ig_core::template::Direction;
use serde_json::{Map, Value};

/// What a document is checked with when a client sends it.
pub trait Checks {
    /// Whether a mapping compiles. Faults carry pointers into the document.
    fn mapping(&self, mapping: &SimpleMapping) -> Result<(), Faults>;

    /// Whether a filter compiles. Faults lie within the filter.
    fn filter(&self, filter: &Filter) -> Result<(), Faults>;

    /// Whether lookups compile. Faults carry pointers into the document.
    fn lookups(&self, lookups: &[LookupRule]) -> Result<(), Faults>;

    /// Whether a JSON Schema keeps to its bounds. Faults lie within the schema.
    fn schema(&self, schema: &Value) -> Result<(), Faults>;

    /// Whether a template may hold these fields. Faults lie within the definition.
    fn template(&self, direction: Direction, definition: &Map<String, Value>) -> Result<(), Faults>;

    /// Whether the gateway writes this header itself.
    fn is_reserved_header(&self, name: &str) -> bool;
}

/// Checks nothing more: for documents that were checked when they were stored.
#[derive(Debug, Clone, Copy)]
pub struct Unchecked;

impl Checks for Unchecked {
    fn mapping(&self, _: &SimpleMapping) -> Result<(), Faults> {
        Ok(())
    }

    fn filter(&self, _: &Filter) -> Result<(), Faults> {
        Ok(())
    }

    fn lookups(&self, _: &[LookupRule]) -> Result<(), Faults> {
        Ok(())
    }

    fn schema(&self, _: &Value) -> Result<(), Faults> {
        Ok(())
    }

    fn template(&self, _: Direction, _: &Map<String, Value>) -> Result<(), Faults> {
        Ok(())
    }

    fn is_reserved_header(&self, _: &str) -> bool {
        false
    }
}
