//! Lookups of values, forwards and in reverse.

#![allow(unused_qualifications, reason = "utoipa qualifies what it generates")]

use ig_core::fault::Faults;
use ig_core::id::{LookupType, OrgId, Rid};
use ig_core::lookup::{LookupKey, LookupRow, parse_lookup_type};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::openapi::schema::{ArrayBuilder, OneOfBuilder, Schema};
use utoipa::openapi::{Ref, RefOr};
use utoipa::{PartialSchema, ToSchema};

use super::{Lookup, SideDocument, parse_tenant};
use crate::body::{JsonBody, Validated as _, validated};
use crate::document::text::collect_faults;
use crate::error::ApiError;

/// The most lookups in one request.
const MAX_LOOKUPS: usize = 1_000;

/// A value to look up.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct LookupQuestion {
    /// The type, such as DEPARTMENT.
    #[serde(rename = "type")]
    pub lookup_type: String,
    /// The value: a string, number or boolean.
    pub value: Value,
    /// The unit to look it up for; the organisation itself where absent.
    pub tenant_id: Option<i64>,
}
validated!(LookupQuestion);

/// One lookup, or up to 1,000 of them.
pub(crate) struct LookupQuestions;

impl PartialSchema for LookupQuestions {
    fn schema() -> RefOr<Schema> {
        let one = Ref::from_schema_name("LookupQuestion");
        let list = ArrayBuilder::new()
            .items(one.clone())
            .min_items(Some(1))
            .max_items(Some(MAX_LOOKUPS));
        OneOfBuilder::new().item(one).item(list).into()
    }
}

impl ToSchema for LookupQuestions {
    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        schemas.push((LookupQuestion::name().into_owned(), LookupQuestion::schema()));
    }
}

/// A validated lookup.
#[derive(Debug, Clone)]
pub(crate) struct LookupRequest {
    /// The requested type.
    pub lookup_type: LookupType,
    /// The requested value.
    pub value: Value,
    /// The unit; `None` for the organisation itself.
    pub tenant: Option<Rid>,
    /// The key to find.
    pub key: LookupKey,
}

/// The lookups of one request.
#[derive(Debug)]
pub(crate) struct LookupRequests {
    /// The lookups, in order.
    pub requests: Vec<LookupRequest>,
    /// Whether the request holds a list.
    pub is_list: bool,
}

impl LookupRequests {
    /// Reads one lookup or a list of them.
    pub(crate) fn parse(body: JsonBody, org: OrgId) -> Result<Self, ApiError> {
        let (items, is_list) = match body.value {
            Value::Array(items) => (items, true),
            one => (vec![one], false),
        };
        if items.is_empty() || items.len() > MAX_LOOKUPS {
            return Err(ApiError::fault("", format!("must hold 1 to {MAX_LOOKUPS} questions")));
        }
        let mut faults = Faults::default();
        let mut requests = Vec::with_capacity(items.len());
        for (at, item) in items.into_iter().enumerate() {
            let pointer = if is_list { format!("/{at}") } else { String::new() };
            requests.extend(collect_faults(&mut faults, &pointer, parse_request(item, org)));
        }
        Ok(faults.into_result(Self { requests, is_list })?)
    }
}

fn parse_request(item: Value, org: OrgId) -> Result<LookupRequest, Faults> {
    LookupQuestion::compiled_schema().check(&item)?;
    let LookupQuestion {
        lookup_type: table_type,
        value,
        tenant_id,
    } = serde_json::from_value(item).map_err(|error| Faults::single("", error.to_string()))?;
    let mut faults = Faults::default();
    let table_type = collect_faults(&mut faults, "/type", parse_lookup_type(&table_type));
    let tenant = tenant_id.and_then(|rid| collect_faults(&mut faults, "/tenantId", parse_tenant(org, rid)));
    let key = table_type.as_ref().and_then(|table_type| LookupKey::of(table_type, &value));
    if table_type.is_some() && key.is_none() {
        faults.add("/value", "must be a text that is not blank, a number, true or false");
    }
    match (table_type, key) {
        (Some(lookup_type), Some(key)) if faults.is_empty() => Ok(LookupRequest {
            lookup_type,
            value,
            tenant: tenant.flatten(),
            key,
        }),
        _ => Err(faults),
    }
}

/// The counterpart of a value in the target system.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct LookupAnswer {
    /// The type.
    #[serde(rename = "type")]
    lookup_type: String,
    /// The value.
    value: Value,
    /// Whether an active row maps the value.
    is_mapped: bool,
    /// That row's identifier.
    #[serde(skip_serializing_if = "Option::is_none")]
    lookup_id: Option<String>,
    /// The unit that the row belongs to; the organisation where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    tenant_id: Option<i64>,
    /// The row's source.
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<SideDocument>,
    /// The value's counterpart in the target system.
    #[serde(skip_serializing_if = "Option::is_none")]
    target: Option<SideDocument>,
}

impl LookupAnswer {
    /// The result of one lookup.
    pub(crate) fn new(request: LookupRequest, row: Option<LookupRow>) -> Self {
        let LookupRequest { lookup_type, value, .. } = request;
        Self {
            lookup_type: lookup_type.to_string(),
            value,
            is_mapped: row.is_some(),
            lookup_id: row.as_ref().map(|row| row.id.to_string()),
            tenant_id: row.as_ref().and_then(|row| row.tenant_id).map(|rid| rid.0),
            source: row.as_ref().map(|row| row.source.clone().into()),
            target: row.map(|row| row.target.into()),
        }
    }
}

/// The result of one lookup, or the results of several in order.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
pub(crate) enum LookupAnswers {
    /// A single result.
    One(Box<LookupAnswer>),
    /// A list of results.
    Many {
        /// The results, in the order of the lookups.
        results: Vec<LookupAnswer>,
    },
}

/// The rows that map to a target value.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct LookupMatches {
    /// The type.
    #[serde(rename = "type")]
    lookup_type: String,
    /// The identifier of the target side.
    value: Value,
    /// At most 100 rows, sorted by source.
    lookups: Vec<Lookup>,
}

impl LookupMatches {
    /// The result of one reverse lookup.
    pub(crate) fn new(request: LookupRequest, rows: Vec<LookupRow>) -> Self {
        let LookupRequest { lookup_type, value, .. } = request;
        Self {
            lookup_type: lookup_type.to_string(),
            value,
            lookups: rows.into_iter().map(Lookup::from).collect(),
        }
    }
}

/// The result of one reverse lookup, or the results of several in order.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
pub(crate) enum LookupMatchesList {
    /// A single result.
    One(LookupMatches),
    /// A list of results.
    Many {
        /// The results, in the order of the lookups.
        results: Vec<LookupMatches>,
    },
}
