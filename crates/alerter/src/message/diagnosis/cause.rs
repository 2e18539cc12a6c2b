//! The causes of errors that people can do something about.

use ig_core::outcome::ErrorCategory;

use super::ObservedError;

/// Why deliveries fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Cause {
    /// The target's certificate has expired.
    CertificateExpired,
    /// The target's certificate is not valid yet.
    CertificateNotYetValid,
    /// No trusted authority issued the target's certificate, or it was revoked.
    CertificateUntrusted,
    /// The target's certificate is for another name.
    CertificateOfAnotherName,
    /// TLS could not be agreed on.
    TlsFailed,
    /// The target's name does not resolve.
    NameNotFound,
    /// The target refuses connections.
    ConnectionRefused,
    /// The target or something on the way breaks connections.
    ConnectionBroken,
    /// There is no way to the target's network.
    Unreachable,
    /// The target does not speak HTTP.
    NotHttp,
    /// The target is too slow.
    Timeout,
    /// The target refuses the credentials (401).
    Unauthorized,
    /// The target knows the credentials and forbids the request (403).
    Forbidden,
    /// The token endpoint grants no token.
    TokenNotGranted,
    /// The address does not exist at the target (404, 410).
    NotFound,
    /// The target answers with a redirect, which is not followed.
    Redirected,
    /// The payload is too large for the target (413).
    TooLarge,
    /// The target does not accept the payload (400, 415, 422).
    PayloadRefused,
    /// The target refuses the request for another reason.
    RequestRefused,
    /// The target asks to slow down (425, 429).
    RateLimited,
    /// The target, or a proxy before it, is out of service (502, 503).
    Unavailable,
    /// The target fails (other 5xx).
    ServerError,
    /// The script took too long, or too much memory.
    ScriptLimit,
    /// The script is disabled after it had to be stopped several times.
    ScriptDisabled,
    /// The script fails.
    ScriptFailed,
    /// The mapping or a lookup fails.
    MappingFailed,
    /// The payload does not match its schema.
    SchemaViolated,
    /// The egress guard refuses the address.
    Blocked,
    /// The configuration cannot be applied.
    Configuration,
    /// The event can no longer be read.
    Source,
    /// Something else.
    Unknown,
}

/// Words of the gateway's own sentences, the most specific first. A log keeps an error as its category, its status and such a sentence,
/// so that the sentence is all that tells one network failure from another.
const NETWORK_WORDS: [(&str, Cause); 16] = [
    ("it has expired", Cause::CertificateExpired),
    ("certificate has expired", Cause::CertificateExpired),
    ("it is not valid yet", Cause::CertificateNotYetValid),
    ("it is for another name", Cause::CertificateOfAnotherName),
    ("no trusted authority", Cause::CertificateUntrusted),
    ("certificate", Cause::CertificateUntrusted),
    ("tls ", Cause::TlsFailed),
    ("not be resolved", Cause::NameNotFound),
    ("refused the connection", Cause::ConnectionRefused),
    ("connection refused", Cause::ConnectionRefused),
    ("reset", Cause::ConnectionBroken),
    ("closed the connection", Cause::ConnectionBroken),
    ("connection to the target broke", Cause::ConnectionBroken),
    ("network could not be reached", Cause::Unreachable),
    ("not http", Cause::NotHttp),
    ("could not be connected to", Cause::Unreachable),
];

/// The codes in front of the texts of transformation errors.
const TRANSFORMATION_CODES: [(&str, Cause); 7] = [
    ("SCRIPT_TIMEOUT", Cause::ScriptLimit),
    ("SCRIPT_MEMORY", Cause::ScriptLimit),
    ("SCRIPT_LIMIT", Cause::ScriptLimit),
    ("SCRIPT_DISABLED", Cause::ScriptDisabled),
    ("SCRIPT_", Cause::ScriptFailed),
    ("SCHEMA", Cause::SchemaViolated),
    ("MAPPING_", Cause::MappingFailed),
];

impl Cause {
    /// The cause of an error. A status decides before a text.
    pub fn of(error: &ObservedError<'_>) -> Self {
        let text = first_words(error.text);
        if text.contains("no token was granted") {
            return Self::TokenNotGranted;
        }
        if let Some(cause) = error.status.and_then(Self::of_status) {
            return cause;
        }
        match error.category {
            ErrorCategory::RateLimit => Self::RateLimited,
            ErrorCategory::Timeout => Self::Timeout,
            ErrorCategory::ServerError => Self::ServerError,
            ErrorCategory::Network => named_in(&NETWORK_WORDS, &text).unwrap_or(Self::Unknown),
            ErrorCategory::Auth => Self::Unauthorized,
            ErrorCategory::ClientError => Self::RequestRefused,
            ErrorCategory::Transformation => Self::of_transformation(error.text),
            ErrorCategory::Config => Self::Configuration,
            ErrorCategory::Blocked => Self::Blocked,
            ErrorCategory::Source => Self::Source,
        }
    }

