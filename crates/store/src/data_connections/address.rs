//! The address of a database, and the form of it that people see.

use std::fmt;

use ig_core::fault::Faults;
use ig_core::secret::MASK;

const SCHEME: &str = "mysql://";
/// The longest address, in bytes.
const MAX_BYTES: usize = 2_048;
/// The form of an address, for people to read.
const FORM: &str = "must be mysql://user:password@host:3306/database";

/// The address of a database, taken apart around its password: `mysql://user:password@host:3306/database`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct ConnectionAddress<'a> {
    user: &'a str,
    password: Option<&'a str>,
    location: &'a str,
}

impl<'a> ConnectionAddress<'a> {
    /// Reads an address. It is read strictly, so that what is taken for the password is all that the driver takes for it; the
    /// driver checks the rest.
    pub fn parse(text: &'a str) -> Result<Self, Faults> {
        if text.len() > MAX_BYTES {
            return Err(Faults::single("", format!("must be at most {MAX_BYTES} bytes")));
        }
        if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(Faults::single(
                "",
                "must be printable ASCII without spaces: write other characters percent-encoded",
            ));
        }
        let rest = text.strip_prefix(SCHEME).ok_or_else(|| Faults::single("", FORM))?;
        let (credentials, location) = rest.split_once('@').ok_or_else(|| Faults::single("", FORM))?;
        let is_delimiter = |letter: char| matches!(letter, '/' | '?' | '#' | '@' | '\\');
        let (user, password) = credentials
            .split_once(':')
            .map_or((credentials, None), |(user, password)| (user, Some(password)));
        if credentials.contains(is_delimiter)
            || location.contains(['@', '#', '\\'])
            || password.is_some_and(|text| text.contains(':'))
        {
            let message = "must have the characters @ : / ? # and \\ of user and password percent-encoded";
            return Err(Faults::single("", message));
        }
        let (host, database) = location.split_once('/').unwrap_or((location, ""));
        let has_database = !database.is_empty() && !database.starts_with('?');
        if user.is_empty() || host.is_empty() || host.contains('?') || !has_database {
            return Err(Faults::single("", FORM));
        }
        Ok(Self {
            user,
            password,
            location,
        })
    }

    /// The address with a mask in place of its password.
    pub fn masked(&self) -> String {
        let mask = if self.password.is_some() {
            format!(":{MASK}")
        } else {
            String::new()
        };
        format!("{SCHEME}{}{mask}@{}", self.user, self.location)
    }

    /// Whether a mask stands where the password should.
    pub fn has_mask(&self) -> bool {
        self.password == Some(MASK)
    }
}

/// Without its password.
impl fmt::Debug for ConnectionAddress<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.masked())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connection_address_hides_its_password_and_nothing_else() {
        for (address, masked) in [
            ("mysql://u:p@h/d", "mysql://u:********@h/d"),
            ("mysql://u:@h/d", "mysql://u:********@h/d"),
            ("mysql://u@h/d", "mysql://u@h/d"),
            (
                "mysql://read%40er:p%2F%3A%40@[::1]:3306/his?require_ssl=true",
                "mysql://read%40er:********@[::1]:3306/his?require_ssl=true",
            ),
        ] {
            let parsed = ConnectionAddress::parse(address).unwrap();
            assert_eq!(parsed.masked(), masked);
            assert_eq!(format!("{parsed:?}"), masked);
        }
        assert!(ConnectionAddress::parse("mysql://u:********@h/d").unwrap().has_mask());
        assert!(!ConnectionAddress::parse("mysql://u:*******@h/d").unwrap().has_mask());
    }

    #[test]
    fn connection_address_refuses_what_could_show_a_part_of_a_password() {
        let long = format!("mysql://u:marker@h/{}", "d".repeat(2_048));
        for address in [
            "",
            "marker",
            "mysql://marker",
            "postgres://u:marker@h/d",
            "mysql://u:mar@ker@h/d",
            "mysql://u:mar/ker@h/d",
            "mysql://u:mar?ker@h/d",
            "mysql://u:mar#ker@h/d",
            "mysql://u:mar:ker@h/d",
            "mysql://u:mar\\ker@h/d",
            "mysql://u:mar ker@h/d",
            "mysql://u:märker@h/d",
            "mysql://u:mar\nker@h/d",
            "mysql://:marker@h/d",
            "mysql://u:marker@/d",
            "mysql://u:marker@h",
            "mysql://u:marker@h/",
            "mysql://u:marker@h/?a=b",
            "mysql://u:marker@h?a=b/d",
            "mysql://u:marker@h/d?to=mysql://a:b@c",
            long.as_str(),
        ] {
            let faults = ConnectionAddress::parse(address).unwrap_err().to_string();
            assert!(!faults.contains("mar"), "{address}: {faults}");
        }
    }
}
