//! Requests a token (RFC 6749, section 4.4.2).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderValue, USER_AGENT};
use http::{Method, Request};
use http_body_util::Full;
use ig_core::integration::{ClientCredentials, CredentialsLocation};
use ig_core::outcome::{ErrorCategory, Failure};
use tokio::time::Instant;

use super::{CachedToken, response, token_failure};
use crate::deliverer::HttpClient;
use crate::exchange::{body, failure as exchange_failure};
use crate::template::AGENT;

/// Requests a token, through the guard as for every address that a tenant chose.
pub(super) async fn request_token(
    credentials: &ClientCredentials,
    client: &HttpClient,
    deadline: Instant,
) -> Result<CachedToken, Failure> {
    let sent = client.request(build_request(credentials)).await;
    let response = sent.map_err(|error| endpoint_failure(&exchange_failure::from_request_error(&error)))?;
    let (head, incoming) = response.into_parts();
    let (kept, read_result) = body::read_capped(incoming, deadline).await;
    if read_result.is_err() {
        return Err(token_failure(
            ErrorCategory::Network,
            "the token endpoint's answer broke off.",
        ));
    }
    response::parse_token(&head, &kept.bytes, Instant::now())
}

pub(super) fn timed_out() -> Failure {
    token_failure(ErrorCategory::Timeout, "the token endpoint did not answer in time.")
}

/// Rewrites a sentence about the target for the token endpoint.
fn endpoint_failure(of_target: &Failure) -> Failure {
    let message = of_target.message.replacen("The target", "the token endpoint", 1);
    token_failure(of_target.category, message)
}

fn build_request(credentials: &ClientCredentials) -> Request<Full<Bytes>> {
    let mut request = Request::new(Full::new(Bytes::from(encoded_form(credentials))));
    *request.method_mut() = Method::POST;
    *request.uri_mut() = credentials.token_url.uri().clone();
    let headers = request.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
    headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
    headers.insert(USER_AGENT, HeaderValue::from_static(AGENT));
    if credentials.location == CredentialsLocation::Header {
        headers.insert(AUTHORIZATION, basic_header(credentials));
    }
    request
}

fn encoded_form(credentials: &ClientCredentials) -> String {
    let mut form = form_urlencoded::Serializer::new(String::new());
    form.append_pair("grant_type", "client_credentials");
    let optional = [("scope", &credentials.scope), ("audience", &credentials.audience)];
    let given = optional.into_iter().filter_map(|(key, value)| Some((key, value.as_deref()?)));
    form.extend_pairs(given);
    if credentials.location == CredentialsLocation::Body {
        form.append_pair("client_id", &credentials.client_id);
        form.append_pair("client_secret", credentials.client_secret.expose());
    }
    form.finish()
}

/// Both halves are form-encoded before they are joined (section 2.3.1).
fn basic_header(credentials: &ClientCredentials) -> HeaderValue {
    let encoded = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    let pair = format!(
        "{}:{}",
        encoded(&credentials.client_id),
        encoded(credentials.client_secret.expose())
    );
    let value = format!("Basic {}", STANDARD.encode(pair));
    let mut value = HeaderValue::try_from(value).unwrap_or(HeaderValue::from_static(""));
    value.set_sensitive(true);
    value
}
