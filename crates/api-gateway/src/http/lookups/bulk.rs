//! Batches of rows, resolving values, and statistics.

use axum::Json;
use utoipa_axum::router::OpenApiRouter;

use crate::access::{OrgQuery, Read, Tenant, Write};
use crate::body::JsonBody;
use crate::document::{
    BatchAnswer, LookupAnswer, LookupAnswers, LookupBatch, LookupDeletion, LookupMatches, LookupMatchesList, LookupQuestions,
    LookupRequests, LookupStatistics, LookupTypes, LookupsDeleted,
};
use crate::error::ApiError;
use crate::gateway::AppState;
use crate::http::handler::routes;
use crate::resources::lookups;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(put_batch))
        .routes(routes!(delete_batch))
        .routes(routes!(resolve))
        .routes(routes!(reverse))
        .routes(routes!(statistics))
        .routes(routes!(types))
}

/// Creates or changes up to 1,000 rows together, or replaces all other rows of their types.
///
/// The batch is atomic: readers see the rows before or after it. A row changes the existing one with the same type, tenant and source.
/// With `replace`, every row of the named types is replaced, or only one tenant's rows where `tenantId` names it.
#[utoipa::path(post, path = "/lookups/bulk", tag = "lookups", params(OrgQuery), request_body = LookupBatch, responses((status = 200, body = BatchAnswer)))]
async fn put_batch(Tenant { org, gateway, .. }: Tenant<Write>, body: JsonBody) -> Result<Json<BatchAnswer>, ApiError> {
    let answer = lookups::put_batch(&gateway, org, body.document()?).await?;
    Ok(Json(answer))
}

/// Deletes up to 1,000 rows by their ids, or all of a type.
#[utoipa::path(post, path = "/lookups/bulk/delete", tag = "lookups", params(OrgQuery), request_body = LookupDeletion, responses((status = 200, body = LookupsDeleted)))]
async fn delete_batch(Tenant { org, gateway, .. }: Tenant<Write>, body: JsonBody) -> Result<Json<LookupsDeleted>, ApiError> {
    let deleted = lookups::delete_batch(&gateway, org, body.document()?).await?;
    Ok(Json(LookupsDeleted { deleted }))
}

/// Resolves one value, or up to 1,000 of them; a unit's row takes precedence over the organisation's.
#[utoipa::path(post, path = "/lookups/resolve", tag = "lookups", params(OrgQuery), request_body = LookupQuestions, responses((status = 200, body = LookupAnswers)))]
async fn resolve(Tenant { org, gateway, .. }: Tenant<Read>, body: JsonBody) -> Result<Json<LookupAnswers>, ApiError> {
    let requests = LookupRequests::parse(body, org)?;
    let found = lookups::resolve(&gateway, org, &requests).await?;
    let mut answers = found.into_iter().map(|(request, row)| LookupAnswer::new(request, row));
    if requests.is_list {
        return Ok(Json(LookupAnswers::Many {
            results: answers.collect(),
        }));
    }
    let one = answers.next().ok_or_else(ApiError::internal)?;
    Ok(Json(LookupAnswers::One(Box::new(one))))
}

/// Finds the rows that map to one target, or to up to 1,000 of them, as they apply to the tenant.
#[utoipa::path(post, path = "/lookups/reverse", tag = "lookups", params(OrgQuery), request_body = LookupQuestions, responses((status = 200, body = LookupMatchesList)))]
async fn reverse(Tenant { org, gateway, .. }: Tenant<Read>, body: JsonBody) -> Result<Json<LookupMatchesList>, ApiError> {
    let requests = LookupRequests::parse(body, org)?;
    let found = lookups::reverse(&gateway, org, &requests).await?;
    let mut matches = found.into_iter().map(|(request, rows)| LookupMatches::new(request, rows));
    if requests.is_list {
        return Ok(Json(LookupMatchesList::Many {
            results: matches.collect(),
        }));
    }
    let one = matches.next().ok_or_else(ApiError::internal)?;
    Ok(Json(LookupMatchesList::One(one)))
}

/// Counts an organisation's rows by type, and how often they are used.
#[utoipa::path(get, path = "/lookups/statistics", tag = "lookups", params(OrgQuery), responses((status = 200, body = LookupStatistics)))]
async fn statistics(Tenant { org, gateway, .. }: Tenant<Read>) -> Result<Json<LookupStatistics>, ApiError> {
    let figures = gateway.store().lookups().statistics(org).await?;
    Ok(Json(figures.into()))
}

/// Lists the lookup types of an organisation.
#[utoipa::path(get, path = "/lookups/types", tag = "lookups", params(OrgQuery), responses((status = 200, body = LookupTypes)))]
async fn types(Tenant { org, gateway, .. }: Tenant<Read>) -> Result<Json<LookupTypes>, ApiError> {
    let figures = gateway.store().lookups().statistics(org).await?;
    let types = figures.iter().map(|figures| figures.lookup_type.to_string()).collect();
    Ok(Json(LookupTypes { types }))
}
