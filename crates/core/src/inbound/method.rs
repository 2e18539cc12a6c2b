//! Methods of proxied calls.

use std::fmt;
use std::str::FromStr;

use crate::fault::Faults;
use crate::integration::HttpMethod;

/// A method that an inbound integration may allow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ProxyMethod {
    /// GET.
    Get,
    /// HEAD.
    Head,
    /// POST.
    Post,
    /// PUT.
    Put,
    /// PATCH.
    Patch,
    /// DELETE.
    Delete,
}

impl ProxyMethod {
    /// Its name in HTTP.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Head => "HEAD",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }

    /// Whether repeating a request has no further effect (RFC 9110, section 9.2.2).
    pub fn is_idempotent(self) -> bool {
        !matches!(self, Self::Post | Self::Patch)
    }
}

impl From<HttpMethod> for ProxyMethod {
    fn from(method: HttpMethod) -> Self {
        match method {
            HttpMethod::Post => Self::Post,
            HttpMethod::Put => Self::Put,
            HttpMethod::Patch => Self::Patch,
        }
    }
}

impl FromStr for ProxyMethod {
    type Err = Faults;

    fn from_str(text: &str) -> Result<Self, Faults> {
        match text {
            "GET" => Ok(Self::Get),
            "HEAD" => Ok(Self::Head),
            "POST" => Ok(Self::Post),
            "PUT" => Ok(Self::Put),
            "PATCH" => Ok(Self::Patch),
            "DELETE" => Ok(Self::Delete),
            _ => Err(Faults::single("", "must be GET, HEAD, POST, PUT, PATCH or DELETE")),
        }
    }
}

impl fmt::Display for ProxyMethod {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// At least one method, each once, in the given order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AllowedMethods(Vec<ProxyMethod>);

impl AllowedMethods {
    /// The given methods, without repetitions.
    pub fn new(given: impl IntoIterator<Item = ProxyMethod>) -> Result<Self, Faults> {
        let mut methods = Vec::new();
        for method in given {
            if !methods.contains(&method) {
                methods.push(method);
            }
        }
        if methods.is_empty() {
            return Err(Faults::single("", "must name at least one method"));
        }
        Ok(Self(methods))
    }

    /// The methods.
    pub fn as_slice(&self) -> &[ProxyMethod] {
        &self.0
    }

    /// Whether a method is allowed.
    pub fn allows(&self, method: ProxyMethod) -> bool {
        self.0.contains(&method)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn allowed_methods_are_kept_once_each_and_in_order() {
        let given = [ProxyMethod::Put, ProxyMethod::Get, ProxyMethod::Put];
        let methods = AllowedMethods::new(given).unwrap();
        assert_eq!(methods.as_slice(), [ProxyMethod::Put, ProxyMethod::Get]);
        assert!(methods.allows(ProxyMethod::Get) && !methods.allows(ProxyMethod::Post));
        assert!(AllowedMethods::new([]).is_err());
    }

    #[test]
    fn a_proxy_method_is_read_as_written() {
        for method in ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"] {
            assert_eq!(method.parse::<ProxyMethod>().unwrap().as_str(), method);
        }
        for text in ["get", "", "TRACE", "CONNECT"] {
            assert!(text.parse::<ProxyMethod>().is_err(), "{text}");
        }
    }
}
