//! `/admin/audit-logs`: who changed what.

use axum::Json;
use axum::extract::Path;
use ig_core::history::{Action, ItemKind};
use ig_core::id::OrgId;
use ig_store::AuditLogFilter;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;

use crate::access::{Platform, Read};
use crate::document::{AuditLogDetail, AuditLogEntry, AuditLogList, Listing as _};
use crate::error::ApiError;
use crate::gateway::AppState;
use crate::http::handler::routes;
use crate::path;
use crate::query::{OneOf, Paging, QueryParams, parse_end, parse_name, parse_number, parse_start};
use crate::resources::history;

type Kinds = OneOf<ItemKind>;
type Actions = OneOf<Action>;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(read))
}

/// Selects entries of the audit log.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
struct ListQuery {
    /// Entries about this organisation.
    #[param(value_type = Option<i64>)]
    org_id: Option<String>,
    /// The kind of the changed item.
    #[param(value_type = Option<Kinds>, inline)]
    kind: Option<String>,
    /// The identifier of the changed item.
    item_id: Option<String>,
    /// The action.
    #[param(value_type = Option<Actions>, inline)]
    action: Option<String>,
    /// The identifier of the actor.
    actor_id: Option<String>,
    /// The first day or moment.
    start_date: Option<String>,
    /// The last day (inclusive) or moment (exclusive).
    end_date: Option<String>,
}

impl ListQuery {
    fn filter(self) -> Result<AuditLogFilter, ApiError> {
        let Self {
            org_id,
            kind,
            item_id,
            action,
            actor_id,
            start_date,
            end_date,
        } = self;
        Ok(AuditLogFilter {
            org: parse_number("orgId", org_id)?.map(OrgId),
            kind: parse_name("kind", kind)?,
            item: item_id,
            action: parse_name("action", action)?,
            actor: actor_id,
            start: parse_start("startDate", start_date)?,
            end: parse_end("endDate", end_date)?,
        })
    }
}

/// Lists audit log entries, the latest first.
#[utoipa::path(get, path = "/admin/audit-logs", tag = "admin", params(Paging, ListQuery), responses((status = 200, body = AuditLogList)))]
async fn list(
    Platform { gateway, .. }: Platform<Read>,
    QueryParams(paging): QueryParams<Paging>,
    QueryParams(query): QueryParams<ListQuery>,
) -> Result<Json<AuditLogList>, ApiError> {
    let page = paging.page()?;
    let listed = gateway.store().audit_logs().list(&query.filter()?, page).await?;
    Ok(Json(AuditLogList::of(listed.map(AuditLogEntry::from), page)))
}

/// Reads an entry with the item before and after the change; secrets are masked.
#[utoipa::path(get, path = "/admin/audit-logs/{id}", tag = "admin", params(("id" = String, Path)), responses((status = 200, body = AuditLogDetail)))]
async fn read(Platform { gateway, .. }: Platform<Read>, Path(id): Path<String>) -> Result<Json<AuditLogDetail>, ApiError> {
    let found = gateway.store().audit_logs().get(path::audit_log(&id)?).await?;
    let entry = found.ok_or_else(|| ApiError::not_found("Audit log"))?;
    Ok(Json(history::audit_detail(&gateway, entry).await?))
}
