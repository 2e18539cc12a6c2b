//! Asking a token endpoint (RFC 6749, section 4.4.2).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderValue, USER_AGENT};
use http::{Method, Request};
use http_body_util::Full;
use ig_core::integration::{ClientCredentials, CredentialsPlace};
use ig_core::outcome::{ErrorCategory, Failure};
use tokio::time::Instant;

use super::{Granted, answer, failure};
use crate::deliverer::HttpClient;
use crate::exchange::{body, failure as exchange_failure};
use crate::template::AGENT;

/// Asks for a token; the guard stands in front of the endpoint as of every address that a tenant chose.
pub(super) async fn send(credentials: &ClientCredentials, client: &HttpClient, deadline: Instant) -> Result<Granted, Failure> {
    let sent = client.request(request(credentials)).await;
    let response = sent.map_err(|error| told(&exchange_failure::of_request(&error)))?;
    let (head, incoming) = response.into_parts();
    let (kept, ended) = body::read(incoming, deadline).await;
    if ended.is_err() {
        return Err(failure(ErrorCategory::Network, "the token endpoint's answer broke off."));
    }
    answer::read(&head, &kept.bytes, Instant::now())
}

/// The time is over.
pub(super) fn too_late() -> Failure {
    failure(ErrorCategory::Timeout, "the token endpoint did not answer in time.")
}

/// The sentences about targets hold for the endpoint too, which stands in their place.
fn told(of_target: &Failure) -> Failure {
    let message = of_target.message.replacen("The target", "the token endpoint", 1);
    failure(of_target.category, message)
}

fn request(credentials: &ClientCredentials) -> Request<Full<Bytes>> {
    let mut request = Request::new(Full::new(Bytes::from(form(credentials))));
    *request.method_mut() = Method::POST;
    *request.uri_mut() = credentials.token_url.uri().clone();
    let headers = request.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
    headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
    headers.insert(USER_AGENT, HeaderValue::from_static(AGENT));
    if credentials.placed == CredentialsPlace::Header {
        headers.insert(AUTHORIZATION, basic(credentials));
    }
    request
}

fn form(credentials: &ClientCredentials) -> String {
    let mut form = form_urlencoded::Serializer::new(String::new());
    form.append_pair("grant_type", "client_credentials");
    let further = [("scope", &credentials.scope), ("audience", &credentials.audience)];
    let given = further.into_iter().filter_map(|(key, value)| Some((key, value.as_deref()?)));
    form.extend_pairs(given);
    if credentials.placed == CredentialsPlace::Body {
        form.append_pair("client_id", &credentials.client_id);
        form.append_pair("client_secret", credentials.client_secret.expose());
    }
    form.finish()
}

/// Both halves are encoded as in a form before they are joined (section 2.3.1).
fn basic(credentials: &ClientCredentials) -> HeaderValue {
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
