//! Maps errors to an error category and a sentence that a tenant may read.

use std::error::Error;
use std::io;
use std::time::Duration;

use hyper_util::client::legacy;
use ig_core::outcome::{ErrorCategory, Failure};
use rustls::CertificateError;

use crate::connector::ConnectError;

/// The deadline passed.
pub(crate) fn deadline_exceeded(timeout: Duration) -> Failure {
    let message = format!("The target did not answer in full within {} ms.", timeout.as_millis());
    Failure::new(ErrorCategory::Timeout, message)
}

/// No response arrived.
pub(crate) fn from_request_error(error: &legacy::Error) -> Failure {
    let failure = causes(error).find_map(|cause| {
        connect_failure(cause)
            .or_else(|| tls_failure(cause))
            .or_else(|| http_failure(cause))
    });
    failure.unwrap_or_else(|| {
        network_failure(if error.is_connect() {
            "The target could not be connected to."
        } else {
            CONNECTION_BROKE
        })
    })
}

/// The response broke off.
pub(crate) fn from_body_error(error: &hyper::Error) -> Failure {
    http_failure(error).unwrap_or_else(|| network_failure(CONNECTION_BROKE))
}

const CONNECTION_BROKE: &str = "The connection to the target broke.";

fn network_failure(message: impl Into<String>) -> Failure {
    Failure::new(ErrorCategory::Network, message)
}

/// An error and all its causes.
pub(crate) fn causes<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |error| cause_of(*error))
}

/// An error's direct cause; an I/O error hides its own from `source`.
fn cause_of<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a (dyn Error + 'static)> {
    match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
        Some(inner) => Some(inner),
        None => error.source(),
    }
}

fn connect_failure(cause: &(dyn Error + 'static)) -> Option<Failure> {
    Some(match cause.downcast_ref()? {
        ConnectError::Blocked(blocked) => Failure::new(ErrorCategory::Blocked, blocked.to_string()),
        ConnectError::Dns(_) => network_failure("The target's name could not be resolved."),
        ConnectError::Tcp(error) => network_failure(connect_error_message(error.kind())),
        ConnectError::TimedOut => Failure::new(ErrorCategory::Timeout, "The target could not be connected to in time."),
    })
}

#[expect(clippy::wildcard_enum_match_arm, reason = "the kinds of I/O errors are open-ended")]
fn connect_error_message(kind: io::ErrorKind) -> &'static str {
    match kind {
        io::ErrorKind::ConnectionRefused => "The target refused the connection.",
        io::ErrorKind::ConnectionReset => "The target reset the connection.",
        io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable => "The target's network could not be reached.",
        _ => "The target could not be connected to.",
    }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "rustls marks its errors as open-ended")]
fn tls_failure(cause: &(dyn Error + 'static)) -> Option<Failure> {
    Some(network_failure(match cause.downcast_ref()? {
        rustls::Error::InvalidCertificate(problem) => {
            format!(
                "The target's TLS certificate was refused: {}.",
                certificate_error_message(problem)
            )
        }
        _ => "TLS could not be agreed on with the target.".to_owned(),
    }))
}

#[expect(clippy::wildcard_enum_match_arm, reason = "rustls marks its errors as open-ended")]
fn certificate_error_message(problem: &CertificateError) -> &'static str {
    match problem {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => "it has expired",
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => "it is not valid yet",
        CertificateError::UnknownIssuer | CertificateError::BadSignature => "no trusted authority issued it",
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => "it is for another name",
        CertificateError::Revoked => "it was revoked",
        _ => "it is not valid; one that the target has made itself must stand in security.private_ca_file as it is",
    }
}

fn http_failure(cause: &(dyn Error + 'static)) -> Option<Failure> {
    let error = cause.downcast_ref::<hyper::Error>()?;
    Some(network_failure(if error.is_parse_too_large() {
        "The target's answer has too large headers."
    } else if error.is_parse() {
        "The target's answer is not HTTP."
    } else if error.is_incomplete_message() {
        "The target closed the connection before its answer was complete."
    } else {
        CONNECTION_BROKE
    }))
}
