//! The parts of a document.

use std::future::Future;

use ig_core::event_type::EventTypeDefinition;
use ig_core::id::{IntegrationId, OrgId, TemplateId};
use ig_core::inbound::InboundIntegration;
use ig_core::integration::Integration;
use ig_core::job::Job;
use ig_core::ports::StoreError;
use ig_core::template::Template;
use ig_store::{Found, InboundFilter, IntegrationFilter, JobFilter, Listed, Page, TemplateFilter};

use super::super::{event_types, inbound_integrations, integrations, jobs, made_now, templates};
use super::kind::Kind;
use crate::document::{EventTypeDocument, InboundDocument, JobDocument, OutboundIntegration, Secrets, TemplateDocument};
use crate::error::ApiError;
use crate::gateway::Gateway;
use crate::guard::IfMatch;

const AT_ONCE: u32 = 500;

/// Outbound integrations, by name.
pub(super) enum Outbound {}
/// Inbound integrations, by type.
pub(super) enum Inbound {}
/// Scheduled jobs, by name.
pub(super) enum Jobs {}
/// Event types, by name.
pub(super) enum EventTypes {}
/// An organisation's own templates, by name.
pub(super) enum OwnTemplates {}

impl Kind for Outbound {
    type Document = OutboundIntegration;
    type Stored = Integration;
    const PART: &'static str = "outboundIntegrations";
    const KEY: &'static str = "name";

    async fn all(gateway: &Gateway, org: OrgId) -> Result<Vec<Integration>, ApiError> {
        let (integrations, filter) = (gateway.store().integrations(), IntegrationFilter::default());
        let found = every(|page| integrations.list(org, &filter, page)).await?;
        readable("Integration", found)
    }

    fn shown(stored: Integration) -> Result<OutboundIntegration, ApiError> {
        Ok(OutboundIntegration::of(stored, Secrets::Kept))
    }

    fn masked(document: OutboundIntegration) -> OutboundIntegration {
        document.masked(Secrets::Masked)
    }

    fn identity(stored: &Integration) -> (String, u64) {
        (stored.id.to_string(), stored.revision)
    }

    async fn checked(
        gateway: &Gateway,
        org: OrgId,
        stored: Option<&Integration>,
        document: OutboundIntegration,
    ) -> Result<OutboundIntegration, ApiError> {
        let id = stored.map_or(IntegrationId([0; 12]), |stored| stored.id);
        let integration = document.into_domain(org, id, made_now())?;
        integrations::check(gateway, &integration).await?;
        Self::shown(integration)
    }

    async fn create(gateway: &Gateway, org: OrgId, document: OutboundIntegration) -> Result<(), ApiError> {
        integrations::create(gateway, org, document).await.map(drop)
    }

    async fn replace(gateway: &Gateway, stored: Integration, document: OutboundIntegration) -> Result<(), ApiError> {
        integrations::replace(gateway, stored, document, IfMatch::ANY).await.map(drop)
    }

    async fn delete(gateway: &Gateway, org: OrgId, stored: Integration) -> Result<(), ApiError> {
        integrations::delete(gateway, org, stored.id, IfMatch::revision(stored.revision)).await
    }
}

impl Kind for Inbound {
    type Document = InboundDocument;
    type Stored = InboundIntegration;
    const PART: &'static str = "inboundIntegrations";
    const KEY: &'static str = "type";

    async fn all(gateway: &Gateway, org: OrgId) -> Result<Vec<InboundIntegration>, ApiError> {
        let (inbound, filter) = (gateway.store().inbound_integrations(), InboundFilter::default());
        let found = every(|page| inbound.list(org, &filter, page)).await?;
        readable("Integration", found)
    }

    fn shown(stored: InboundIntegration) -> Result<InboundDocument, ApiError> {
        Ok(InboundDocument::of(stored, Secrets::Kept))
    }

    fn masked(document: InboundDocument) -> InboundDocument {
        document.masked(Secrets::Masked)
    }

    fn identity(stored: &InboundIntegration) -> (String, u64) {
        (stored.id.to_string(), stored.revision)
    }

    async fn checked(
        gateway: &Gateway,
        org: OrgId,
        stored: Option<&InboundIntegration>,
        document: InboundDocument,
    ) -> Result<InboundDocument, ApiError> {
        let id = stored.map_or(IntegrationId([0; 12]), |stored| stored.id);
        let inbound = document.into_domain(org, id, made_now())?;
        inbound_integrations::check(gateway, &inbound).await?;
        Self::shown(inbound)
    }

    async fn create(gateway: &Gateway, org: OrgId, document: InboundDocument) -> Result<(), ApiError> {
        inbound_integrations::create(gateway, org, document).await.map(drop)
    }

    async fn replace(gateway: &Gateway, stored: InboundIntegration, document: InboundDocument) -> Result<(), ApiError> {
        let replaced = inbound_integrations::replace(gateway, stored, document, IfMatch::ANY);
        replaced.await.map(drop)
    }

    async fn delete(gateway: &Gateway, org: OrgId, stored: InboundIntegration) -> Result<(), ApiError> {
        inbound_integrations::delete(gateway, org, stored.id, IfMatch::revision(stored.revision)).await
    }
}

impl Kind for Jobs {
    type Document = JobDocument;
    type Stored = Job;
    const PART: &'static str = "scheduledJobs";
    const KEY: &'static str = "name";

    async fn all(gateway: &Gateway, org: OrgId) -> Result<Vec<Job>, ApiError> {
        let (jobs, filter) = (gateway.store().jobs(), JobFilter::default());
        let found = every(|page| jobs.list(org, &filter, page)).await?;
        readable("Job", found)
    }

