//! `/templates`.

use axum::Json;
use axum::extract::Path;
use ig_core::template::{Direction, Template};
use ig_store::TemplateFilter;
use serde::Deserialize;
use serde_json::Value;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;

use crate::access::{OrgQuery, Read, Tenant, Write};
use crate::body::JsonBody;
use crate::document::{InboundDocument, JobDocument, OutboundDocument, TemplateDocument, TemplateList};
use crate::error::ApiError;
use crate::gateway::AppState;
use crate::http::handler::routes;
use crate::http::resource_handlers::resource_handlers;
use crate::query::{OneOf, Paging, QueryParams, parse_name};
use crate::resource_response::ResourceResponse;
use crate::resources::templates;

type Directions = OneOf<Direction>;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(read, replace, patch, delete))
        .routes(routes!(apply))
}

/// Selects templates.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
struct ListQuery {
    /// The direction.
    #[param(value_type = Option<Directions>, inline)]
    direction: Option<String>,
    /// The category, exactly.
    category: Option<String>,
    /// Part of the name or the description.
    search: Option<String>,
}

/// Lists the templates that an organisation can apply: the built-in ones first, then its own.
#[utoipa::path(get, path = "/templates", tag = "templates", params(OrgQuery, Paging, ListQuery), responses((status = 200, body = TemplateList)))]
async fn list(
    Tenant { org, gateway, .. }: Tenant<Read>,
    QueryParams(paging): QueryParams<Paging>,
    QueryParams(ListQuery {
        direction,
        category,
        search,
    }): QueryParams<ListQuery>,
) -> Result<Json<TemplateList>, ApiError> {
    let page = paging.page()?;
    let direction = parse_name("direction", direction)?;
    let filter = TemplateFilter { direction, category };
    Ok(Json(templates::list(&gateway, org, &filter, search.as_deref(), page).await?))
}

/// Reads a template.
#[utoipa::path(get, path = "/templates/{id}", tag = "templates", params(OrgQuery, ("id" = String, Path)), responses((status = 200, body = TemplateDocument)))]
async fn read(
    Tenant { org, gateway, .. }: Tenant<Read>,
    Path(id): Path<String>,
) -> Result<ResourceResponse<TemplateDocument>, ApiError> {
    let found = templates::read(&gateway, org, &id).await?;
    Ok(ResourceResponse::found(found.revision.unwrap_or_default(), found))
}

resource_handlers! {
    Template, TemplateDocument, "templates", "/templates", "/templates/{id}", "id";
    create "Creates a template.";
    replace "Replaces a template.";
    patch "Changes some fields of a template: an absent field stays, null removes it, a value replaces it.",
        "Any of the template's fields";
    delete "Deletes a template; resources created from it stay.";
}

/// The created resource, of the template's direction.
#[derive(utoipa::ToSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "describes what is answered as it is")]
enum Applied {
    Outbound(OutboundDocument),
    Inbound(InboundDocument),
    Scheduled(JobDocument),
}

/// Creates a resource from a template. The body is merged into the template's definition, and the result is validated like any such
/// resource; only this response shows its signing secrets.
#[utoipa::path(
    post,
    path = "/templates/{id}/apply",
    tag = "templates",
    params(OrgQuery, ("id" = String, Path)),
    request_body(content = serde_json::Value, description = "Fields of the resource, such as name, targetUrl and credentials"),
    responses((status = 201, body = Applied)),
)]
async fn apply(
    Tenant { org, gateway, .. }: Tenant<Write>,
    Path(id): Path<String>,
    body: JsonBody,
) -> Result<ResourceResponse<Value>, ApiError> {
    templates::apply(&gateway, org, &id, body.value).await
}
