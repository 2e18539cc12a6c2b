//! The target of a delivery.

use std::fmt;
use std::str::FromStr;

use http::Uri;

use crate::escaping;
use crate::fault::Faults;

/// The method of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum HttpMethod {
    /// POST.
    Post,
    /// PUT.
    Put,
    /// PATCH.
    Patch,
}

impl HttpMethod {
    /// Its name in HTTP.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
        }
    }
}

impl FromStr for HttpMethod {
    type Err = Faults;

    fn from_str(text: &str) -> Result<Self, Faults> {
        match text {
            "POST" => Ok(Self::Post),
            "PUT" => Ok(Self::Put),
            "PATCH" => Ok(Self::Patch),
            _ => Err(Faults::single("", "must be POST, PUT or PATCH")),
        }
    }
}

impl fmt::Display for HttpMethod {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// An absolute `http` or `https` address without user information or fragment.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct TargetUrl(Uri);

impl TargetUrl {
    /// The address as a `Uri`.
    pub fn uri(&self) -> &Uri {
        &self.0
    }

    /// Whether the scheme is `https`.
    pub fn is_https(&self) -> bool {
        self.0.scheme_str() == Some("https")
    }

    /// The host, an IPv6 address without its brackets.
    pub fn host(&self) -> &str {
        let host = self.0.host().unwrap_or_default();
        host.trim_start_matches('[').trim_end_matches(']')
    }

    /// The port, or the scheme's default.
    pub fn port(&self) -> u16 {
        self.0.port_u16().unwrap_or(if self.is_https() { 443 } else { 80 })
    }
}

impl FromStr for TargetUrl {
    type Err = Faults;

    fn from_str(text: &str) -> Result<Self, Faults> {
        let fault = |message: &str| Faults::single("", message);
        if text.len() > 2048 {
            return Err(fault("must be at most 2,048 characters"));
        }
        if text.contains('#') {
            return Err(fault("must not have a fragment"));
        }
        let (origin, rest) = split(text);
        if !origin.is_ascii() {
            return Err(fault(
                "must write a host of other letters in its ASCII form, such as xn--mnchen-3ya.example",
            ));
        }
        let rest = escaping::escaped(rest).map_err(|bad| fault(&bad.to_string()))?;
        let uri: Uri = [origin, &*rest]
            .concat()
            .parse()
            .map_err(|_| fault("must be an absolute URL, such as https://example.org/hook"))?;
        match uri.scheme_str() {
            Some("http" | "https") => {}
            _ => return Err(fault("must begin with http:// or https://")),
        }
        let authority = uri.authority().ok_or_else(|| fault("must name a host"))?;
        if authority.as_str().contains('@') {
            return Err(fault("must not hold credentials: use outgoingAuthType instead"));
        }
        if authority.host().is_empty() {
            return Err(fault("must name a host"));
        }
        Ok(Self(uri))
    }
}

/// Splits an address into scheme and authority, and the path and query after them.
fn split(text: &str) -> (&str, &str) {
    let authority = text.find("://").map_or(0, |scheme| scheme + 3);
    let path = text[authority..].find(['/', '?']).map_or(text.len(), |path| authority + path);
    text.split_at(path)
}

impl fmt::Display for TargetUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The address and method of a delivery.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Target {
    /// The address.
    pub url: TargetUrl,
    /// The method.
    pub method: HttpMethod,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_url_needs_scheme_and_host_and_hides_nothing() {
        for text in [
            "",
            "/hook",
            "ftp://a.example/",
            "https://",
            "https://u:p@a.example/",
            "https://a.example/#x",
            "mailto:a@b.example",
            "https://a.example/%zz",
            "https://m\u{fc}nchen.example/",
        ] {
            assert!(text.parse::<TargetUrl>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_target_url_encodes_other_letters_in_its_path() {
        let url: TargetUrl = "https://a.example/\u{fc}?q=\u{fc}".parse().unwrap();
        assert_eq!(url.to_string(), "https://a.example/%C3%BC?q=%C3%BC");
    }

    #[test]
    fn a_target_url_has_the_schemes_port_unless_written() {
        let port = |text: &str| text.parse::<TargetUrl>().unwrap().port();
        assert_eq!(
            (port("http://a.example/"), port("https://a.example"), port("http://[::1]:81/")),
            (80, 443, 81)
        );
    }

    #[test]
    fn a_target_url_has_no_brackets_around_an_ipv6_host() {
        assert_eq!("http://[::1]:81/".parse::<TargetUrl>().unwrap().host(), "::1");
    }
}
