//! `/admin/api-keys`.

use axum::Json;
use axum::extract::Path;
use http::StatusCode;
use ig_core::id::OrgId;
use ig_store::ApiKeyFilter;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;

use crate::access::{Platform, Read, Write};
use crate::body::JsonBody;
use crate::document::{ApiKeyAsked, ApiKeyEntry, ApiKeyList, Listing as _};
use crate::error::ApiError;
use crate::gateway::AppState;
use crate::http::handler::routes;
use crate::path;
use crate::query::{Paging, QueryParams, parse_flag, parse_number};
use crate::resources::api_keys;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(read, revoke))
}

/// Selects API keys.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
struct ListQuery {
    /// Keys of this organisation.
    #[param(value_type = Option<i64>)]
    org_id: Option<String>,
    /// False for revoked keys.
    #[param(value_type = Option<bool>)]
    is_active: Option<String>,
    /// Part of the name.
    search: Option<String>,
}

impl ListQuery {
    fn filter(self) -> Result<ApiKeyFilter, ApiError> {
        let Self {
            org_id,
            is_active,
            search,
        } = self;
        Ok(ApiKeyFilter {
            org: parse_number("orgId", org_id)?.map(OrgId),
            is_active: parse_flag("isActive", is_active)?,
            search,
        })
    }
}

/// Lists keys, the latest first. The keys themselves are never shown.
#[utoipa::path(get, path = "/admin/api-keys", tag = "admin", params(Paging, ListQuery), responses((status = 200, body = ApiKeyList)))]
async fn list(
    Platform { gateway, .. }: Platform<Read>,
    QueryParams(paging): QueryParams<Paging>,
    QueryParams(query): QueryParams<ListQuery>,
) -> Result<Json<ApiKeyList>, ApiError> {
    let page = paging.page()?;
    let listed = gateway.store().api_keys().list(&query.filter()?, page).await?;
    Ok(Json(ApiKeyList::of(listed.map(ApiKeyEntry::from), page)))
}

/// Creates a key. Only this response shows it: the database stores its hash.
#[utoipa::path(post, path = "/admin/api-keys", tag = "admin", request_body = ApiKeyAsked, responses((status = 201, body = ApiKeyEntry)))]
async fn create(Platform { gateway, .. }: Platform<Write>, body: JsonBody) -> Result<(StatusCode, Json<ApiKeyEntry>), ApiError> {
    let created = api_keys::create(&gateway, body.document()?).await?;
    Ok((StatusCode::CREATED, Json(created)))
}

/// Reads the metadata of a key.
#[utoipa::path(get, path = "/admin/api-keys/{id}", tag = "admin", params(("id" = String, Path)), responses((status = 200, body = ApiKeyEntry)))]
async fn read(Platform { gateway, .. }: Platform<Read>, Path(id): Path<String>) -> Result<Json<ApiKeyEntry>, ApiError> {
    let found = api_keys::get(&gateway, path::api_key(&id)?).await?;
    Ok(Json(found.into()))
}

/// Revokes a key for good: every replica refuses it within a second.
#[utoipa::path(delete, path = "/admin/api-keys/{id}", tag = "admin", params(("id" = String, Path)), responses((status = 204)))]
async fn revoke(Platform { gateway, .. }: Platform<Write>, Path(id): Path<String>) -> Result<StatusCode, ApiError> {
    api_keys::revoke(&gateway, path::api_key(&id)?).await?;
    Ok(StatusCode::NO_CONTENT)
}
