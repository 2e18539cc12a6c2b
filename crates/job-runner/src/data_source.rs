//! Fetches the data of jobs: from SQL connections, MongoDB databases and HTTP APIs.

mod api;
mod guard;
mod mongo;
mod sql;

use std::collections::HashMap;

use ig_core::clock::Timestamp;
use ig_core::fault::Faults;
use ig_core::id::{IntegrationId, OrgId, Rid};
use ig_core::job::{FetchError, FetchLimits, Fetched, MomentForm, Source, VariableValues};
use ig_core::secret::Secret;
use ig_delivery::Deliverer;
use ig_sources::ExternalMongo;
use ig_store::{DataConnections, JobData};
use tokio_util::sync::CancellationToken;

use crate::live_jobs::LiveJobs;

/// What reads data for jobs.
pub(crate) struct DataSources {
    pub(crate) connections: DataConnections,
    pub(crate) platform_data: JobData,
    pub(crate) external_mongo: ExternalMongo,
    pub(crate) deliverer: Deliverer,
    pub(crate) live: LiveJobs,
    /// The environment variables that jobs may use.
    pub(crate) environment: HashMap<String, Option<String>>,
}

/// The job and the moment that data is fetched for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct FetchContext<'a> {
    /// The tenant.
    pub(crate) org: OrgId,
    /// The entity that the job acts for.
    pub(crate) tenant: Rid,
    /// The job.
    pub(crate) job: IntegrationId,
    /// The time that the variables show.
    pub(crate) now: Timestamp,
    /// The value of `{{job.watermark}}`; `None` for a job without one.
    pub(crate) watermark: Option<&'a str>,
    /// The limits.
    pub(crate) limits: FetchLimits,
    /// Fires when the data is no longer wanted.
    pub(crate) cancel: &'a CancellationToken,
}

impl DataSources {
    /// Fetches the records of a source.
    pub(crate) async fn fetch(&self, source: &Source, context: &FetchContext<'_>) -> Result<Fetched, FetchError> {
        match source {
            Source::Sql(sql) => self.fetch_sql(sql, context).await,
            Source::Mongo(mongo) => self.fetch_mongo(mongo, context).await,
            Source::Api(api) => {
                let values = self.values(context, MomentForm::Iso);
                tokio::select! {
                    () = context.cancel.cancelled() => Err(FetchError::Cancelled),
                    fetched = api::fetch(&self.deliverer, api, &values, context.limits) => fetched,
                }
            }
        }
    }

    /// Checks a source without reading from it; faults carry pointers into the source.
    pub(crate) async fn check(&self, org: OrgId, source: &Source) -> Result<Faults, FetchError> {
        match source {
            Source::Sql(sql) => self.check_sql(org, sql).await,
            Source::Mongo(mongo) => Ok(mongo::check(mongo)),
            // The address was judged when the job was saved, and is again when it is connected to.
            Source::Api(_) => Ok(Faults::default()),
        }
    }

    /// Checks the address and the user of a SQL connection.
    pub(crate) async fn check_connection(&self, url: &Secret) -> Faults {
        sql::check_connection(url).await
    }

    fn values<'a>(&'a self, context: &FetchContext<'a>, form: MomentForm) -> VariableValues<'a> {
        VariableValues {
            tenant_id: context.tenant,
            job: context.job,
            now: context.now,
            zone: self.live.zone(context.org, context.tenant),
            watermark: context.watermark,
            environment: &self.environment,
            form,
        }
    }
}
