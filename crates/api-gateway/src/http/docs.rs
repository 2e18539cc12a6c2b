//! `/docs`: a page to browse the API description and to send requests from. All its files are embedded.

use axum::Router;
use axum::response::{Html, IntoResponse};
use axum::routing::get;
use http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderName};

use super::BASE;
use crate::gateway::AppState;

const PAGE: &str = include_str!("docs/index.html");
const SCRIPT: &str = "text/javascript; charset=utf-8";
const FILES: [(&str, &str, &str); 5] = [
    ("style.css", "text/css; charset=utf-8", include_str!("docs/style.css")),
    ("page.js", SCRIPT, include_str!("docs/page.js")),
    ("element.js", SCRIPT, include_str!("docs/element.js")),
    ("schema.js", SCRIPT, include_str!("docs/schema.js")),
    ("attempt.js", SCRIPT, include_str!("docs/attempt.js")),
];

/// Scripts and styles load from here only, requests go here only, and no page may frame this one.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; base-uri 'none'; \
                      form-action 'none'; frame-ancestors 'none'";
const HEADERS: [(HeaderName, &str); 2] = [(CONTENT_SECURITY_POLICY, POLICY), (CACHE_CONTROL, "no-cache")];

/// The page and its files, without a key.
pub(super) fn route() -> Router<AppState> {
    let page = Router::new().route(&format!("{BASE}/docs"), get(|| async { (HEADERS, Html(PAGE)) }));
    FILES.into_iter().fold(page, |router, (name, kind, text)| {
        let handler = move || async move { (HEADERS, [(CONTENT_TYPE, kind)], text).into_response() };
        router.route(&format!("{BASE}/docs/{name}"), get(handler))
    })
}
