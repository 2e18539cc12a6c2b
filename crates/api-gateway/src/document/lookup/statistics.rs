//! Statistics of lookup rows and their use.

use ig_core::clock::Timestamp;
use ig_store::TypeStatistics;
use serde::Serialize;
use utoipa::ToSchema;

/// The statistics of an organisation's lookups.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct LookupStatistics {
    /// All rows.
    rows: u64,
    /// Active rows, which lookups use.
    active: u64,
    /// Inactive rows.
    inactive: u64,
    /// The statistics of each type, sorted by name.
    types: Vec<LookupTypeFigures>,
}

/// The statistics of one type.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct LookupTypeFigures {
    /// The type.
    #[serde(rename = "type")]
    lookup_type: String,
    /// All rows of the type.
    rows: u64,
    /// Active rows, which lookups use.
    active: u64,
    /// Inactive rows.
    inactive: u64,
    /// Rows that belong to a unit.
    of_units: u64,
    /// When a row of the type last changed.
    #[schema(value_type = String, format = DateTime)]
    updated_at: Timestamp,
    /// How many lookups of deliveries found a row.
    resolved: u64,
    /// How many lookups of deliveries found none.
    unmapped: u64,
    /// The last day on which a delivery used the type.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = Date)]
    last_used_on: Option<chrono::NaiveDate>,
}

/// The lookup types of an organisation.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LookupTypes {
    /// The types, sorted by name.
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
