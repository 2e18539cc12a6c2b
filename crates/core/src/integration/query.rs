//! The query of a target's address, and the parameters that clients may add.

/// The parameters of a query, as written.
fn parameters(query: &str) -> impl Iterator<Item = &str> {
    query.split('&').filter(|parameter| !parameter.is_empty())
}

/// The first parameter of `added` that `fixed` already names. Servers differ in which of two they use, whether names are
/// case-sensitive, and whether `;` separates: two names count as equal if any server takes them so.
pub fn first_repeated<'a>(fixed: &str, added: &'a str) -> Option<&'a str> {
    let taken: Vec<_> = parameters(fixed).flat_map(names).collect();
    parameters(added).find(|parameter| names(parameter).any(|name| taken.contains(&name)))
}

/// The fixed query, with those parameters of `added` that it does not already name.
pub fn merged(fixed: &str, added: &str) -> String {
    let free = parameters(added).filter(|parameter| first_repeated(fixed, parameter).is_none());
    parameters(fixed).chain(free).collect::<Vec<_>>().join("&")
}

fn names(parameter: &str) -> impl Iterator<Item = Vec<u8>> {
    let pairs = parameter.split(';').filter(|pair| !pair.is_empty());
    pairs.map(|pair| decoded(pair.split('=').next().unwrap_or_default()))
}

/// A name as a server decodes it, in lower case.
fn decoded(name: &str) -> Vec<u8> {
    let mut rest = name.as_bytes();
    let mut read = Vec::with_capacity(rest.len());
    while let Some((&first, after)) = rest.split_first() {
        let escaped = after.get(..2).filter(|_| first == b'%');
        let escaped = escaped.and_then(|digits| u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok());
        read.push(
            escaped
                .unwrap_or(if first == b'+' { b' ' } else { first })
                .to_ascii_lowercase(),
        );
        rest = escaped.map_or(after, |_| &after[2..]);
    }
    read
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repeated_parameters_are_found_however_they_are_written() {
        for added in ["key=2", "a=1&KEY=2", "%6bey=2", "key", "a=1;key=2", "%4b%65%79"] {
            assert!(first_repeated("v=1&key=1", added).is_some(), "{added}");
        }
        for added in ["", "keys=2", "a=key", "k=1&ey=2", "%6=1", "a=%26key=1"] {
            assert_eq!(first_repeated("v=1&key=1", added), None, "{added}");
        }
    }

    #[test]
    fn completed_queries_hold_each_fixed_parameter_once() {
        assert_eq!(merged("v=2&key=1", "v=1&q=%26&key=0&q=3"), "v=2&key=1&q=%26&q=3");
        assert_eq!((merged("", "q=1"), merged("v=1", "")), ("q=1".to_owned(), "v=1".to_owned()));
    }
}
