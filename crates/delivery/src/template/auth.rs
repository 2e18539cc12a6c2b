//! Credentials as headers. One that cannot be applied is a fault: a request without its credentials is not sent.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::{AUTHORIZATION, HeaderMap, HeaderName};
use ig_core::fault::Faults;
use ig_core::integration::{ClientCredentials, OutgoingAuth};
use ig_core::secret::Secret;

use super::headers::{escaped, is_reserved, parse_name, parse_value};

const AUTH_POINTER: &str = "/outgoingAuthConfig";

pub(crate) fn add_credentials(auth: &OutgoingAuth, headers: &mut HeaderMap, faults: &mut Faults) {
    match auth {
        OutgoingAuth::None => {}
        OutgoingAuth::ApiKey { header_name, api_key } => {
            let pointers = [format!("{AUTH_POINTER}/headerName"), format!("{AUTH_POINTER}/apiKey")];
            add_credential(header_name, api_key.expose(), &pointers, headers, faults);
        }
        OutgoingAuth::Bearer { token } => add_bearer(token, headers, faults),
        OutgoingAuth::Basic { username, password } => add_basic(username, password, headers, faults),
        OutgoingAuth::OAuth2(credentials) => check_oauth2(credentials, faults),
        OutgoingAuth::CustomHeaders { headers: given } => {
            for (name, value) in given {
                let pointer = format!("{AUTH_POINTER}/headers/{}", escaped(name));
                add_credential(name, value.expose(), &[pointer.clone(), pointer], headers, faults);
            }
        }
    }
}

fn add_bearer(token: &Secret, headers: &mut HeaderMap, faults: &mut Faults) {
    let pointer = format!("{AUTH_POINTER}/token");
    if token.expose().is_empty() {
        return faults.add(pointer, "must not be empty");
    }
    insert_sensitive(
        AUTHORIZATION,
        &format!("Bearer {}", token.expose()),
        &pointer,
        headers,
        faults,
    );
}

fn add_basic(username: &str, password: &Secret, headers: &mut HeaderMap, faults: &mut Faults) {
    let pointer = format!("{AUTH_POINTER}/username");
    if username.contains(':') {
        return faults.add(pointer, "must not hold a colon");
    }
    let encoded = STANDARD.encode(format!("{username}:{}", password.expose()));
    insert_sensitive(AUTHORIZATION, &format!("Basic {encoded}"), &pointer, headers, faults);
}

/// The token is granted later; the credentials for it must be there.
fn check_oauth2(credentials: &ClientCredentials, faults: &mut Faults) {
    let needed = [
        ("clientId", credentials.client_id.as_str()),
        ("clientSecret", credentials.client_secret.expose()),
    ];
    for (key, _) in needed.into_iter().filter(|(_, text)| text.is_empty()) {
        faults.add(format!("{AUTH_POINTER}/{key}"), "must not be empty");
    }
}

fn add_credential(
    name: &str,
    value: &str,
    [name_pointer, value_pointer]: &[String; 2],
    headers: &mut HeaderMap,
    faults: &mut Faults,
) {
    if is_reserved(name) {
        return faults.add(name_pointer, "must not be a header that the gateway sets itself");
    }
    if value.is_empty() {
        return faults.add(value_pointer, "must not be empty");
    }
    if let Some(name) = parse_name(name, name_pointer, faults) {
        insert_sensitive(name, value, value_pointer, headers, faults);
    }
}

/// A sensitive value is masked wherever it is shown and never enters a compression table.
fn insert_sensitive(name: HeaderName, value: &str, pointer: &str, headers: &mut HeaderMap, faults: &mut Faults) {
    if let Some(mut value) = parse_value(value, pointer, faults) {
        value.set_sensitive(true);
        headers.insert(name, value);
    }
}
