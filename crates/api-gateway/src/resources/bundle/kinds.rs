//! The sections of a document.

use std::future::Future;

use ig_core::event_type::EventTypeDefinition;
use ig_core::id::OrgId;
use ig_core::inbound::InboundIntegration;
use ig_core::integration::Integration;
use ig_core::job::Job;
use ig_core::ports::StoreError;
use ig_core::template::Template;
use ig_store::{InboundFilter, IntegrationFilter, JobFilter, Listed, MaybeReadable, Page, TemplateFilter};

use super::super::resource::Resource;
use super::kind::Kind;
use crate::error::ApiError;
use crate::gateway::Gateway;

const PAGE_SIZE: u32 = 500;

impl Kind for Integration {
    const SECTION: &'static str = "outboundIntegrations";
    const KEY: &'static str = "name";

    async fn all(gateway: &Gateway, org: OrgId) -> Result<Vec<Self>, ApiError> {
        let (integrations, filter) = (gateway.store().integrations(), IntegrationFilter::default());
        readable(all_pages(|page| integrations.list(org, &filter, page)).await?)
    }
}

impl Kind for InboundIntegration {
    const SECTION: &'static str = "inboundIntegrations";
    const KEY: &'static str = "type";

    async fn all(gateway: &Gateway, org: OrgId) -> Result<Vec<Self>, ApiError> {
        let (inbound, filter) = (gateway.store().inbound_integrations(), InboundFilter::default());
        readable(all_pages(|page| inbound.list(org, &filter, page)).await?)
    }
}

impl Kind for Job {
    const SECTION: &'static str = "scheduledJobs";
    const KEY: &'static str = "name";

    async fn all(gateway: &Gateway, org: OrgId) -> Result<Vec<Self>, ApiError> {
        let (jobs, filter) = (gateway.store().jobs(), JobFilter::default());
        readable(all_pages(|page| jobs.list(org, &filter, page)).await?)
    }
}

impl Kind for EventTypeDefinition {
    const SECTION: &'static str = "eventTypes";
    const KEY: &'static str = "eventType";

    async fn all(gateway: &Gateway, org: OrgId) -> Result<Vec<Self>, ApiError> {
        let event_types = gateway.store().event_types();
        all_pages(|page| event_types.list(org, None, page)).await
    }
}

impl Kind for Template {
    const SECTION: &'static str = "templates";
    const KEY: &'static str = "name";

    async fn all(gateway: &Gateway, org: OrgId) -> Result<Vec<Self>, ApiError> {
        Ok(gateway.store().templates().all(org, &TemplateFilter::default()).await?)
    }
}

/// All resources, or an error: an unreadable one would pass for a missing one.
fn readable<R: Resource>(found: Vec<MaybeReadable<R>>) -> Result<Vec<R>, ApiError> {
    let readable = found.into_iter().map(|found| match found {
        MaybeReadable::Readable(item) => Ok(item),
        MaybeReadable::Unreadable(item) => Err(ApiError::unreadable(R::NAME, &item)),
    });
    readable.collect()
}

/// All pages of a list.
async fn all_pages<T, F, P>(list: F) -> Result<Vec<T>, ApiError>
where
    F: Fn(Page) -> P,
    P: Future<Output = Result<Listed<T>, StoreError>>,
{
    let mut all = Vec::new();
    let mut page = Page::first(PAGE_SIZE);
    loop {
        let listed = list(page).await?;
        let is_last = listed.items.len() < PAGE_SIZE as usize;
        all.extend(listed.items);
        if is_last {
            return Ok(all);
        }
        page.number += 1;
    }
}
