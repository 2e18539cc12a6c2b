//! `/auth`: login, logout and the caller's own account.

use axum::{Extension, Json};
use http::StatusCode;
use ig_core::secret::Secret;
use utoipa_axum::router::OpenApiRouter;

use crate::access::{Authenticated, CurrentUser, Unauthenticated};
use crate::body::{JsonBody, UnauthenticatedBody};
use crate::client_info::ClientAddress;
use crate::document::{LoggedIn, Login, Me, PasswordChange};
use crate::error::ApiError;
use crate::gateway::AppState;
use crate::http::handler::routes;
use crate::resources::users;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(log_in))
        .routes(routes!(log_out))
        .routes(routes!(me))
        .routes(routes!(change_password))
}

/// Begins a session. Ten failures within 15 minutes block the account for a while, for the address that they came from.
#[utoipa::path(post, path = "/auth/login", tag = "auth", request_body = Login, responses((status = 200, body = LoggedIn), (status = 401, description = "The address or the password is wrong")), security(()))]
async fn log_in(
    Unauthenticated { gateway }: Unauthenticated,
    Extension(ClientAddress(from)): Extension<ClientAddress>,
    UnauthenticatedBody(body): UnauthenticatedBody,
) -> Result<Json<LoggedIn>, ApiError> {
    let Login { email, password } = body.document()?;
    let session = gateway.sessions().log_in(&email, &Secret::new(password), from).await?;
    Ok(Json(session.into()))
}

/// Ends the session of the token: every token of the session is refused from now on.
#[utoipa::path(post, path = "/auth/logout", tag = "auth", responses((status = 204)), security(("bearer" = [])))]
async fn log_out(CurrentUser { gateway, session, .. }: CurrentUser) -> Result<StatusCode, ApiError> {
    gateway.sessions().log_out(&session).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Returns the caller and its rights.
#[utoipa::path(get, path = "/auth/me", tag = "auth", responses((status = 200, body = Me)))]
async fn me(Authenticated { gateway }: Authenticated) -> Json<Me> {
    Json(gateway.caller().into())
}

/// Changes the caller's password and ends the caller's other sessions.
#[utoipa::path(post, path = "/auth/password", tag = "auth", request_body = PasswordChange, responses((status = 204), (status = 412, description = "The account has changed meanwhile: try again")), security(("bearer" = [])))]
async fn change_password(
    CurrentUser { gateway, user, session }: CurrentUser,
    Extension(ClientAddress(from)): Extension<ClientAddress>,
    body: JsonBody,
) -> Result<StatusCode, ApiError> {
    users::change_password(&gateway, user, &session, from, body.document()?).await?;
    Ok(StatusCode::NO_CONTENT)
}
