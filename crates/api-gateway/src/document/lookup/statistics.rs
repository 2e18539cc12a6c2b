//! How many rows there are, and how much they are used.

use ig_core::clock::Timestamp;
use ig_store::TypeStatistics;
use serde::Serialize;
use utoipa::ToSchema;

/// The figures of an organisation's lookups.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct LookupStatistics {
    /// All rows.
    rows: u64,
    /// Those that take part in resolving.
    active: u64,
    /// Those that do not.
    inactive: u64,
    /// The figures of each type, by name.
    types: Vec<LookupTypeFigures>,
}

/// The figures of one type.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct LookupTypeFigures {
    /// The type.
    #[serde(rename = "type")]
    lookup_type: String,
    /// Its rows.
    rows: u64,
    /// Those that take part in resolving.
    active: u64,
    /// Those that do not.
    inactive: u64,
    /// Those that are a unit's.
    of_units: u64,
    /// When one of them last changed.
    #[schema(value_type = String, format = DateTime)]
    updated_at: Timestamp,
    /// How often deliveries found a row.
    resolved: u64,
    /// How often they found none.
    unmapped: u64,
    /// The last day on which one of them looked.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = Date)]
    last_used_on: Option<chrono::NaiveDate>,
}

/// The types that an organisation has rows of.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LookupTypes {
    /// By name.
    pub types: Vec<String>,
}

impl From<Vec<TypeStatistics>> for LookupStatistics {
    fn from(types: Vec<TypeStatistics>) -> Self {
        let rows = types.iter().map(|figures| figures.rows).sum();
        let active = types.iter().map(|figures| figures.active).sum();
        Self {
            rows,
            active,
            inactive: rows - active,
            types: types.into_iter().map(LookupTypeFigures::from).collect(),
        }
    }
}

impl From<TypeStatistics> for LookupTypeFigures {
    fn from(figures: TypeStatistics) -> Self {
        let TypeStatistics {
            lookup_type,
            rows,
            active,
            of_units,
            updated_at,
            resolved,
            unmapped,
            last_used,
        } = figures;
        Self {
            lookup_type: lookup_type.to_string(),
            rows,
            active,
            inactive: rows.saturating_sub(active),
            of_units,
            updated_at,
            resolved,
            unmapped,
            last_used_on: last_used,
        }
    }
}
