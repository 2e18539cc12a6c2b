//! Links in notices.

use std::fmt;

use ig_core::integration::TargetUrl;

/// The longest link, in bytes; Slack and others refuse longer ones.
const MAX_LINK_BYTES: usize = 2_000;

/// A link is not one that every channel can carry.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a link must be an absolute http or https address of at most 2,000 characters, without credentials")]
pub struct BadLink;

/// An absolute `http` or `https` address in plain ASCII, which may have a fragment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link(String);

impl Link {
    /// Reads an address; characters that an address cannot hold are encoded.
    pub fn new(text: &str) -> Result<Self, BadLink> {
        let (address, fragment) = text
            .split_once('#')
            .map_or((text, None), |(address, rest)| (address, Some(rest)));
        let address: TargetUrl = address.parse().map_err(|_| BadLink)?;
        let link = match fragment {
            Some(fragment) if is_plain(fragment) => format!("{address}#{fragment}"),
            Some(_) => return Err(BadLink),
            None => address.to_string(),
        };
        if link.len() > MAX_LINK_BYTES || link.chars().any(|character| character.is_control() || character == ' ') {
            return Err(BadLink);
        }
        Ok(Self(link))
    }

    /// The address.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a fragment may hold (RFC 3986).
fn is_plain(fragment: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~!$&()*+,;=:@/?%".contains(&byte);
    fragment.bytes().all(allowed)
}

/// Where to read on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Links {
    /// The console, with the filter of this alert.
    pub console: Option<Link>,
    /// The trace of the last failure.
    pub trace: Option<Link>,
    /// What to do about this kind of alert.
    pub runbook: Option<Link>,
}

impl Links {
    /// The links that there are, each with its title.
    pub(crate) fn titled(&self) -> Vec<(&'static str, &Link)> {
        let Self { console, trace, runbook } = self;
        let all = [("Open in the console", console), ("Trace", trace), ("Runbook", runbook)];
        all.into_iter()
            .filter_map(|(title, link)| Some((title, link.as_ref()?)))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn link_holds_nothing_that_breaks_out_of_markup() {
        let link = |text: &str| Link::new(text).map(|link| link.to_string());
        assert_eq!(
            link("https://a.example/x#/logs?f=1").as_deref(),
            Ok("https://a.example/x#/logs?f=1")
        );
        assert_eq!(
            link("https://a.example/<b>|\"").as_deref(),
            Ok("https://a.example/%3Cb%3E%7C%22")
        );
        let long = format!("https://a.example/{}", "ü".repeat(600));
        for bad in [
            "javascript:alert(1)",
            "https://u:p@a.example/",
            "/x",
            "https://a.example/#<b>",
            "https://a.example/ x",
            &long,
        ] {
            assert_eq!(link(bad), Err(BadLink), "{bad}");
        }
    }
}
