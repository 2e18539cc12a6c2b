//! Section `smtp`: the platform's mail server.

use std::net::IpAddr;
use std::path::PathBuf;

use ig_core::fault::Faults;
use ig_service::Validate;
use ig_service::config::{ConfigFaults, Secret};
use lettre::message::Mailbox;
use serde::{Deserialize, Serialize};

/// How the connection to the mail server is secured.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SmtpSecurity {
    /// STARTTLS, without which nothing is sent; usually on port 587.
    #[default]
    Starttls,
    /// TLS from the first byte; usually on port 465.
    Tls,
    /// None, which only a server on this machine may have.
    None,
}

impl SmtpSecurity {
    fn default_port(self) -> u16 {
        match self {
            Self::Starttls => 587,
            Self::Tls => 465,
            Self::None => 25,
        }
    }
}

/// Section `smtp`: the platform's mail server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SmtpConfig {
    /// The server's name or address; without one, no mail is sent.
    pub host: Option<String>,
    /// The server's port; by default 587, 465 or 25, as the security has it.
    pub port: Option<u16>,
    /// How the connection is secured: `starttls`, `tls`, or `none` on this machine.
    pub security: SmtpSecurity,
    /// The account, where the server asks for one.
    pub username: Option<String>,
    /// The account's password.
    pub password: Option<Secret>,
    /// The sender, such as `Integration Gateway <alerts@example.org>`.
    pub from: Option<String>,
    /// A PEM file with certificate authorities to trust beside the platform's.
    pub ca_file: Option<PathBuf>,
    /// How long one mail may take, in seconds.
    pub timeout_seconds: u64,
}

impl Default for SmtpConfig {
    fn default() -> Self {
        Self {
            host: None,
            port: None,
            security: SmtpSecurity::default(),
            username: None,
            password: None,
            from: None,
            ca_file: None,
            timeout_seconds: 30,
        }
    }
}

impl SmtpConfig {
    /// The port in force.
    pub fn port(&self) -> u16 {
        self.port.unwrap_or_else(|| self.security.default_port())
    }

    /// Everything that is wrong, by pointer into the section.
    pub(super) fn faults(&self) -> Faults {
        let mut faults = Faults::default();
        let Some(host) = &self.host else {
            return faults;
        };
        if host.is_empty() || host.contains(|character: char| character.is_whitespace() || character == '/') {
            faults.add("/host", "must be a name or an address");
        }
        if self.security == SmtpSecurity::None && !is_loopback(host) {
            faults.add(
                "/security",
                "must be starttls or tls: only a server on this machine may go without",
            );
        }
        if self.username.is_some() != self.password.is_some() {
            faults.add("/password", "must come with a username, and a username with a password");
        }
        if self.sender().is_none() {
            faults.add("/from", "must be a sender such as Integration Gateway <alerts@example.org>");
        }
        if !(1..=300).contains(&self.timeout_seconds) {
            faults.add("/timeout_seconds", "must be from 1 to 300");
        }
        faults
    }

    /// The sender; its address is in plain letters, since not every server takes others.
    pub(super) fn sender(&self) -> Option<Mailbox> {
        let sender: Mailbox = self.from.as_ref()?.parse().ok()?;
        let address: &str = sender.email.as_ref();
        address.is_ascii().then_some(sender)
    }
}

impl Validate for SmtpConfig {
    fn validate(&self, faults: &mut ConfigFaults) {
        for fault in self.faults().list() {
            let key = fault.pointer.trim_start_matches('/');
            faults.add(key, fault.message.clone(), "correct it or leave it out");
        }
    }
}

fn is_loopback(host: &str) -> bool {
    host.eq_ignore_ascii_case("localhost") || host.parse().is_ok_and(|address: IpAddr| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pointers(config: &SmtpConfig) -> Vec<String> {
        config.faults().list().iter().map(|fault| fault.pointer.clone()).collect()
    }

    #[test]
    fn smtp_section_may_be_empty_and_reports_all_that_is_wrong_with_it() {
        assert_eq!(pointers(&SmtpConfig::default()), [""; 0]);
        let wrong = SmtpConfig {
            host: Some("mail.example org".to_owned()),
            security: SmtpSecurity::None,
            username: Some("u".to_owned()),
            timeout_seconds: 0,
            ..SmtpConfig::default()
        };
        assert_eq!(
            pointers(&wrong),
            ["/host", "/security", "/password", "/from", "/timeout_seconds"]
        );
    }

    #[test]
    fn smtp_section_allows_no_security_on_this_machine_alone() {
        let on = |host: &str| SmtpConfig {
            host: Some(host.to_owned()),
            security: SmtpSecurity::None,
            from: Some("a@b.example".to_owned()),
            ..SmtpConfig::default()
        };
        for host in ["localhost", "127.0.0.1", "::1"] {
            assert!(pointers(&on(host)).is_empty(), "{host}");
        }
        for host in ["10.0.0.1", "localhost.example", "mail.example"] {
            assert_eq!(pointers(&on(host)), ["/security"], "{host}");
        }
    }
}
