//! Where the next page of an API is.

use http::Uri;
use http::header::{HeaderMap, LINK};
use ig_core::integration::TargetUrl;
use ig_core::job::FetchError;
use serde_json::Value;

use super::authority;

/// A field of a page by its path, such as `meta.next`.
pub(super) fn field<'a>(page: &'a Value, path: &str) -> Option<&'a Value> {
    path.split('.').try_fold(page, |value, name| value.get(name))
}

/// The address with a query parameter, in place of those of the same name.
pub(super) fn with_parameter(url: &TargetUrl, parameter: &str, value: &str) -> Result<TargetUrl, FetchError> {
    let uri = url.uri();
    let given = form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes());
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.extend_pairs(given.filter(|(name, _)| name != parameter));
    query.append_pair(parameter, value);
    let address = format!("{}{}?{}", origin(uri), uri.path(), query.finish());
    address
        .parse()
        .map_err(|_| FetchError::Refused("The address of the next page is not valid.".to_owned()))
}

/// The address that a page names as the next, from a field or from its `Link` header.
///
/// It stays at the host of the first page: the credentials in the headers are for that host.
pub(super) fn linked(
    current: &TargetUrl,
    first: &TargetUrl,
    path: Option<&str>,
    page: &Value,
    headers: &HeaderMap,
) -> Result<Option<TargetUrl>, FetchError> {
    let named = match path {
        Some(path) => match field(page, path) {
            None | Some(Value::Null) => None,
            Some(Value::String(text)) => Some(text.clone()).filter(|text| !text.is_empty()),
            Some(_) => {
                let message = format!("The field {path} of a page is no text, so it names no next page.");
                return Err(FetchError::Refused(message));
            }
        },
        None => link_header(headers)?,
    };
    let Some(named) = named else {
        return Ok(None);
    };
    let next = resolved(current, &named)?;
    if authority(next.uri()) != authority(first.uri()) {
        return Err(FetchError::Refused(
            "The API names a next page at another host, where its credentials must not be sent.".to_owned(),
        ));
    }
    Ok(Some(next))
}

/// The target of `rel="next"` (RFC 8288). A header that cannot be read is an error: it would pass for the end.
fn link_header(headers: &HeaderMap) -> Result<Option<String>, FetchError> {
    for value in headers.get_all(LINK) {
        let text = value.to_str().ok();
        let next = text.and_then(next_target);
        let Some(next) = next else {
            return Err(FetchError::Refused(
                "The API sent a Link header that cannot be read.".to_owned(),
            ));
        };
        if next.is_some() {
            return Ok(next);
        }
    }
    Ok(None)
}

/// The next page in one header, if it names one; `None` if the header is malformed.
#[expect(clippy::option_option, reason = "a malformed header is not one without a next page")]
fn next_target(header: &str) -> Option<Option<String>> {
    let mut rest = header.trim();
    while !rest.is_empty() {
        let (target, parameters) = rest.strip_prefix('<')?.split_once('>')?;
        let (own, others) = parameters.split_at(end_of_link(parameters));
        if is_next(own) {
            return Some(Some(target.to_owned()));
        }
        rest = others.trim_start_matches([',', ' ', '\t']);
    }
    Some(None)
}

/// Where the parameters of a link end: at a comma outside of quotes.
fn end_of_link(parameters: &str) -> usize {
    let (mut is_quoted, mut is_escaped) = (false, false);
    for (at, letter) in parameters.char_indices() {
        match letter {
            _ if is_escaped => is_escaped = false,
            '\\' if is_quoted => is_escaped = true,
            '"' => is_quoted = !is_quoted,
            ',' if !is_quoted => return at,
            _ => {}
        }
    }
    parameters.len()
}

fn is_next(parameters: &str) -> bool {
    let mut pairs = parameters.split(';').filter_map(|parameter| parameter.split_once('='));
    pairs.any(|(name, value)| {
        let relations = value.trim().trim_matches('"');
        name.trim().eq_ignore_ascii_case("rel") && relations.split_whitespace().any(|word| word.eq_ignore_ascii_case("next"))
    })
}

