//! Templates: those that come with the platform, and those that organisations keep.

use std::sync::Arc;

use ig_core::configuration::Change;
use ig_core::id::{OrgId, TemplateId};
use ig_core::template::{Direction, Template};
use ig_store::{Expected, Listed, Page, TemplateFilter, Templates};
use serde_json::{Map, Value};

use super::{changed_now, made_now, new_id};
use crate::body::document;
use crate::document::{InboundDocument, JobDocument, OutboundIntegration, Secrets, TemplateDocument, filled, in_json};
use crate::error::{ApiError, ErrorCode};
use crate::gateway::Gateway;
use crate::guard::IfMatch;
use crate::path;

mod catalogue;

use super::{inbound_integrations, integrations, jobs};

/// One of an organisation's own templates.
pub(crate) async fn get(gateway: &Gateway, org: OrgId, id: &str) -> Result<Template, ApiError> {
    if catalogue::find(id).is_some() {
        return Err(ApiError::new(
            ErrorCode::Conflict,
            "The template is built in and cannot be changed: make one of your own",
        ));
    }
    let found = gateway.store().templates().get(org, path::template(id)?).await?;
    found.ok_or_else(|| ApiError::not_found("Template"))
}

/// A template by its identifier, built in or not.
pub(crate) async fn read(gateway: &Gateway, org: OrgId, id: &str) -> Result<TemplateDocument, ApiError> {
    match catalogue::find(id) {
        Some(template) => Ok(template.clone()),
        None => Ok(get(gateway, org, id).await?.into()),
    }
}

/// The templates that an organisation can apply: those that are built in, then its own in the order of their making.
pub(crate) async fn list(
    gateway: &Gateway,
    org: OrgId,
    filter: &TemplateFilter,
    search: Option<&str>,
    page: Page,
) -> Result<Listed<TemplateDocument>, ApiError> {
    let own = gateway.store().templates().all(org, filter).await?;
    let own = own.into_iter().map(TemplateDocument::from);
    let built_in = catalogue::all().iter().filter(|template| fits(template, filter)).cloned();
    let search = search.map(str::to_lowercase);
    let found = |template: &TemplateDocument| search.as_deref().is_none_or(|text| says(template, text));
    let all: Vec<_> = built_in.chain(own).filter(found).collect();
    let total = all.len() as u64;
    let before = page.number.saturating_sub(1).saturating_mul(u64::from(page.limit));
    let skipped = usize::try_from(before).unwrap_or(usize::MAX);
    let items = all.into_iter().skip(skipped).take(page.limit as usize).collect();
    Ok(Listed::counted(items, total))
}

fn fits(template: &TemplateDocument, filter: &TemplateFilter) -> bool {
    let TemplateFilter { direction, category } = filter;
    let right_direction = direction.is_none_or(|direction| direction == Direction::from(template.direction));
    let right_category = category.is_none() || template.category == *category;
    right_direction && right_category
}

fn says(template: &TemplateDocument, text: &str) -> bool {
    let words = [Some(&template.name), template.description.as_ref()];
    words.into_iter().flatten().any(|words| words.to_lowercase().contains(text))
}

/// Makes a template.
pub(crate) async fn create(gateway: &Gateway, org: OrgId, document: TemplateDocument) -> Result<Template, ApiError> {
    if gateway.store().templates().count(org).await? >= Templates::MOST {
        let message = format!(
            "An organisation keeps at most {} templates: delete one first",
            Templates::MOST
        );
        return Err(ApiError::new(ErrorCode::Conflict, message));
    }
    let stamp = made_now();
    let id = TemplateId(new_id(stamp.created_at.timestamp()));
    let template = document.into_domain(org, id, stamp)?;
    commit(gateway, template, Expected::New).await
}

/// Changes a template into what the document says.
pub(crate) async fn replace(
    gateway: &Gateway,
    stored: Template,
    document: TemplateDocument,
    seen: IfMatch,
) -> Result<Template, ApiError> {
    let expected = seen.against(document.revision, stored.revision)?;
    let template = document.into_domain(stored.org_id, stored.id, changed_now(stored.created_at))?;
    commit(gateway, template, expected).await
}

/// Makes a template again that was deleted, as it was.
pub(crate) async fn restore(gateway: &Gateway, deleted: Template) -> Result<Template, ApiError> {
    commit(gateway, deleted, Expected::New).await
}

/// Deletes a template.
pub(crate) async fn delete(gateway: &Gateway, org: OrgId, id: &str, seen: IfMatch) -> Result<(), ApiError> {
    let stored = get(gateway, org, id).await?;
    let expected = seen.against(None, stored.revision)?;
    gateway.commit(Change::DeleteTemplate(org, stored.id), expected).await?;
    Ok(())
}

/// What a template was made into.
pub(crate) struct Made {
    /// The revision of the new resource.
    pub revision: u64,
    /// The resource, its signing secrets shown.
    pub document: Value,
}

/// Makes the resource of a template, with the fields given laid over those that it says.
pub(crate) async fn apply(gateway: &Gateway, org: OrgId, id: &str, given: Value) -> Result<Made, ApiError> {
    let TemplateDocument {
        direction, definition, ..
    } = read(gateway, org, id).await?;
    if !given.is_object() {
        return Err(ApiError::fault("", "must be an object"));
    }
    made(gateway, org, direction.into(), definition, given).await
}

async fn made(
    gateway: &Gateway,
    org: OrgId,
    direction: Direction,
    definition: Map<String, Value>,
    given: Value,
) -> Result<Made, ApiError> {
    let whole = filled(definition, given);
    match direction {
        Direction::Outbound => {
            let made = integrations::create(gateway, org, document(whole)?).await?;
            Ok(Made {
                revision: made.revision,
                document: in_json(&OutboundIntegration::of(made, Secrets::SigningShown))?,
            })
        }
        Direction::Inbound => {
            let made = inbound_integrations::create(gateway, org, document(whole)?).await?;
            Ok(Made {
                revision: made.revision,
                document: in_json(&InboundDocument::of(made, Secrets::SigningShown))?,
            })
        }
        Direction::Scheduled => {
            let made = jobs::create(gateway, org, document(whole)?).await?;
            Ok(Made {
                revision: made.revision,
                document: in_json(&JobDocument::of(made, Secrets::SigningShown)?)?,
            })
        }
    }
}

async fn commit(gateway: &Gateway, template: Template, expected: Expected) -> Result<Template, ApiError> {
    let revision = gateway
        .commit(Change::PutTemplate(Arc::new(template.clone())), expected)
        .await?;
    Ok(Template { revision, ..template })
}
