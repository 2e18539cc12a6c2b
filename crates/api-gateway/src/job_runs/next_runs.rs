//! When jobs run next.

use chrono::Utc;
use ig_core::clock::Timestamp;
use ig_core::id::{IntegrationId, OrgId, Rid};
use ig_core::job::{Job, JobSchedule};
use ig_core::schedule::Zone;
use ig_documents::text::{prefix_faults, rid};

use super::key;
use crate::document::{NextRunsRequest, ScheduleTimes};
use crate::error::ApiError;
use crate::gateway::Gateway;
use crate::resources::{resource, tenant_faults};

/// How many runs are shown.
const COUNT: usize = 5;

/// The next runs of a stored job: of an inactive one, as if it were activated now.
pub(crate) async fn of_job(gateway: &Gateway, org: OrgId, id: IntegrationId) -> Result<ScheduleTimes, ApiError> {
    let job: Job = resource::get(gateway, org, &id).await?;
    let now = Utc::now();
    let planned = gateway
        .store()
        .job_states()
        .get(key(&job))
        .await?
        .and_then(|state| state.next_run);
    // An interval counts from the last run, which the planned one follows; a cron rule does not, and may have been changed since.
    let first = planned.filter(|next| job.is_active && job.schedule.interval().is_some() && *next > now);
    Ok(times(&job.schedule, zone(gateway, org, job.tenant_id), first, now))
}

/// The next runs by a schedule that starts now.
pub(crate) async fn of_schedule(gateway: &Gateway, org: OrgId, request: NextRunsRequest) -> Result<ScheduleTimes, ApiError> {
    let schedule = request.schedule()?;
    let tenant = request
        .tenant_id
        .map_or(Ok(org.as_entity()), |tenant| prefix_faults("/tenantId", rid(tenant)))?;
    tenant_faults(gateway, org, tenant).await?.into_result(())?;
    Ok(times(&schedule, zone(gateway, org, tenant), None, Utc::now()))
}

fn zone(gateway: &Gateway, org: OrgId, tenant: Rid) -> Zone {
    let configuration = gateway.feed().configuration();
    configuration.org(org).map(|org| org.zone(tenant)).unwrap_or_default()
}

fn times(schedule: &JobSchedule, zone: Zone, first: Option<Timestamp>, now: Timestamp) -> ScheduleTimes {
    let first = first.or_else(|| schedule.next(now, zone));
    let occurrences = std::iter::successors(first, |last| schedule.next(*last, zone));
    ScheduleTimes {
        occurrences: occurrences.take(COUNT).collect(),
    }
}
