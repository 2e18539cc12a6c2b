//! `/configuration`: the whole configuration of an organisation as one document.

use axum::Json;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;

use crate::access::{OrgQuery, Read, Tenant, Write};
use crate::body::JsonBody;
use crate::document::{ConfigurationDocument, ConfigurationPlan};
use crate::error::ApiError;
use crate::gateway::AppState;
use crate::http::handler::routes;
use crate::query::{QueryParams, parse_flag};
use crate::resources::bundle::{self, ApplyOptions};

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(export)).routes(routes!(apply))
}

/// Options for applying a document.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
struct ApplyQuery {
    /// Whether to report the changes without making them; false by default.
    #[param(value_type = Option<bool>)]
    dry_run: Option<String>,
    /// Whether to delete items that the document omits, within the sections that it has; false by default.
    #[param(value_type = Option<bool>)]
    prune: Option<String>,
    /// The `plan` of a dry run: exactly its changes are made, or none.
    plan: Option<String>,
}

impl ApplyQuery {
    fn options(self) -> Result<ApplyOptions, ApiError> {
        let Self { dry_run, prune, plan } = self;
        Ok(ApplyOptions {
            dry_run: parse_flag("dryRun", dry_run)?.unwrap_or_default(),
            prune: parse_flag("prune", prune)?.unwrap_or_default(),
            plan,
        })
    }
}

/// Exports the whole configuration of an organisation except its lookup rows, which have an export of their own. Secrets are masked.
#[utoipa::path(get, path = "/configuration", tag = "configuration", params(OrgQuery), responses((status = 200, body = ConfigurationDocument)))]
async fn export(Tenant { org, gateway, .. }: Tenant<Read>) -> Result<Json<ConfigurationDocument>, ApiError> {
    Ok(Json(bundle::export(&gateway, org).await?))
}

/// Applies a configuration document to an organisation, or reports what that would change. The whole document is validated before
/// anything changes, and a section that it omits stays as it is.
#[utoipa::path(
    post,
    path = "/configuration/apply",
    tag = "configuration",
    params(OrgQuery, ApplyQuery),
    request_body = ConfigurationDocument,
    responses((status = 200, body = ConfigurationPlan), (status = 412, description = "What `plan` was made of has changed since")),
)]
async fn apply(
    Tenant { org, gateway, .. }: Tenant<Write>,
    QueryParams(query): QueryParams<ApplyQuery>,
    body: JsonBody,
) -> Result<Json<ConfigurationPlan>, ApiError> {
    let options = query.options()?;
    Ok(Json(bundle::apply(&gateway, org, body.document()?, options).await?))
}