/// An absolute address, or one below the current page's host or path.
fn resolved(current: &TargetUrl, named: &str) -> Result<TargetUrl, FetchError> {
    let uri = current.uri();
    let absolute = if named.starts_with("http://") || named.starts_with("https://") {
        named.to_owned()
    } else if named.starts_with('/') && !named.starts_with("//") {
        format!("{}{named}", origin(uri))
    } else if named.starts_with('?') {
        format!("{}{}{named}", origin(uri), uri.path())
    } else {
        let message = format!("The API names a next page that is no address: {}.", shortened(named));
        return Err(FetchError::Refused(message));
    };
    absolute.parse().map_err(|_| {
        let message = format!("The API names a next page that is no address: {}.", shortened(named));
        FetchError::Refused(message)
    })
}

fn shortened(text: &str) -> String {
    text.chars().filter(|letter| !letter.is_control()).take(100).collect()
}

fn origin(uri: &Uri) -> String {
    let (scheme, authority) = authority(uri);
    format!("{}://{}", scheme.unwrap_or("https"), authority.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use serde_json::json;

    use super::*;

    fn url(text: &str) -> TargetUrl {
        text.parse().unwrap()
    }

    fn next(current: &str, path: Option<&str>, page: &Value, header: Option<&'static str>) -> Result<Option<String>, FetchError> {
        let headers = header.map(|value| (LINK, HeaderValue::from_static(value)));
        let found = linked(
            &url(current),
            &url("https://a.example/v1/items?q=1"),
            path,
            page,
            &headers.into_iter().collect(),
        );
        found.map(|found| found.map(|found| found.to_string()))
    }

    #[test]
    fn next_page_parameter_replaces_its_earlier_value() {
        let base = url("https://a.example/items?q=a%26b&page=1");
        let second = with_parameter(&base, "page", "2").unwrap();
        assert_eq!(second.to_string(), "https://a.example/items?q=a%26b&page=2");
        let plain = with_parameter(&url("https://a.example"), "after", "x=y&z").unwrap();
        assert_eq!(plain.uri().query(), Some("after=x%3Dy%26z"));
    }

    #[test]
    fn next_page_link_is_found_in_a_field_or_header() {
        let current = "https://a.example/v1/items?page=1";
        let page = json!({"meta": {"next": "/v1/items?page=2"}, "last": null, "none": ""});
        assert_eq!(
            next(current, Some("meta.next"), &page, None),
            Ok(Some("https://a.example/v1/items?page=2".to_owned()))
        );
        assert_eq!(next(current, Some("last"), &page, None), Ok(None));
        assert_eq!(next(current, Some("none"), &page, None), Ok(None));
        let header = "<https://a.example/v1/items?page=0>; rel=\"prev\", <?page=2>; rel=\"last next\"";
        assert_eq!(
            next(current, None, &page, Some(header)),
            Ok(Some("https://a.example/v1/items?page=2".to_owned()))
        );
        assert_eq!(next(current, None, &page, None), Ok(None));
        let commas = "<https://a.example/v1/items?fields=a,b>; title=\"a, b\"; REL = next";
        let found = Ok(Some("https://a.example/v1/items?fields=a,b".to_owned()));
        assert_eq!(next(current, None, &page, Some(commas)), found);
    }

    #[test]
    fn next_page_that_cannot_be_read_is_no_end() {
        let current = "https://a.example/v1/items";
        let page = json!({"next": {"href": "/v1/items?page=2"}, "number": 2});
        for path in ["next", "number"] {
            assert!(
                matches!(next(current, Some(path), &page, None), Err(FetchError::Refused(_))),
                "{path}"
            );
        }
        assert!(matches!(
            next(current, None, &page, Some("no link")),
            Err(FetchError::Refused(_))
        ));
    }

    #[test]
    fn next_page_link_to_another_host_is_refused() {
        let current = "https://a.example/v1/items";
        for other in [
            "https://b.example/v1",
            "http://a.example/v1",
            "https://a.example:444/",
            "//b.example/",
            "items",
            "ftp://a.example/",
        ] {
            let page = json!({"next": other});
            assert!(
                matches!(next(current, Some("next"), &page, None), Err(FetchError::Refused(_))),
                "{other}"
            );
        }
    }
}
