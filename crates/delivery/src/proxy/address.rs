//! The address of a call: the target's URL, the client's path suffix and the client's query.

use http::Uri;
use http::uri::PathAndQuery;
use ig_core::escaping::escaped;
use ig_core::integration::query::first_repeated;

/// The client's path or query cannot be appended to the target's address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadAddress {
    /// A segment of the path would climb out of the target's path, or hides a separator.
    #[error("the path must not hold '.', '..', an encoded '/' or '\\', or an empty segment in between")]
    Path,
    /// The client sets a parameter that the integration's own URL fixes.
    #[error("the query must not name a parameter that the integration's targetUrl fixes: {0}")]
    Fixed(String),
    /// The parts do not form a valid address.
    #[error("the path and query make no valid address")]
    Whole,
}

/// Joins the target's URL with a client's path, which is empty or begins with `/`, and query, which may be empty.
pub(super) fn join_address(target: &Uri, path: &str, query: &str) -> Result<Uri, BadAddress> {
    if path.is_empty() && query.is_empty() {
        return Ok(target.clone());
    }
    if !stays_below(path) {
        return Err(BadAddress::Path);
    }
    if let Some(fixed) = first_repeated(target.query().unwrap_or_default(), query) {
        let name = fixed.split('=').next().unwrap_or_default();
        return Err(BadAddress::Fixed(name.to_owned()));
    }
    let mut path_and_query = match path {
        "" => target.path().to_owned(),
        path => format!("{}{path}", target.path().trim_end_matches('/')),
    };
    let queries = [target.query().unwrap_or_default(), query];
    for (before, query) in ["?", "&"]
        .into_iter()
        .zip(queries.into_iter().filter(|query| !query.is_empty()))
    {
        path_and_query.push_str(before);
        path_and_query.push_str(query);
    }
    let mut parts = target.clone().into_parts();
    let path_and_query = escaped(&path_and_query).map_err(|_| BadAddress::Whole)?;
    parts.path_and_query = Some(PathAndQuery::try_from(&*path_and_query).map_err(|_| BadAddress::Whole)?);
    Uri::from_parts(parts).map_err(|_| BadAddress::Whole)
}

/// Whether a path stays below the target's.
fn stays_below(path: &str) -> bool {
    let Some(segments) = path.strip_prefix('/') else {
        return path.is_empty();
    };
    !segments.trim_end_matches('/').split('/').any(may_climb) || segments.is_empty()
}

/// Whether a server on the way could take a segment for another place.
fn may_climb(segment: &str) -> bool {
    let plain = segment.to_ascii_lowercase().replace("%2e", ".");
    let hides = ["%2f", "%5c", "%00", "\\"].iter().any(|hidden| plain.contains(hidden));
    // No conforming server decodes twice, so a double encoding is harmless; some cut off a parameter (`..;x`).
    let named = plain.split(';').next().unwrap_or_default();
    hides || matches!(named, "." | "..") || segment.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn joined(target: &str, path: &str, query: &str) -> Result<String, BadAddress> {
        join_address(&target.parse().unwrap(), path, query).map(|uri| uri.to_string())
    }

    #[test]
    fn address_appends_paths_and_queries() {
        let table = [
            ("https://a.example", "", "", "https://a.example/"),
            ("https://a.example/v1", "", "", "https://a.example/v1"),
            ("https://a.example/v1/", "/x", "", "https://a.example/v1/x"),
            ("https://a.example/v1", "/x/y/", "", "https://a.example/v1/x/y/"),
            ("https://a.example/v1", "/", "", "https://a.example/v1/"),
            ("https://a.example/v1?k=1", "/x", "", "https://a.example/v1/x?k=1"),
            ("https://a.example/v1?k=1", "", "q=2&q=3", "https://a.example/v1?k=1&q=2&q=3"),
            (
                "https://a.example",
                "/%C3%A4%20b",
                "q=%26",
                "https://a.example/%C3%A4%20b?q=%26",
            ),
        ];
        for (target, path, query, expected) in table {
            assert_eq!(
                joined(target, path, query).as_deref(),
                Ok(expected),
                "{target} {path} {query}"
            );
        }
    }

    #[test]
    fn address_encodes_or_refuses_what_a_request_line_cannot_hold() {
        let sent = joined("https://a.example/v1", "/\u{fc}", "q=\u{fc}");
        assert_eq!(sent.as_deref(), Ok("https://a.example/v1/%C3%BC?q=%C3%BC"));
        assert_eq!(joined("https://a.example/v1", "/%zz", ""), Err(BadAddress::Whole));
    }

    #[test]
    fn address_refuses_paths_that_climb_out_of_the_target() {
        for path in [
            "/..",
            "/../x",
            "/x/../..",
            "/%2e%2E/x",
            "/.%2e",
            "/./x",
            "/x/%2fetc",
            "/x%5c..%5cy",
            "/..;a=b/x",
            "/x//y",
            "/%00",
            "x",
        ] {
            assert_eq!(joined("https://a.example/v1", path, ""), Err(BadAddress::Path), "{path}");
        }
    }

    #[test]
    fn address_refuses_queries_that_repeat_a_fixed_parameter() {
        for query in ["k=2", "q=1&K=2", "%6B", "q=1;k=2"] {
            let refused = joined("https://a.example/v1?k=1", "", query);
            assert!(matches!(refused, Err(BadAddress::Fixed(_))), "{query}: {refused:?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn address_stays_below_the_target_for_any_suffix(path in "(/[a-zA-Z0-9.%;_~-]{0,6}){1,4}", query in "[a-z=&%0-9]{0,12}") {
            if let Ok(uri) = join_address(&"https://a.example/v1/base".parse().unwrap(), &path, &query) {
                proptest::prop_assert!(uri.path().starts_with("/v1/base/"), "{uri}");
                proptest::prop_assert_eq!(uri.host(), Some("a.example"));
                let decoded = uri.path().to_ascii_lowercase().replace("%2e", ".");
                proptest::prop_assert!(!decoded.split('/').any(|segment| segment == ".." || segment == "."), "{}", uri);
            }
        }
    }
}
