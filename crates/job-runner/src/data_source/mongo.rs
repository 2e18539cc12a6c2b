//! Data of a MongoDB database: the platform's own, or a tenant's.

use ig_core::fault::Faults;
use ig_core::job::{FetchError, Fetched, FilledValue, MomentForm, MongoSource, Variable, VariableValues, fill_pipeline as fill};
use ig_sources::{ExternalQuery, check_connection};
use ig_store::JobQuery;
use serde_json::Value;

use super::guard::DeliveryGuard;
use super::{DataSources, FetchContext};

impl DataSources {
    pub(super) async fn fetch_mongo(&self, source: &MongoSource, context: &FetchContext<'_>) -> Result<Fetched, FetchError> {
        let pipeline = filled(&source.pipeline, &self.values(context, MomentForm::Iso))?;
        let Some(connection) = &source.connection else {
            let is_unit = context.tenant != context.org.as_entity();
            let query = JobQuery {
                org: context.org,
                unit: is_unit.then_some(context.tenant),
                collection: &source.collection,
                pipeline: &pipeline,
                style: source.style,
            };
            return self.platform_data.aggregate(&query, &context.limits, context.cancel).await;
        };
        let query = ExternalQuery {
            connection,
            database: source.database.as_deref().unwrap_or_default(),
            collection: &source.collection,
            pipeline: &pipeline,
            style: source.style,
        };
        let guard = DeliveryGuard(&self.deliverer);
        self.external_mongo
            .fetch(&query, &guard, &context.limits, context.cancel)
            .await
    }
}

/// What is wrong with the connection string, before anything is connected to.
pub(super) fn check(source: &MongoSource) -> Faults {
    let Some(connection) = &source.connection else {
        return Faults::default();
    };
    let mut faults = Faults::default();
    if let Err(found) = check_connection(connection) {
        faults.add_below("/connectionString", found);
    }
    faults
}

fn filled(pipeline: &[Value], values: &VariableValues<'_>) -> Result<Vec<Value>, FetchError> {
    let mut lookup = |variable: &Variable| match variable {
        Variable::TenantId => Ok(FilledValue::Integer(values.tenant_id.0)),
        variable => {
            let value = values.value(variable);
            value
                .map(FilledValue::Text)
                .map_err(|error| Faults::single("", error.to_string()))
        }
    };
    let filled = pipeline
        .iter()
        .map(|stage| fill(stage, &mut lookup))
        .collect::<Result<_, _>>();
    filled.map_err(|faults: Faults| FetchError::Refused(format!("The pipeline cannot be filled in: {faults}.")))
}
