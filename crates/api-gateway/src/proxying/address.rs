//! The parts of a call's address: the integration's name, the rest of the path, and the query without the gateway's own
//! parameter.

use ig_core::inbound::RouteName;

use crate::error::ApiError;

/// The prefix of the name, below the base of the API.
const BASE: &str = "/integrations/";
/// The gateway's own parameter; all others belong to the target.
const ORG: &str = "orgId";

/// The integration's name and the rest of the path as received: empty, or beginning with `/`.
pub(super) fn parse_path(path: &str) -> Result<(RouteName, &str), ApiError> {
    let rest = path.strip_prefix(BASE).unwrap_or_default();
    let (name, suffix) = rest.find('/').map_or((rest, ""), |at| rest.split_at(at));
    let name = name.parse().map_err(|_| ApiError::not_found("Inbound integration"))?;
    Ok((name, suffix))
}

/// The query to pass on to the target.
pub(super) fn target_query(query: &str) -> String {
    let is_own = |pair: &&str| pair.split('=').next() == Some(ORG);
    let forwarded: Vec<_> = query.split('&').filter(|pair| !pair.is_empty() && !is_own(pair)).collect();
    forwarded.join("&")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn call_path_splits_into_name_and_rest() {
        let table = [
            ("/integrations/a", "a", ""),
            ("/integrations/a/", "a", "/"),
            ("/integrations/a-1/b%2Fc/d", "a-1", "/b%2Fc/d"),
        ];
        for (path, name, rest) in table {
            let (found, suffix) = parse_path(path).unwrap();
            assert_eq!((found.as_str(), suffix), (name, rest), "{path}");
        }
        for path in ["/integrations/", "/integrations//x", "/integrations/%41", "/other"] {
            assert!(parse_path(path).is_err(), "{path}");
        }
    }

    #[test]
    fn forwarded_query_omits_only_the_organisation() {
        let table = [
            ("orgId=1", ""),
            ("a=1&orgId=648&b=%26&a=2", "a=1&b=%26&a=2"),
            ("orgIds=1&org=2", "orgIds=1&org=2"),
            ("&&orgId=1&x", "x"),
        ];
        for (given, expected) in table {
            assert_eq!(target_query(given), expected, "{given}");
        }
    }
}
