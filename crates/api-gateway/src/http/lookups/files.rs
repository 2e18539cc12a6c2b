//! Importing and exporting rows as files.

use axum::Json;
use axum::body::Body;
use axum::extract::{Path, Request};
use axum::response::{IntoResponse, Response};
use chrono::Utc;
use http::header::{CONTENT_DISPOSITION, CONTENT_TYPE, LOCATION};
use http::{HeaderMap, HeaderValue, StatusCode};
use ig_core::id::OrgId;
use ig_core::lookup::{ImportMode, parse_lookup_type};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;

use super::{ListQuery, parse_tenant_id};
use crate::access::{OrgQuery, Read, Tenant, Write};
use crate::document::{ImportEntry, ImportList, ImportReport, Listing as _};
use crate::error::{ApiError, ErrorCode};
use crate::gateway::AppState;
use crate::http::BASE;
use crate::http::handler::routes;
use crate::path;
use crate::query::{OneOf, Paging, QueryParams, parse_flag, parse_name, parse_with};
use crate::resources::lookups::Format;
use crate::resources::lookups::exporting::{empty_file, export_rows};
use crate::resources::lookups::importing::{ImportOptions, ImportStart, start_import};

type Modes = OneOf<ImportMode>;
type Formats = OneOf<Format>;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(import))
        .routes(routes!(template))
        .routes(routes!(imports))
        .routes(routes!(read_import))
        .routes(routes!(export))
}

/// Options for an import.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
struct ImportQuery {
    /// `upsert` (the default) creates rows and changes those with the same type, tenant and source; `replace` replaces all other rows of
    /// the file's types.
    #[param(value_type = Option<Modes>, inline)]
    mode: Option<String>,
    /// The type of rows that name none.
    #[serde(rename = "type")]
    lookup_type: Option<String>,
    /// The unit of rows that name none; with `replace`, the only tenant whose rows are replaced.
    #[param(value_type = Option<i64>)]
    tenant_id: Option<String>,
    /// Whether to check the file only.
    #[param(value_type = Option<bool>)]
    dry_run: Option<String>,
}

impl ImportQuery {
    fn options(self, org: OrgId, headers: &HeaderMap) -> Result<ImportOptions, ApiError> {
        let Self {
            mode,
            lookup_type: named_type,
            tenant_id,
            dry_run,
        } = self;
        let given = headers
            .get(CONTENT_TYPE)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default();
        let format = Format::of_content_type(given).ok_or_else(|| {
            let message = format!(
                "The body must be a file, sent as Content-Type: text/csv or {}",
                Format::Xlsx.content_type()
            );
            ApiError::new(ErrorCode::UnsupportedMediaType, message)
        })?;
        Ok(ImportOptions {
            format,
            mode: parse_name("mode", mode)?.unwrap_or(ImportMode::Upsert),
            lookup_type: parse_with(
                "type",
                named_type,
                |text| parse_lookup_type(text).ok(),
                "the name of a type of rows",
            )?,
            tenant: parse_tenant_id(org, tenant_id)?,
            is_dry_run: parse_flag("dryRun", dry_run)?.unwrap_or(false),
        })
    }
}

/// Imports a file of rows, as CSV or as an Excel workbook.
///
/// The whole file is checked first, and nothing of a faulty file is written: the response is 400 and names each fault by row and column.
/// A dry run ends after the check, with 200. Otherwise the response is 202, and its `Location` reports progress: an upsert comes into
/// force in steps of 1,000 rows, a replacement all at once at its end.
///
/// Columns: `type`, `tenantId`, `source.id`, `source.<field>`, `target.id`, `target.<field>`, `isActive`, in any order. A cell is text,
/// unless it starts with `json:`, which introduces a number, true or false. An apostrophe in front of `=`, `+`, `-`, `@` or `json:` is
/// removed. CSV is UTF-8, separated by commas, semicolons or tabs; of a workbook only the first sheet is read. The limits are 64 MiB and
/// 500,000 rows.
#[utoipa::path(
    post,
    path = "/lookups/import",
    tag = "lookups",
    params(OrgQuery, ImportQuery),
    request_body(content(
        (String = "text/csv"),
        (Vec<u8> = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    )),
    responses(
        (status = 200, description = "What the import would do", body = ImportReport),
        (status = 202, description = "The import that began", body = ImportEntry, headers(("Location" = String))),
    ),
)]
async fn import(
    Tenant { org, gateway, .. }: Tenant<Write>,
    QueryParams(query): QueryParams<ImportQuery>,
    request: Request,
) -> Result<Response, ApiError> {
    let options = query.options(org, request.headers())?;
    let (parts, body) = request.into_parts();
    match start_import(&gateway, org, options, &parts.headers, body).await? {
        ImportStart::Checked(report) => Ok(Json(report).into_response()),
        ImportStart::Running(entry) => Ok(accepted(org, entry)),
    }
}