    /// The cause of a refusing or failing status.
    fn of_status(status: u16) -> Option<Self> {
        Some(match status {
            300..=399 => Self::Redirected,
            400 | 415 | 422 => Self::PayloadRefused,
            401 => Self::Unauthorized,
            403 => Self::Forbidden,
            404 | 410 => Self::NotFound,
            408 | 504 => Self::Timeout,
            413 => Self::TooLarge,
            425 | 429 => Self::RateLimited,
            402..=499 => Self::RequestRefused,
            502 | 503 => Self::Unavailable,
            500..=599 => Self::ServerError,
            _ => return None,
        })
    }

    fn of_transformation(text: &str) -> Self {
        let known = TRANSFORMATION_CODES.iter().find(|(code, _)| text.starts_with(code));
        known.map_or(Self::MappingFailed, |(_, cause)| *cause)
    }
}

/// The start of a text in lower case; a cause stands in its first sentence.
fn first_words(text: &str) -> String {
    text.chars().take(400).collect::<String>().to_lowercase()
}

fn named_in(words: &[(&str, Cause)], text: &str) -> Option<Cause> {
    words.iter().find(|(word, _)| text.contains(word)).map(|(_, cause)| *cause)
}

mod words;

#[cfg(test)]
mod tests {
    use super::*;

    fn cause(category: ErrorCategory, status: Option<u16>, text: &str) -> Cause {
        Cause::of(&ObservedError { category, status, text })
    }

    #[test]
    fn cause_follows_from_the_sentences_of_network_failures() {
        let table = [
            (
                "The target's TLS certificate was refused: it has expired.",
                Cause::CertificateExpired,
            ),
            (
                "The target's TLS certificate was refused: it is not valid yet.",
                Cause::CertificateNotYetValid,
            ),
            (
                "The target's TLS certificate was refused: no trusted authority issued it.",
                Cause::CertificateUntrusted,
            ),
            (
                "The target's TLS certificate was refused: it is for another name.",
                Cause::CertificateOfAnotherName,
            ),
            (
                "The target's TLS certificate was refused: it was revoked.",
                Cause::CertificateUntrusted,
            ),
            ("TLS could not be agreed on with the target.", Cause::TlsFailed),
            ("The target's name could not be resolved.", Cause::NameNotFound),
            ("The target refused the connection.", Cause::ConnectionRefused),
            ("The target reset the connection.", Cause::ConnectionBroken),
            ("The target's network could not be reached.", Cause::Unreachable),
            ("The target's answer is not HTTP.", Cause::NotHttp),
            (
                "The target closed the connection before its answer was complete.",
                Cause::ConnectionBroken,
            ),
            ("The connection to the target broke.", Cause::ConnectionBroken),
            ("Something new.", Cause::Unknown),
        ];
        for (text, expected) in table {
            assert_eq!(cause(ErrorCategory::Network, None, text), expected, "{text}");
        }
    }

    #[test]
    fn cause_follows_from_the_status_before_the_category() {
        use ErrorCategory::{Auth, ClientError, RateLimit, ServerError};
        let table = [
            (Auth, 401, Cause::Unauthorized),
            (ClientError, 403, Cause::Forbidden),
            (ClientError, 404, Cause::NotFound),
            (ClientError, 302, Cause::Redirected),
            (ClientError, 413, Cause::TooLarge),
            (ClientError, 422, Cause::PayloadRefused),
            (ClientError, 409, Cause::RequestRefused),
            (RateLimit, 429, Cause::RateLimited),
            (ServerError, 503, Cause::Unavailable),
            (ServerError, 500, Cause::ServerError),
            (ErrorCategory::Timeout, 504, Cause::Timeout),
        ];
        for (category, status, expected) in table {
            assert_eq!(
                cause(category, Some(status), "The target's certificate"),
                expected,
                "{status}"
            );
        }
    }

    #[test]
    fn cause_of_a_transformation_follows_from_its_code() {
        let table = [
            ("SCRIPT_TIMEOUT: x", Cause::ScriptLimit),
            ("SCRIPT_ERROR: it has expired", Cause::ScriptFailed),
            ("SCRIPT_DISABLED: x", Cause::ScriptDisabled),
            ("SCHEMA_VIOLATION: x", Cause::SchemaViolated),
            ("MAPPING_ERROR: x", Cause::MappingFailed),
        ];
        for (text, expected) in table {
            assert_eq!(cause(ErrorCategory::Transformation, None, text), expected, "{text}");
        }
        let token = cause(ErrorCategory::Auth, Some(401), "No token was granted: x");
        assert_eq!(token, Cause::TokenNotGranted);
        assert_eq!(cause(ErrorCategory::Timeout, None, ""), Cause::Timeout);
    }
}
