//! One conversation with the mail server.
//!
//! Each reply must be the one that its command asks for. A reply that somebody slipped in before TLS began would shift all later ones,
//! and the first that has a number of its own gives it away.

use std::net::SocketAddr;

use lettre::Address;
use lettre::transport::smtp::authentication::DEFAULT_MECHANISMS;
use lettre::transport::smtp::client::AsyncSmtpConnection;
use lettre::transport::smtp::commands::{Data, Mail, Rcpt};
use lettre::transport::smtp::response::Response;
use tokio::net::lookup_host;

use super::failure::{Stage, from_smtp};
use super::mailer::{Server, ServerSecurity};
use super::recipient::Recipient;
use crate::channel::outcome::{SendError, Undelivered};

const AUTHENTICATED: u16 = 235;
const START_MAIL: u16 = 354;
const ACCEPTED: u16 = 250;

/// A connection on which mail can be sent.
pub(super) struct Session {
    connection: AsyncSmtpConnection,
}

impl Session {
    /// Connects, secures the connection and authenticates. Whatever goes wrong here is the platform's to correct, so that it is never a
    /// reason to drop a mail.
    pub(super) async fn open(server: &Server) -> Result<Self, SendError> {
        let failed = |error| from_smtp(&error, Stage::Session);
        let addresses = resolve(server).await?;
        let wrapped = match &server.security {
            ServerSecurity::Tls(tls) => Some(tls.clone()),
            ServerSecurity::Starttls(_) | ServerSecurity::None => None,
        };
        let connected = AsyncSmtpConnection::connect_tokio1(&addresses[..], Some(server.timeout), &server.hello, wrapped, None);
        let mut connection = connected.await.map_err(failed)?;
        if let ServerSecurity::Starttls(tls) = &server.security {
            connection.starttls(tls.clone(), &server.hello).await.map_err(failed)?;
        }
        if let Some(credentials) = &server.credentials {
            let reply = connection.auth(DEFAULT_MECHANISMS, credentials).await.map_err(failed)?;
            expect_code(&reply, AUTHENTICATED)?;
        }
        Ok(Self { connection })
    }

    /// Sends one mail and returns the recipients that do not get it.
    pub(super) async fn deliver(
        mut self,
        from: &Address,
        to: &[Recipient],
        message: &[u8],
    ) -> Result<Vec<Undelivered>, SendError> {
        let sender = self.connection.command(Mail::new(Some(from.clone()), Vec::new())).await;
        expect_code(&sender.map_err(|error| from_smtp(&error, Stage::Session))?, ACCEPTED)?;
        let refused = self.name_recipients(to).await?;
        if refused.len() < to.len() {
            self.send_message(message).await?;
        }
        // The mail is taken; how the conversation ends changes nothing.
        drop(self.connection.quit().await);
        Ok(refused)
    }

    /// Names the recipients, and returns those that the server refuses.
    async fn name_recipients(&mut self, to: &[Recipient]) -> Result<Vec<Undelivered>, SendError> {
        let mut refused = Vec::new();
        for recipient in to {
            let named = self
                .connection
                .command(Rcpt::new(recipient.address().clone(), Vec::new()))
                .await;
            let Err(error) = named else { continue };
            let is_reply = error.status().is_some();
            let error = from_smtp(&error, Stage::Recipient);
            if !is_reply {
                return Err(error);
            }
            let recipient = recipient.clone();
            refused.push(Undelivered { recipient, error });
        }
        Ok(refused)
    }

    async fn send_message(&mut self, message: &[u8]) -> Result<(), SendError> {
        let failed = |error| from_smtp(&error, Stage::Message);
        let ready = self.connection.command(Data).await.map_err(failed)?;
        expect_code(&ready, START_MAIL)?;
        let taken = self.connection.message(message).await.map_err(failed)?;
        expect_code(&taken, ACCEPTED)
    }
}

async fn resolve(server: &Server) -> Result<Vec<SocketAddr>, SendError> {
    let host = server.host.trim_start_matches('[').trim_end_matches(']');
    let found = lookup_host((host, server.port)).await;
    let addresses = found.map(Iterator::collect::<Vec<_>>).unwrap_or_default();
    if addresses.is_empty() {
        return Err(SendError::transient("The mail server's name could not be resolved."));
    }
    Ok(addresses)
}

fn expect_code(reply: &Response, code: u16) -> Result<(), SendError> {
    if reply.has_code(code) {
        return Ok(());
    }
    let answered = reply.code();
    Err(SendError::transient(format!(
        "The mail server answered {answered} where {code} was due."
    )))
}
