//! How a job splits its records, and how far it is.

use ig_core::fault::Faults;
use ig_core::job::{BatchSize, WatermarkField};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// How the records of a job are split into deliveries.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = JobBatch)]
pub struct BatchDocument {
    /// How many elements of the array go into one delivery, from 1 to 10,000.
    #[schema(minimum = 1, maximum = 10_000)]
    pub size: u32,
}

impl BatchDocument {
    pub(super) fn into_domain(self) -> Result<BatchSize, Faults> {
        BatchSize::new(self.size)
    }

    pub(super) fn shown(size: BatchSize) -> Self {
        Self { size: size.get() }
    }
}

/// How an incremental job remembers how far it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = JobWatermark)]
pub struct WatermarkDocument {
    /// The field of the fetched records whose greatest value `{{job.watermark}}` is once they are delivered.
    pub field: String,
    /// `{{job.watermark}}` in the first run.
    pub initial: String,
}

impl WatermarkDocument {
    pub(super) fn into_domain(self) -> Result<WatermarkField, Faults> {
        WatermarkField::new(&self.field, &self.initial)
    }

    pub(super) fn shown(watermark: &WatermarkField) -> Self {
        Self {
            field: watermark.field().to_owned(),
            initial: watermark.initial().to_owned(),
        }
    }
}
