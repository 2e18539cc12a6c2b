//! Templates: the built-in ones, and those of organisations.

use ig_core::clock::Timestamp;
use ig_core::id::{OrgId, TemplateId};
use ig_core::inbound::InboundIntegration;
use ig_core::integration::Integration;
use ig_core::job::Job;
use ig_core::template::{Direction, Template};
use ig_store::{Listed, Page, TemplateFilter, Templates};
use serde_json::{Map, Value};

use super::new_id;
use super::resource::{self, Resource};
use crate::body::document;
use crate::document::{
    FoundListing as _, Listing as _, Secrets, TemplateDocument, TemplateList, filled, split_unreadable, to_json,
};
use crate::error::{ApiError, ErrorCode};
use crate::gateway::Gateway;
use crate::path;
use crate::resource_response::ResourceResponse;

mod catalogue;

impl Resource for Template {
    type Document = TemplateDocument;

    const NAME: &'static str = "Template";

    fn parse_id(text: &str) -> Result<TemplateId, ApiError> {
        if catalogue::find(text).is_some() {
            return Err(ApiError::new(
                ErrorCode::Conflict,
                "The template is built in and cannot be changed: make one of your own",
            ));
        }
        path::template(text)
    }

    fn new_id(_: &TemplateDocument, now: Timestamp) -> Result<TemplateId, ApiError> {
        Ok(TemplateId(new_id(now.timestamp())))
    }

    async fn check_room(gateway: &Gateway, org: OrgId) -> Result<(), ApiError> {
        if gateway.store().templates().count(org).await? < u64::from(Templates::MAX_PER_ORG) {
            return Ok(());
        }
        let message = format!(
            "An organisation keeps at most {} templates: delete one first",
            Templates::MAX_PER_ORG
        );
        Err(ApiError::new(ErrorCode::Conflict, message))
    }
}

/// Reads a template by its identifier, built in or not.
pub(crate) async fn read(gateway: &Gateway, org: OrgId, id: &str) -> Result<TemplateDocument, ApiError> {
    match catalogue::find(id) {
        Some(template) => Ok(template.clone()),
        None => Ok(resource::get::<Template>(gateway, org, &path::template(id)?).await?.into()),
    }
}

/// The templates of an organisation: the built-in ones first, then its own in order of creation. No search finds an unreadable one,
/// so the first page has them all.
pub(crate) async fn list(
    gateway: &Gateway,
    org: OrgId,
    filter: &TemplateFilter,
    search: Option<&str>,
    page: Page,
) -> Result<TemplateList, ApiError> {
    let own = Page::first(Templates::MAX_PER_ORG);
    let (own, unreadable) = split_unreadable(gateway.store().templates().list(org, filter, own).await?);
    let own = own.items.into_iter().map(TemplateDocument::from);
    let built_in = catalogue::all()
        .iter()
        .filter(|template| matches_filter(template, filter))
        .cloned();
    let search = search.map(str::to_lowercase);
    let found = |template: &TemplateDocument| search.as_deref().is_none_or(|text| contains_text(template, text));
    let all: Vec<_> = built_in.chain(own).filter(found).collect();
    let total = all.len() as u64;
    let before = page.number.saturating_sub(1).saturating_mul(u64::from(page.limit));
    let skipped = usize::try_from(before).unwrap_or(usize::MAX);
    let items = all.into_iter().skip(skipped).take(page.limit as usize).collect();
    let unreadable = if page.number == 1 { unreadable } else { Vec::new() };
    Ok(TemplateList::of(Listed::counted(items, total), page).with_unreadable(unreadable))
}

fn matches_filter(template: &TemplateDocument, filter: &TemplateFilter) -> bool {
    let TemplateFilter { direction, category } = filter;
    let right_direction = direction.is_none_or(|direction| direction == Direction::from(template.direction));
    let right_category = category.is_none() || template.category == *category;
    right_direction && right_category
}

fn contains_text(template: &TemplateDocument, text: &str) -> bool {
    let words = [Some(&template.name), template.description.as_ref()];
    words.into_iter().flatten().any(|words| words.to_lowercase().contains(text))
}

/// Creates a resource from a template, with the given fields applied on top.
pub(crate) async fn apply(gateway: &Gateway, org: OrgId, id: &str, given: Value) -> Result<ResourceResponse<Value>, ApiError> {
    let TemplateDocument {
        direction, definition, ..
    } = read(gateway, org, id).await?;
    if !given.is_object() {
        return Err(ApiError::fault("", "must be an object"));
    }
    create_from(gateway, org, direction.into(), definition, given).await
}

async fn create_from(
    gateway: &Gateway,
    org: OrgId,
    direction: Direction,
    definition: Map<String, Value>,
    given: Value,
) -> Result<ResourceResponse<Value>, ApiError> {
    let merged = filled(definition, given);
    match direction {
        Direction::Outbound => create_resource::<Integration>(gateway, org, merged).await,
        Direction::Inbound => create_resource::<InboundIntegration>(gateway, org, merged).await,
        Direction::Scheduled => create_resource::<Job>(gateway, org, merged).await,
    }
}

async fn create_resource<R: Resource>(gateway: &Gateway, org: OrgId, merged: Value) -> Result<ResourceResponse<Value>, ApiError> {
    let created: R = resource::create(gateway, org, document(merged)?).await?;
    let revision = created.revision();
    let value = to_json(&created.into_document(Secrets::SigningShown)?)?;
    Ok(ResourceResponse::created(revision, value))
}
