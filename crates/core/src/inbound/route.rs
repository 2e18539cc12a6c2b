//! The route name of an inbound integration.

use std::fmt;
use std::str::FromStr;

use smol_str::SmolStr;

use crate::fault::Faults;

const MAX_LENGTH: usize = 100;

/// The `type` of `/api/v1/integrations/{type}`: letters, digits, `.`, `_` and `-`, beginning with a letter or a digit.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RouteName(SmolStr);

impl RouteName {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for RouteName {
    type Err = Faults;

    fn from_str(text: &str) -> Result<Self, Faults> {
        let begins_well = text.starts_with(|first: char| first.is_ascii_alphanumeric());
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
        if begins_well && text.len() <= MAX_LENGTH && text.bytes().all(allowed) {
            return Ok(Self(text.into()));
        }
        let message = format!("must be 1 to {MAX_LENGTH} of A-Z, a-z, 0-9, '.', '_' and '-', a letter or a digit first");
        Err(Faults::single("", message))
    }
}

impl fmt::Display for RouteName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_route_name_needs_no_escaping_in_a_path() {
        for good in ["a", "appointment-booking", "v1.Orders_2", &"x".repeat(100)] {
            assert_eq!(good.parse::<RouteName>().unwrap().as_str(), good);
        }
        for bad in ["", ".", "..", "-a", "a/b", "a b", "a%2f", "ä", "a?b", &"x".repeat(101)] {
            assert!(bad.parse::<RouteName>().is_err(), "{bad}");
        }
    }
}
