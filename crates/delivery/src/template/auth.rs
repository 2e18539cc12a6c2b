//! Credentials as headers. What cannot be applied is a fault: a request without its credentials is not sent.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::{AUTHORIZATION, HeaderMap, HeaderName};
use ig_core::fault::Faults;
use ig_core::integration::{ClientCredentials, OutgoingAuth};
use ig_core::secret::Secret;

use super::headers::{escaped, is_reserved, name_of, value_of};

const CONFIG: &str = "/outgoingAuthConfig";

pub(crate) fn apply(auth: &OutgoingAuth, headers: &mut HeaderMap, faults: &mut Faults) {
    match auth {
        OutgoingAuth::None => {}
        OutgoingAuth::ApiKey { header_name, api_key } => {
            let places = [format!("{CONFIG}/headerName"), format!("{CONFIG}/apiKey")];
            credential(header_name, api_key.expose(), &places, headers, faults);
        }
        OutgoingAuth::Bearer { token } => bearer(token, headers, faults),
        OutgoingAuth::Basic { username, password } => basic(username, password, headers, faults),
        OutgoingAuth::OAuth2(credentials) => oauth2(credentials, faults),
        OutgoingAuth::CustomHeaders { headers: given } => {
            for (name, value) in given {
                let place = format!("{CONFIG}/headers/{}", escaped(name));
                credential(name, value.expose(), &[place.clone(), place], headers, faults);
            }
        }
    }
}

fn bearer(token: &Secret, headers: &mut HeaderMap, faults: &mut Faults) {
    let place = format!("{CONFIG}/token");
    if token.expose().is_empty() {
        return faults.add(place, "must not be empty");
    }
    insert(AUTHORIZATION, &format!("Bearer {}", token.expose()), &place, headers, faults);
}

fn basic(username: &str, password: &Secret, headers: &mut HeaderMap, faults: &mut Faults) {
    let place = format!("{CONFIG}/username");
    if username.contains(':') {
        return faults.add(place, "must not hold a colon");
    }
    let encoded = STANDARD.encode(format!("{username}:{}", password.expose()));
    insert(AUTHORIZATION, &format!("Basic {encoded}"), &place, headers, faults);
}

/// The token is granted later; what it is asked for with has to be there.
fn oauth2(credentials: &ClientCredentials, faults: &mut Faults) {
    let needed = [
        ("clientId", credentials.client_id.as_str()),
        ("clientSecret", credentials.client_secret.expose()),
    ];
    for (key, _) in needed.into_iter().filter(|(_, text)| text.is_empty()) {
        faults.add(format!("{CONFIG}/{key}"), "must not be empty");
    }
}

fn credential(name: &str, value: &str, [name_place, value_place]: &[String; 2], headers: &mut HeaderMap, faults: &mut Faults) {
    if is_reserved(name) {
        return faults.add(name_place, "must not be a header that the gateway sets itself");
    }
    if value.is_empty() {
        return faults.add(value_place, "must not be empty");
    }
    if let Some(name) = name_of(name, name_place, faults) {
        insert(name, value, value_place, headers, faults);
    }
}

/// The value is marked, so that it is masked wherever it is shown and never enters a compression table.
fn insert(name: HeaderName, value: &str, place: &str, headers: &mut HeaderMap, faults: &mut Faults) {
    if let Some(mut value) = value_of(value, place, faults) {
        value.set_sensitive(true);
        headers.insert(name, value);
    }
}
