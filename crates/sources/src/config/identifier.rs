//! Identifiers that go into SQL text, where parameters are not possible.

use super::fault::FaultCollector;

const MAX_LENGTH: usize = 64;

/// Whether a name is `[A-Za-z_][A-Za-z0-9_$]*` and no longer than MySQL allows.
fn is_identifier(name: &str) -> bool {
    let mut bytes = name.bytes();
    let begins = bytes.next().is_some_and(|byte| byte.is_ascii_alphabetic() || byte == b'_');
    begins && bytes.all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'$') && name.len() <= MAX_LENGTH
}

/// Adds a fault for a name that must not go into SQL.
pub(super) fn check(faults: &mut FaultCollector, key: &'static str, name: &str) {
    if !is_identifier(name) {
        let fix = "use up to 64 letters, digits, _ and $, beginning with a letter or _";
        faults.add(key, format!("{name:?} is not a name of a table or column"), fix);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifier_is_letters_digits_underscore_and_dollar() {
        for name in ["id", "_id", "a$1", "NOTIFICATION_queue2"] {
            assert!(is_identifier(name), "{name}");
        }
    }

    #[test]
    fn identifier_excludes_what_could_leave_its_quotes() {
        let long = "a".repeat(65);
        for name in [
            "",
            "1a",
            "$a",
            "a`b",
            "a b",
            "a;b",
            "a.b",
            "a'--",
            "ä",
            "a\0",
            "` OR 1=1 -- ",
            &long,
        ] {
            assert!(!is_identifier(name), "{name:?}");
        }
    }
}
