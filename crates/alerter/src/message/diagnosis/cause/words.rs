//! The words for each cause.

use super::Cause;

impl Cause {
    /// A sentence that says what happened, and one that says what to do next.
    pub fn words(self) -> (&'static str, &'static str) {
        self.network_words()
            .or_else(|| self.refusal_words())
            .unwrap_or_else(|| self.own_words())
    }

    /// Causes on the way to the target.
    fn network_words(self) -> Option<(&'static str, &'static str)> {
        Some(match self {
            Self::CertificateExpired => (
                "The target's TLS certificate has expired, so nothing is sent to it.",
                "Ask the target's operator to renew the certificate.",
            ),
            Self::CertificateNotYetValid => (
                "The target's TLS certificate is not valid yet, so nothing is sent to it.",
                "Ask the target's operator to check the certificate and the target's clock.",
            ),
            Self::CertificateUntrusted => (
                "The target's TLS certificate comes from no authority that the gateway trusts.",
                "Ask the target's operator for the full chain, or your operator to trust the private authority.",
            ),
            Self::CertificateOfAnotherName => (
                "The target's TLS certificate is for another name than the one in the address.",
                "Correct the host in the target's address, or ask its operator for a certificate with this name.",
            ),
            Self::TlsFailed => (
                "The gateway and the target could not agree on TLS.",
                "Check that the address and port serve HTTPS with TLS 1.2 or newer.",
            ),
            Self::NameNotFound => (
                "The name in the target's address does not resolve.",
                "Check the host for a typing error, and the DNS record with its owner.",
            ),
            Self::ConnectionRefused => (
                "The target refuses connections: nothing listens at its address and port.",
                "Ask the target's operator whether the service runs, and check the port.",
            ),
            Self::ConnectionBroken => (
                "The connection to the target breaks before it answers.",
                "Ask the target's operator for the service's log, and check firewalls and proxies on the way.",
            ),
            Self::Unreachable => (
                "The target's network cannot be reached.",
                "Check routes, firewalls and VPN between the gateway and the target.",
            ),
            Self::NotHttp => (
                "The target does not answer in HTTP.",
                "Check the scheme and the port of the target's address.",
            ),
            Self::Timeout => (
                "The target does not answer in time.",
                "Ask the target's operator about its load, or raise the integration's timeout.",
            ),
            _ => return None,
        })
    }

    /// Causes that the target names.
    fn refusal_words(self) -> Option<(&'static str, &'static str)> {
        Some(match self {
            Self::Unauthorized => (
                "The target refuses the credentials (401).",
                "Renew the credentials of the integration; they may have expired or been revoked.",
            ),
            Self::Forbidden => (
                "The target knows the credentials, but forbids this request (403).",
                "Ask the target's operator to grant the permission, or to allow the gateway's address.",
            ),
            Self::TokenNotGranted => (
                "The token endpoint grants no token, so nothing is sent.",
                "Check the client's identifier, its secret and the token address of the integration.",
            ),
            Self::NotFound => (
                "The address does not exist at the target.",
                "Check the path of the target's address; the target's interface may have moved.",
            ),
            Self::Redirected => (
                "The target answers with a redirect, which the gateway does not follow.",
                "Set the address that the target redirects to as the integration's address.",
            ),
            Self::TooLarge => (
                "The payload is too large for the target (413).",
                "Send less in the mapping, or ask the target's operator to raise its limit.",
            ),
            Self::PayloadRefused => (
                "The target does not accept the payload.",
                "Compare the payload in the log with the target's documentation, and correct the mapping.",
            ),
            Self::RequestRefused => ("The target refuses the request.", "Read the target's answer in the log."),
            Self::RateLimited => (
                "The target asks to slow down; deliveries wait and are sent later.",
                "Set a rate limit on the integration, or ask the target's operator for a higher one.",
            ),
            Self::Unavailable => (
                "The target, or a proxy before it, is out of service.",
                "Ask the target's operator when it is back; deliveries wait until then.",
            ),
            Self::ServerError => (
                "The target fails with an internal error (5xx).",
                "Ask the target's operator to look into its log at the time of the last error.",
            ),
            _ => return None,
        })
    }

    /// Causes on our side.
    fn own_words(self) -> (&'static str, &'static str) {
        match self {
            Self::ScriptLimit => (
                "The integration's script takes more time or memory than it may.",
                "Make the script do less, and try it with the preview.",
            ),
            Self::ScriptDisabled => (
                "The integration's script had to be stopped several times and is disabled.",
                "Correct the script and save it, which enables it again.",
            ),
            Self::ScriptFailed => (
                "The integration's script fails on a payload.",
                "Open the log for the script's line and the payload, and try the corrected script with the preview.",
            ),
            Self::MappingFailed => (
                "The mapping or a lookup fails on a payload.",
                "Open the log for the field, and add the missing lookup row or a default value.",
            ),
            Self::SchemaViolated => (
                "A payload does not match the schema of its event type.",
                "Compare the payload in the log with the schema, and correct the sender or the schema.",
            ),
            Self::Blocked => (
                "The gateway may not connect to the target's address, because it is not public.",
                "Correct the address, or ask your operator to allow it.",
            ),
            Self::Configuration => (
                "The integration's configuration cannot be applied.",
                "Open the integration and correct the fields that it marks.",
            ),
            Self::Source => (
                "An event can no longer be read from its source.",
                "Check the source's database, and whether rows are deleted before they are delivered.",
            ),
            _ => (
                "The last error has no known cause.",
                "Open the log in the console and read the last error.",
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cause_but_the_unknown_has_words_of_its_own() {
        let all = [
            Cause::CertificateExpired,
            Cause::CertificateNotYetValid,
            Cause::CertificateUntrusted,
            Cause::CertificateOfAnotherName,
            Cause::TlsFailed,
            Cause::NameNotFound,
            Cause::ConnectionRefused,
            Cause::ConnectionBroken,
            Cause::Unreachable,
            Cause::NotHttp,
            Cause::Timeout,
            Cause::Unauthorized,
            Cause::Forbidden,
            Cause::TokenNotGranted,
            Cause::NotFound,
            Cause::Redirected,
            Cause::TooLarge,
            Cause::PayloadRefused,
            Cause::RequestRefused,
            Cause::RateLimited,
            Cause::Unavailable,
            Cause::ServerError,
            Cause::ScriptLimit,
            Cause::ScriptDisabled,
            Cause::ScriptFailed,
            Cause::MappingFailed,
            Cause::SchemaViolated,
            Cause::Blocked,
            Cause::Configuration,
            Cause::Source,
            Cause::Unknown,
        ];
        let words: std::collections::HashSet<_> = all.into_iter().map(Cause::words).collect();
        assert_eq!(words.len(), all.len());
    }
}
