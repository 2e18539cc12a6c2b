//! `/admin/users`.

use axum::Json;
use axum::extract::Path;
use http::StatusCode;
use ig_core::access::Role;
use ig_core::id::OrgId;
use ig_store::{User, UserFilter};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;

use crate::access::{Platform, Read, Write};
use crate::body::JsonBody;
use crate::document::{Listing as _, UserDocument, UserList, merge_patch, merge_put};
use crate::error::ApiError;
use crate::gateway::AppState;
use crate::http::handler::routes;
use crate::if_match::IfMatch;
use crate::path;
use crate::query::{OneOf, Paging, QueryParams, parse_flag, parse_name, parse_number};
use crate::resource_response::ResourceResponse;
use crate::resources::users;

type Roles = OneOf<Role>;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(read, replace, patch, delete))
}

/// Selects people.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
struct ListQuery {
    /// Their organisation.
    #[param(value_type = Option<i64>)]
    org_id: Option<String>,
    /// The platform role.
    #[param(value_type = Option<Roles>, inline)]
    role: Option<String>,
    /// Whether they may log in.
    #[param(value_type = Option<bool>)]
    is_active: Option<String>,
    /// Part of the e-mail address or the name.
    search: Option<String>,
}

impl ListQuery {
    fn filter(self) -> Result<UserFilter, ApiError> {
        let Self {
            org_id,
            role,
            is_active,
            search,
        } = self;
        Ok(UserFilter {
            org: parse_number("orgId", org_id)?.map(OrgId),
            role: parse_name("role", role)?,
            is_active: parse_flag("isActive", is_active)?,
            search,
        })
    }
}

/// Lists people by e-mail address.
#[utoipa::path(get, path = "/admin/users", tag = "admin", params(Paging, ListQuery), responses((status = 200, body = UserList)))]
async fn list(
    Platform { gateway, .. }: Platform<Read>,
    QueryParams(paging): QueryParams<Paging>,
    QueryParams(query): QueryParams<ListQuery>,
) -> Result<Json<UserList>, ApiError> {
    let page = paging.page()?;
    let listed = gateway.store().users().list(&query.filter()?, page).await?;
    Ok(Json(UserList::of(listed.map(UserDocument::from), page)))
}

/// Creates a person.
#[utoipa::path(post, path = "/admin/users", tag = "admin", request_body = UserDocument, responses((status = 201, body = UserDocument)))]
async fn create(Platform { gateway, .. }: Platform<Write>, body: JsonBody) -> Result<ResourceResponse<UserDocument>, ApiError> {
    let created = users::create(&gateway, body.document()?).await?;
    Ok(ResourceResponse::created(created.revision, created.into()))
}

/// Reads a person.
#[utoipa::path(get, path = "/admin/users/{id}", tag = "admin", params(("id" = String, Path)), responses((status = 200, body = UserDocument)))]
async fn read(
    Platform { gateway, .. }: Platform<Read>,
    Path(id): Path<String>,
) -> Result<ResourceResponse<UserDocument>, ApiError> {
    let found = users::get(&gateway, path::user(&id)?).await?;
    Ok(to_response(found))
}

/// Replaces a person; the password stays unless the body has one.
#[utoipa::path(
    put,
    path = "/admin/users/{id}",
    tag = "admin",
    params(("id" = String, Path), IfMatch),
    request_body = UserDocument,
    responses((status = 200, body = UserDocument)),
)]
async fn replace(
    Platform { gateway, .. }: Platform<Write>,
    Path(id): Path<String>,
    if_match: IfMatch,
    body: JsonBody,
) -> Result<ResourceResponse<UserDocument>, ApiError> {
    let stored = users::get(&gateway, path::user(&id)?).await?;
    let document = merge_put(&UserDocument::from(stored.clone()), body)?;
    Ok(to_response(users::replace(&gateway, stored, document, if_match).await?))
}

/// Changes some fields of a person: an absent field stays, null removes it, a value replaces it.
#[utoipa::path(
    patch,
    path = "/admin/users/{id}",
    tag = "admin",
    params(("id" = String, Path), IfMatch),
    request_body(content = serde_json::Value, description = "Any of the person's fields"),
    responses((status = 200, body = UserDocument)),
)]
async fn patch(
    Platform { gateway, .. }: Platform<Write>,
    Path(id): Path<String>,
    if_match: IfMatch,
    body: JsonBody,
) -> Result<ResourceResponse<UserDocument>, ApiError> {
    let stored = users::get(&gateway, path::user(&id)?).await?;
    let document = merge_patch(&UserDocument::from(stored.clone()), body)?;
    Ok(to_response(users::replace(&gateway, stored, document, if_match).await?))
}

/// Deletes a person and ends their sessions.
#[utoipa::path(
    delete,
    path = "/admin/users/{id}",
    tag = "admin",
    params(("id" = String, Path), IfMatch),
    responses((status = 204)),
)]
async fn delete(
    Platform { gateway, .. }: Platform<Write>,
    Path(id): Path<String>,
    if_match: IfMatch,
) -> Result<StatusCode, ApiError> {
    users::delete(&gateway, path::user(&id)?, if_match).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn to_response(user: User) -> ResourceResponse<UserDocument> {
    ResourceResponse::found(user.revision, user.into())
}