    fn shown(stored: Job) -> Result<JobDocument, ApiError> {
        JobDocument::of(stored, Secrets::Kept)
    }

    fn masked(document: JobDocument) -> JobDocument {
        document.masked(Secrets::Masked)
    }

    fn identity(stored: &Job) -> (String, u64) {
        (stored.id.to_string(), stored.revision)
    }

    async fn checked(
        gateway: &Gateway,
        org: OrgId,
        stored: Option<&Job>,
        document: JobDocument,
    ) -> Result<JobDocument, ApiError> {
        let id = stored.map_or(IntegrationId([0; 12]), |stored| stored.id);
        let job = document.into_domain(org, id, made_now())?;
        jobs::check(gateway, &job).await?;
        Self::shown(job)
    }

    async fn create(gateway: &Gateway, org: OrgId, document: JobDocument) -> Result<(), ApiError> {
        jobs::create(gateway, org, document).await.map(drop)
    }

    async fn replace(gateway: &Gateway, stored: Job, document: JobDocument) -> Result<(), ApiError> {
        jobs::replace(gateway, stored, document, IfMatch::ANY).await.map(drop)
    }

    async fn delete(gateway: &Gateway, org: OrgId, stored: Job) -> Result<(), ApiError> {
        jobs::delete(gateway, org, stored.id, IfMatch::revision(stored.revision)).await
    }
}

impl Kind for EventTypes {
    type Document = EventTypeDocument;
    type Stored = EventTypeDefinition;
    const PART: &'static str = "eventTypes";
    const KEY: &'static str = "eventType";

    async fn all(gateway: &Gateway, org: OrgId) -> Result<Vec<EventTypeDefinition>, ApiError> {
        let event_types = gateway.store().event_types();
        every(|page| event_types.list(org, None, page)).await
    }

    fn shown(stored: EventTypeDefinition) -> Result<EventTypeDocument, ApiError> {
        Ok(stored.into())
    }

    fn masked(document: EventTypeDocument) -> EventTypeDocument {
        document
    }

    fn identity(stored: &EventTypeDefinition) -> (String, u64) {
        (stored.event_type.to_string(), stored.revision)
    }

    async fn checked(
        gateway: &Gateway,
        org: OrgId,
        _: Option<&EventTypeDefinition>,
        document: EventTypeDocument,
    ) -> Result<EventTypeDocument, ApiError> {
        let name = document.named()?;
        let definition = document.into_domain(org, name, made_now())?;
        event_types::check_schema(gateway, &definition).await?;
        Ok(definition.into())
    }

    async fn create(gateway: &Gateway, org: OrgId, document: EventTypeDocument) -> Result<(), ApiError> {
        event_types::create(gateway, org, document).await.map(drop)
    }

    async fn replace(gateway: &Gateway, stored: EventTypeDefinition, document: EventTypeDocument) -> Result<(), ApiError> {
        event_types::replace(gateway, stored, document, IfMatch::ANY).await.map(drop)
    }

    async fn delete(gateway: &Gateway, org: OrgId, stored: EventTypeDefinition) -> Result<(), ApiError> {
        let seen = IfMatch::revision(stored.revision);
        event_types::delete(gateway, org, stored.event_type, seen).await
    }
}

impl Kind for OwnTemplates {
    type Document = TemplateDocument;
    type Stored = Template;
    const PART: &'static str = "templates";
    const KEY: &'static str = "name";

    async fn all(gateway: &Gateway, org: OrgId) -> Result<Vec<Template>, ApiError> {
        Ok(gateway.store().templates().all(org, &TemplateFilter::default()).await?)
    }

    fn shown(stored: Template) -> Result<TemplateDocument, ApiError> {
        Ok(stored.into())
    }

    fn masked(document: TemplateDocument) -> TemplateDocument {
        document
    }

    fn identity(stored: &Template) -> (String, u64) {
        (stored.id.to_string(), stored.revision)
    }

    async fn checked(
        _: &Gateway,
        org: OrgId,
        stored: Option<&Template>,
        document: TemplateDocument,
    ) -> Result<TemplateDocument, ApiError> {
        let id = stored.map_or(TemplateId([0; 12]), |stored| stored.id);
        Ok(document.into_domain(org, id, made_now())?.into())
    }

    async fn create(gateway: &Gateway, org: OrgId, document: TemplateDocument) -> Result<(), ApiError> {
        templates::create(gateway, org, document).await.map(drop)
    }

    async fn replace(gateway: &Gateway, stored: Template, document: TemplateDocument) -> Result<(), ApiError> {
        templates::replace(gateway, stored, document, IfMatch::ANY).await.map(drop)
    }

    async fn delete(gateway: &Gateway, org: OrgId, stored: Template) -> Result<(), ApiError> {
        templates::delete(gateway, org, &stored.id.to_string(), IfMatch::revision(stored.revision)).await
    }
}

/// All of them: one that cannot be read would pass for one that is not there.
fn readable<T>(what: &str, found: Vec<Found<T>>) -> Result<Vec<T>, ApiError> {
    let readable = found.into_iter().map(|found| match found {
        Found::Readable(item) => Ok(item),
        Found::Unreadable(item) => Err(ApiError::unreadable(what, &item)),
    });
    readable.collect()
}

/// All pages of a list.
async fn every<T, F, P>(list: F) -> Result<Vec<T>, ApiError>
where
    F: Fn(Page) -> P,
    P: Future<Output = Result<Listed<T>, StoreError>>,
{
    let mut all = Vec::new();
    let mut page = Page::first(AT_ONCE);
    loop {
        let listed = list(page).await?;
        let is_last = listed.items.len() < AT_ONCE as usize;
        all.extend(listed.items);
        if is_last {
            return Ok(all);
        }
        page.number += 1;
    }
}
