//! The platform's mail server.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use ig_core::clock::Timestamp;
use ig_core::fault::Faults;
use lettre::message::Mailbox;
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use tokio::time::timeout;

use super::config::{SmtpConfig, SmtpSecurity};
use super::mail::Mail;
use super::recipient::Recipient;
use super::session::Session;
use crate::channel::outcome::{SendError, Undelivered};

/// Sends mail through one server. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Mailer(Arc<Server>);

/// The server, and how it is talked to.
#[derive(Debug)]
pub(super) struct Server {
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) security: ServerSecurity,
    pub(super) credentials: Option<Credentials>,
    pub(super) hello: ClientId,
    pub(super) timeout: Duration,
    from: Mailbox,
}

/// How the connection is secured, with what it takes.
#[derive(Clone)]
pub(super) enum ServerSecurity {
    /// STARTTLS is required.
    Starttls(TlsParameters),
    /// TLS from the first byte.
    Tls(TlsParameters),
    /// None: the server is on this machine.
    None,
}

impl std::fmt::Debug for ServerSecurity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Starttls(_) => "Starttls",
            Self::Tls(_) => "Tls",
            Self::None => "None",
        })
    }
}

impl Mailer {
    /// The mailer of a configuration; `None` where it names no server. Faults carry pointers into `smtp`, such as `/ca_file`.
    pub fn new(config: &SmtpConfig) -> Result<Option<Self>, Faults> {
        config.faults().into_result(())?;
        let (Some(host), Some(from)) = (&config.host, config.sender()) else {
            return Ok(None);
        };
        let tls = || tls_parameters(host, config.ca_file.as_deref());
        let credentials = config.username.clone().zip(config.password.as_ref());
        Ok(Some(Self(Arc::new(Server {
            host: host.clone(),
            port: config.port(),
            security: match config.security {
                SmtpSecurity::Starttls => ServerSecurity::Starttls(tls()?),
                SmtpSecurity::Tls => ServerSecurity::Tls(tls()?),
                SmtpSecurity::None => ServerSecurity::None,
            },
            credentials: credentials.map(|(name, password)| Credentials::new(name, password.expose().to_owned())),
            hello: ClientId::default(),
            timeout: Duration::from_secs(config.timeout_seconds),
            from,
        }))))
    }

    /// Sends a mail to all recipients in one conversation, and returns those that do not get it. Where the server closes the connection
    /// while it has the whole mail, it may have taken it: trying again may then double it, under the same `Message-ID`.
    pub(super) async fn send(&self, mail: &Mail, to: &[Recipient], now: Timestamp) -> Result<Vec<Undelivered>, SendError> {
        let Self(server) = self;
        let Some(message) = mail.written(&server.from, to, now) else {
            return Err(SendError::permanent("The mail cannot be written: it is too large."));
        };
        let conversation = async {
            let session = Session::open(server).await?;
            session.deliver(&server.from.email, to, &message).await
        };
        let in_time = timeout(server.timeout, conversation).await;
        in_time.unwrap_or_else(|_| {
            let seconds = server.timeout.as_secs();
            Err(SendError::transient(format!(
                "The mail server did not take the mail within {seconds} s."
            )))
        })
    }
}

/// TLS that trusts the platform's authorities and those of a file.
fn tls_parameters(host: &str, ca_file: Option<&Path>) -> Result<TlsParameters, Faults> {
    let mut builder = TlsParameters::builder(host.to_owned());
    if let Some(file) = ca_file {
        let refuse = |reason: String| Faults::single("/ca_file", format!("{}: {reason}", file.display()));
        let pem = fs::read(file).map_err(|error| refuse(error.to_string()))?;
        if !pem.windows(BEGIN.len()).any(|window| window == BEGIN) {
            return Err(refuse("holds no certificate".to_owned()));
        }
        let authorities = Certificate::from_pem(&pem).map_err(|error| refuse(error.to_string()))?;
        builder = builder.add_root_certificate(authorities);
    }
    let built = builder.build_rustls();
    built.map_err(|error| Faults::single(if ca_file.is_some() { "/ca_file" } else { "/security" }, error.to_string()))
}

const BEGIN: &[u8] = b"-----BEGIN CERTIFICATE-----";
