//! Errors of the conversation with the mail server, in sentences.

use std::error::Error;
use std::io;

use lettre::transport::smtp;
use rustls::CertificateError;

use crate::channel::outcome::SendError;
use crate::message::MaskedText;

/// What the server was asked for when it failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    /// To talk, to authenticate, to take mail from the sender: the platform's settings.
    Session,
    /// To take mail for one recipient.
    Recipient,
    /// To take the mail itself.
    Message,
}

/// A reply of 5xx is final where it is about the mail or its recipient. Everything else may go away: 4xx, TLS, the network, and settings
/// of the platform that its operator corrects.
pub(super) fn from_smtp(error: &smtp::Error, stage: Stage) -> SendError {
    let why = sentence(error);
    match stage {
        Stage::Recipient | Stage::Message if error.is_permanent() => SendError::permanent(why),
        Stage::Session | Stage::Recipient | Stage::Message => SendError::transient(why),
    }
}

fn sentence(error: &smtp::Error) -> String {
    if let Some(code) = error.status() {
        let reply = error.source().map(|reply| MaskedText::new(&reply.to_string()).to_string());
        return format!("The mail server answered {code}: {}", reply.unwrap_or_default());
    }
    let cause = causes(error).find_map(|cause| tls_sentence(cause).or_else(|| io_sentence(cause)));
    cause.unwrap_or_else(|| {
        if error.is_response() {
            "The mail server closed the connection in the middle, or does not speak SMTP.".to_owned()
        } else {
            let detail = error.source().map(|detail| MaskedText::new(&detail.to_string()).to_string());
            format!(
                "The mail server could not be used: {}.",
                detail.unwrap_or_else(|| "it is unknown why".to_owned())
            )
        }
    })
}

/// An error and all its causes.
fn causes<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |error| cause_of(*error))
}

/// An error's direct cause; an I/O error hides its own from `source`.
fn cause_of<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a (dyn Error + 'static)> {
    match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
        Some(inner) => Some(inner),
        None => error.source(),
    }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "rustls marks its errors as open-ended")]
fn tls_sentence(cause: &(dyn Error + 'static)) -> Option<String> {
    Some(match cause.downcast_ref()? {
        rustls::Error::InvalidCertificate(problem) => {
            format!(
                "The mail server's TLS certificate was refused: {}.",
                certificate_problem(problem)
            )
        }
        _ => "TLS could not be agreed on with the mail server.".to_owned(),
    })
}

#[expect(clippy::wildcard_enum_match_arm, reason = "rustls marks its errors as open-ended")]
fn certificate_problem(problem: &CertificateError) -> &'static str {
    match problem {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => "it has expired",
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => "it is not valid yet",
        CertificateError::UnknownIssuer | CertificateError::BadSignature => "no trusted authority issued it (smtp.ca_file)",
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => "it is for another name",
        CertificateError::Revoked => "it was revoked",
        _ => "it is not valid for a server",
    }
}

/// An I/O error with another error inside speaks through that one.
#[expect(clippy::wildcard_enum_match_arm, reason = "the kinds of I/O errors are open-ended")]
fn io_sentence(cause: &(dyn Error + 'static)) -> Option<String> {
    let error = cause.downcast_ref::<io::Error>()?;
    let sentence = match error.kind() {
        io::ErrorKind::ConnectionRefused => "The mail server refused the connection.",
        io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe | io::ErrorKind::UnexpectedEof => {
            "The mail server closed the connection in the middle."
        }
        io::ErrorKind::TimedOut => "The mail server could not be connected to in time.",
        io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable => "The mail server's network could not be reached.",
        _ if error.get_ref().is_some() => return None,
        _ => "The connection to the mail server broke.",
    };
    Some(sentence.to_owned())
}
