//! Masks what may be data or a credential in texts that leave the gateway.
//!
//! An error's text may quote the payload that it is about, and a payload is a patient's. What is quoted, what has the shape of data and
//! what has the shape of a credential is replaced, and rather too much than too little: the [`Diagnosis`](super::Diagnosis) beside it says
//! what happened. Prose cannot be told from data. Therefore nothing of a text is kept that a tenant's script or lookup may have written.

use std::fmt;
use std::sync::LazyLock;

use ig_core::mask;
use ig_core::outcome::ErrorCategory;
use ig_core::secret::MASK;
use regex::Regex;

use super::text::{capped, one_line};

/// How much of a text is looked at, in characters.
const MAX_READ_CHARS: usize = 8_192;
/// The longest masked text, in characters.
const MAX_MASKED_CHARS: usize = 400;
const WITHHELD: &str = "(The text is withheld.)";
const NOT_TRANSFORMED: &str = "The payload could not be transformed.";
const NOT_READ: &str = "The event could not be read from its source.";

/// A pattern, and what replaces each match.
type Rule = (Regex, &'static str);

/// In this order: data that reaches to the end of a text goes before the parts that it may hold.
const PATTERNS: [(&str, &str); 13] = [
    // JSON, XML and HTML, and HL7 messages.
    (r"\{.*\}|\{.*$", "[data]"),
    (r"<[\p{L}!/?].*>|<[\p{L}!/?].*$", "[data]"),
    (r"\b[A-Z][A-Z0-9]{2}\|.*$|\S*\|.*\|.*$", "[data]"),
    // Quoted texts. An apostrophe inside a word is no quote.
    (r#""[^"]*"|"[^"]*$|`[^`]*`|`[^`]*$|“[^”]*(?:”|$)|«[^»]*(?:»|$)"#, "[…]"),
    (r"(^|[^\p{L}\p{N}])(?:'.*'|'.*$)", "$1[…]"),
    (r"\[[^\]…]*[,:;][^\]]*(?:\]|$)", "[data]"),
    // Addresses: paths and queries hold identifiers and tokens.
    (
        r"(?i)\b([a-z][a-z0-9+.-]{0,15})://(?:[^\s/?#@]*@)*([^\s/?#@]+)\S*",
        "$1://$2/…",
    ),
    (r"(^|\s)/[^\s/]\S*", "$1/…"),
    // Credentials, and pairs of names and values.
    (r"(?i)\b(bearer|basic|digest|apikey|geniekey)\s+\S+", "$1 ********"),
    (
        r"(?i)([\w.-]*(?:password|passwd|pwd|passphrase|secret|token|key|authorization|cookie|signature|session|credential)s?)\s*:\s*\S+",
        "$1: ********",
    ),
    (r"([\w.\]\[-]+)\s?=\s*[^,;&)]+", "$1=********"),
    (r"[^\s@<>(),;:]+@[^\s@<>(),;:]+", "[e-mail]"),
    // Six digits and more, however they are grouped: record numbers, dates of birth, phone numbers.
    (r"[+(]?\d(?:[\s().:/,_-]{0,2}\d){5,}", "[number]"),
];

/// Broken rules must not let a text through, so they withhold it.
static RULES: LazyLock<Result<Vec<Rule>, regex::Error>> = LazyLock::new(|| {
    let compiled = PATTERNS.iter().map(|(pattern, with)| Ok((Regex::new(pattern)?, *with)));
    compiled.collect()
});

/// A text on one line of at most 400 characters, in which everything is masked that may be data or a credential: quoted texts, JSON, XML,
/// HL7, paths and queries of addresses, e-mail addresses, credentials, values after `=`, random words, and numbers of six digits and more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MaskedText(String);

impl MaskedText {
    /// Masks a text.
    pub fn new(raw: &str) -> Self {
        let line = one_line(raw, MAX_READ_CHARS);
        let masked = RULES.as_ref().map(|rules| mask_random_words(&masked_by(rules, &line)));
        Self(capped(&masked.unwrap_or_else(|_| WITHHELD.to_owned()), MAX_MASKED_CHARS))
    }

    /// Masks an error's text. Scripts, lookups and sources write the payload into theirs, so of these only the code and the position stay.
    pub fn of_error(category: ErrorCategory, raw: &str) -> Self {
        match category {
            ErrorCategory::Transformation => Self(script_shape(raw)),
            ErrorCategory::Source => Self(NOT_READ.to_owned()),
            ErrorCategory::RateLimit
            | ErrorCategory::Timeout
            | ErrorCategory::ServerError
            | ErrorCategory::Network
            | ErrorCategory::Auth
            | ErrorCategory::ClientError
            | ErrorCategory::Config
            | ErrorCategory::Blocked => Self::new(raw),
        }
    }

    /// A sentence of our own.
    pub(crate) fn fixed(sentence: &'static str) -> Self {
        Self(sentence.to_owned())
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for MaskedText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn masked_by(rules: &[Rule], line: &str) -> String {
    let replaced = |text: String, (pattern, with): &Rule| pattern.replace_all(&text, *with).into_owned();
    rules.iter().fold(line.to_owned(), replaced)
}

/// Masks the words that look like keys, tokens or identifiers.
fn mask_random_words(text: &str) -> String {
    let words = text.split(' ').map(|word| {
        let bare = word.trim_matches(|edge: char| !edge.is_ascii_alphanumeric());
        if mask::must_mask("", bare) { MASK } else { word }
    });
    words.collect::<Vec<_>>().join(" ")
}

/// The code in front of a text such as `SCRIPT_ERROR: … (line 3, column 4)`, and the position after it.
fn script_shape(raw: &str) -> String {
    let code = raw.split(':').next().unwrap_or_default();
    let is_code = code.len() <= 40 && code.contains('_') && code.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_');
    let position = raw.rsplit_once(" (line ").map(|(_, rest)| rest.trim_end_matches(')'));
    let position = position.filter(|rest| rest.len() <= 40 && is_position(rest));
    match (is_code.then_some(code), position) {
        (Some(code), Some(position)) => format!("{code} (line {position})"),
        (Some(code), None) => code.to_owned(),
        (None, _) => NOT_TRANSFORMED.to_owned(),
    }
}

/// Whether this is `3, column 4`, with numbers that a script can have.
fn is_position(text: &str) -> bool {
    let is_number = |digits: &str| (1..=5).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
    text.split_once(", column ")
        .is_some_and(|(line, column)| is_number(line) && is_number(column))
}

#[cfg(test)]
mod tests;
