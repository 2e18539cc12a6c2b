//! Recipients of mail.

use std::fmt;
use std::str::FromStr;

use lettre::Address;

/// The longest address, in bytes (RFC 5321, section 4.5.3.1).
const MAX_ADDRESS_BYTES: usize = 254;
const MAX_LOCAL_BYTES: usize = 64;

/// An address cannot be a recipient.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("must be an e-mail address such as name@example.org, in plain letters, without a display name")]
pub struct BadRecipient;

/// An address that mail is sent to: letters, digits and `. + - _ = ~ ' # &` before the `@`, and a domain name after it. What mail servers
/// read as a route, a quotation or an option is refused, although the standard allows some of it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Recipient(Address);

impl Recipient {
    pub(super) fn address(&self) -> &Address {
        &self.0
    }

    /// The address.
    pub fn as_str(&self) -> &str {
        self.0.as_ref()
    }
}

impl FromStr for Recipient {
    type Err = BadRecipient;

    fn from_str(text: &str) -> Result<Self, BadRecipient> {
        let (local, domain) = text.rsplit_once('@').ok_or(BadRecipient)?;
        if text.len() > MAX_ADDRESS_BYTES || !is_local(local) || !is_domain(domain) {
            return Err(BadRecipient);
        }
        // Domains are equal in any case, so that each recipient is listed once.
        let address = Address::new(local, domain.to_ascii_lowercase());
        address.map(Self).map_err(|_| BadRecipient)
    }
}

impl fmt::Display for Recipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

fn is_local(local: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b".+-_=~'#&".contains(&byte);
    let dots = local.starts_with('.') || local.ends_with('.') || local.contains("..");
    (1..=MAX_LOCAL_BYTES).contains(&local.len()) && !local.starts_with('-') && !dots && local.bytes().all(allowed)
}

/// A name of at least two labels; the last one is no number, since that would be an address.
fn is_domain(domain: &str) -> bool {
    let is_label = |label: &str| {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        (1..=63).contains(&label.len()) && !label.starts_with('-') && !label.ends_with('-') && label.bytes().all(allowed)
    };
    let last = domain.rsplit('.').next().unwrap_or_default();
    domain.contains('.') && domain.split('.').all(is_label) && last.bytes().any(|byte| byte.is_ascii_alphabetic())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recipient_is_a_plain_address() {
        for good in ["a@b.example", "On.Call+nights@xn--mnchen-3ya.example", "o'neill@a-b.example"] {
            assert_eq!(good.parse::<Recipient>().unwrap().as_str(), good);
        }
        assert_eq!("A@B.Example".parse::<Recipient>().unwrap().as_str(), "A@b.example");
    }

    #[test]
    fn recipient_refuses_what_a_mail_server_may_read_otherwise() {
        let long = format!("{}@b.example", "a".repeat(65));
        let huge = format!("a@{}.example", "b".repeat(1 << 20));
        for bad in [
            "",
            "a",
            "@b.example",
            "a@",
            "a@b",
            "a b@c.example",
            "a@b.example\r\nRCPT TO:<x@y.example>",
            "a@b.example\n",
            "<a@b.example>",
            "A <a@b.example>",
            "a@b.example, c@d.example",
            "\"a b\"@c.example",
            "a%c@b.example",
            "c!a@b.example",
            "a@[127.0.0.1]",
            "a@127.0.0.1",
            "-f@b.example",
            ".a@b.example",
            "a..b@c.example",
            "a@b..example",
            "a@-b.example",
            "ä@b.example",
            "a@ü.example",
            "a@b@c.example",
            "a|b@c.example",
            "a\u{0}@b.example",
            "a@b.example.",
            &long,
            &huge,
        ] {
            assert_eq!(bad.parse::<Recipient>(), Err(BadRecipient), "{bad:?}");
        }
    }
}