fn accepted(org: OrgId, entry: ImportEntry) -> Response {
    let location = format!("{BASE}/lookups/imports/{}?orgId={org}", entry.id);
    let mut response = (StatusCode::ACCEPTED, Json(entry)).into_response();
    if let Ok(location) = HeaderValue::from_str(&location) {
        response.headers_mut().insert(LOCATION, location);
    }
    response
}

/// Options for an export.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct FormatQuery {
    /// The format; `csv` by default.
    #[param(value_type = Option<Formats>, inline)]
    format: Option<String>,
}

impl FormatQuery {
    fn format(self) -> Result<Format, ApiError> {
        Ok(parse_name("format", self.format)?.unwrap_or(Format::Csv))
    }
}

/// Returns a file without rows, to be filled in and imported.
#[utoipa::path(
    get,
    path = "/lookups/import/template",
    tag = "lookups",
    params(OrgQuery, FormatQuery),
    responses((status = 200, description = "The file", content((String = "text/csv"), (Vec<u8> = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet")))),
)]
async fn template(_: Tenant<Read>, QueryParams(query): QueryParams<FormatQuery>) -> Result<Response, ApiError> {
    let format = query.format()?;
    Ok(file_response(format, "lookups-template", Body::from(empty_file(format)?)))
}

/// Lists imports, the latest first. An import is remembered for a week.
#[utoipa::path(get, path = "/lookups/imports", tag = "lookups", params(OrgQuery, Paging), responses((status = 200, body = ImportList)))]
async fn imports(
    Tenant { org, gateway, .. }: Tenant<Read>,
    QueryParams(paging): QueryParams<Paging>,
) -> Result<Json<ImportList>, ApiError> {
    let page = paging.page()?;
    let listed = gateway.store().lookup_imports().list(org, page).await?;
    let listed = listed.map(|import| ImportEntry::from(import.as_of(Utc::now())));
    Ok(Json(ImportList::of(listed, page)))
}

/// Reads the progress of an import. An import without progress for a minute was cut off with its process and has failed.
#[utoipa::path(get, path = "/lookups/imports/{id}", tag = "lookups", params(OrgQuery, ("id" = String, Path)), responses((status = 200, body = ImportEntry)))]
async fn read_import(Tenant { org, gateway, .. }: Tenant<Read>, Path(id): Path<String>) -> Result<Json<ImportEntry>, ApiError> {
    let found = gateway.store().lookup_imports().get(org, path::import(&id)?).await?;
    let found = found.ok_or_else(|| ApiError::not_found("Import"))?;
    Ok(Json(found.as_of(Utc::now()).into()))
}

/// Exports rows as a file that can be imported unchanged.
///
/// Text that a spreadsheet would take for a formula gets an apostrophe in front, which an import removes again.
#[utoipa::path(
    get,
    path = "/lookups/export",
    tag = "lookups",
    params(OrgQuery, ListQuery, FormatQuery),
    responses(
        (status = 200, description = "The file", content((String = "text/csv"), (Vec<u8> = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"))),
        (status = 409, description = "There are more rows than a workbook holds"),
    ),
)]
async fn export(
    Tenant { org, gateway, .. }: Tenant<Read>,
    QueryParams(query): QueryParams<ListQuery>,
    QueryParams(output): QueryParams<FormatQuery>,
) -> Result<Response, ApiError> {
    let format = output.format()?;
    let body = export_rows(&gateway, org, &query.filter(org)?, format).await?;
    Ok(file_response(format, &format!("lookups-{org}"), body))
}

fn file_response(format: Format, name: &str, body: Body) -> Response {
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(format.content_type()));
    let disposition = format!("attachment; filename=\"{name}.{}\"", format.extension());
    if let Ok(disposition) = HeaderValue::from_str(&disposition) {
        headers.insert(CONTENT_DISPOSITION, disposition);
    }
    response
}
