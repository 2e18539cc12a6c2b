//! Exports an organisation's configuration as one document, and applies such a document.

use ig_core::event_type::EventTypeDefinition;
use ig_core::fault::Faults;
use ig_core::id::OrgId;
use ig_core::inbound::InboundIntegration;
use ig_core::integration::Integration;
use ig_core::job::Job;
use ig_core::template::Template;
use sha2::{Digest as _, Sha256};

use crate::document::{ConfigurationDocument, ConfigurationPlan, PlannedChange};
use crate::error::{ApiError, ErrorCode};
use crate::gateway::Gateway;

mod kind;
mod kinds;
mod step;

use kind::Kind;
use step::Step;

/// The options of applying a document.
#[derive(Debug, Clone, Default)]
pub(crate) struct ApplyOptions {
    /// Report the changes without making them.
    pub dry_run: bool,
    /// Delete the resources that the document's sections omit.
    pub prune: bool,
    /// The plan that the client reviewed; a different plan is refused.
    pub plan: Option<String>,
}

/// Exports an organisation's configuration.
pub(crate) async fn export(gateway: &Gateway, org: OrgId) -> Result<ConfigurationDocument, ApiError> {
    Ok(ConfigurationDocument {
        event_types: Some(kind::export::<EventTypeDefinition>(gateway, org).await?),
        templates: Some(kind::export::<Template>(gateway, org).await?),
        outbound_integrations: Some(kind::export::<Integration>(gateway, org).await?),
        inbound_integrations: Some(kind::export::<InboundIntegration>(gateway, org).await?),
        scheduled_jobs: Some(kind::export::<Job>(gateway, org).await?),
        ..ConfigurationDocument::of(org)
    })
}

/// Changes an organisation's configuration to match a document, or reports the changes.
///
/// Every rule is checked before the first change. Each change is its own commit, with its version and its author. If one fails
/// after all, the earlier ones stand and the error says how many.
pub(crate) async fn apply(
    gateway: &Gateway,
    org: OrgId,
    document: ConfigurationDocument,
    options: ApplyOptions,
) -> Result<ConfigurationPlan, ApiError> {
    let ConfigurationDocument {
        version: _,
        org_id: _,
        event_types,
        templates,
        outbound_integrations,
        inbound_integrations,
        scheduled_jobs,
    } = document;
    let mut planner = Planner {
        gateway,
        org,
        prune: options.prune,
        faults: Faults::default(),
        steps: Vec::new(),
        unchanged: 0,
    };
    planner.plan_section::<EventTypeDefinition>(event_types).await?;
    planner.plan_section::<Template>(templates).await?;
    planner.plan_section::<Integration>(outbound_integrations).await?;
    planner.plan_section::<InboundIntegration>(inbound_integrations).await?;
    planner.plan_section::<Job>(scheduled_jobs).await?;
    let Planner {
        faults,
        mut steps,
        unchanged,
        ..
    } = planner;
    faults.into_result(())?;
    // Deletions come last: a failure on the way leaves too much rather than too little.
    steps.sort_by_key(|step| step.change.action == "DELETE");
    let plan = fingerprint(&steps);
    if options.plan.is_some_and(|reviewed| reviewed != plan) {
        return Err(ApiError::new(
            ErrorCode::PreconditionFailed,
            "The changes are not those that were seen: plan again",
        ));
    }
    let changes: Vec<PlannedChange> = steps.iter().map(|step| step.change.clone()).collect();
    if !options.dry_run {
        apply_steps(steps).await?;
    }
    Ok(ConfigurationPlan {
        plan,
        applied: !options.dry_run,
        changes,
        unchanged,
    })
}

struct Planner<'a> {
    gateway: &'a Gateway,
    org: OrgId,
    prune: bool,
    faults: Faults,
    steps: Vec<Step<'a>>,
    unchanged: u64,
}

impl Planner<'_> {
    /// Plans one section; an absent section stays as it is.
    async fn plan_section<K: Kind>(&mut self, documents: Option<Vec<K::Document>>) -> Result<(), ApiError> {
        let Some(documents) = documents else { return Ok(()) };
        let planned = kind::plan::<K>(self.gateway, self.org, documents, self.prune).await?;
        self.faults.add_below(&format!("/{}", K::SECTION), planned.faults);
        self.steps.extend(planned.steps);
        self.unchanged += planned.unchanged;
        Ok(())
    }
}

async fn apply_steps(steps: Vec<Step<'_>>) -> Result<(), ApiError> {
    let all = steps.len();
    for (made, step) in steps.into_iter().enumerate() {
        let what = format!("{} {}", step.change.kind, step.change.name);
        step.apply.await.map_err(|error| ApiError {
            message: format!("{made} of {all} changes were made, and then {what} failed: {}", error.message),
            ..error
        })?;
    }
    Ok(())
}

/// The name of a plan: equal exactly for equal changes of the same resources, secrets included.
fn fingerprint(steps: &[Step<'_>]) -> String {
    let mut hash = Sha256::new();
    for step in steps {
        hash.update(&step.digest);
    }
    hex::encode(hash.finalize())
}
