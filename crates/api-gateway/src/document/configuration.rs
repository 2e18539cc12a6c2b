//! The documents of configuration: their shapes, the pages that list them, and the checks that need the transformation engine.

use ig_core::condition::Filter;
use ig_core::fault::Faults;
use ig_core::integration::{LookupRule, SimpleMapping};
use ig_core::template::Direction;
use ig_delivery::is_reserved_header;
use ig_documents::{Checks, RequestLimitsDocument, check_definition};
use ig_transform::{CompiledFilter, CompiledLookups, CompiledMapping, PayloadSchema};
use serde_json::{Map, Value};

use super::listing::listing;
use super::{
    EventTypeDocument, InboundDocument, JobDocument, OrganizationDocument, OutboundDocument, TemplateDocument, UnitDocument,
};
use crate::body::{configuration, validated};

configuration!(OutboundDocument);
configuration!(InboundDocument);
configuration!(JobDocument);
configuration!(EventTypeDocument);
configuration!(TemplateDocument);
configuration!(OrganizationDocument);
configuration!(UnitDocument);
validated!(RequestLimitsDocument);

/// Checks documents with the compilers and the sender that will use them.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Compilers;

impl Checks for Compilers {
    fn mapping(&self, mapping: &SimpleMapping) -> Result<(), Faults> {
        CompiledMapping::compile(mapping).map(drop)
    }

    fn filter(&self, filter: &Filter) -> Result<(), Faults> {
        CompiledFilter::compile(filter).map(drop)
    }

    fn lookups(&self, lookups: &[LookupRule]) -> Result<(), Faults> {
        CompiledLookups::compile(lookups).map(drop)
    }

    fn schema(&self, schema: &Value) -> Result<(), Faults> {
        PayloadSchema::check_bounds(schema)
    }

    fn template(&self, direction: Direction, definition: &Map<String, Value>) -> Result<(), Faults> {
        check_definition(direction, definition)
    }

    fn is_reserved_header(&self, name: &str) -> bool {
        is_reserved_header(name)
    }
}

listing! {
    /// A page of outbound integrations.
    OutboundIntegrationList { integrations: OutboundDocument, unreadable }
}

listing! {
    /// A page of inbound integrations.
    InboundIntegrationList { integrations: InboundDocument, unreadable }
}

listing! {
    /// A page of an organisation's event types.
    EventTypeList { event_types: EventTypeDocument, unreadable }
}

listing! {
    /// A page of organisations.
    OrgList { orgs: OrganizationDocument, unreadable }
}

listing! {
    /// A page of an organisation's units.
    UnitList { units: UnitDocument, unreadable }
}

listing! {
    /// A page of templates, the built-in ones first.
    TemplateList { templates: TemplateDocument, unreadable }
}
