//! A database URL: a secret, since it contains a password.

use ig_core::secret::{MASK, Secret};
use mysql_async::Opts;
use serde::{Deserialize, Deserializer, Serializer, de};

use super::fault::FaultCollector;

#[expect(clippy::ref_option, reason = "serde gives a reference to the field")]
pub(super) fn serialize<S: Serializer>(url: &Option<Secret>, serializer: S) -> Result<S::Ok, S::Error> {
    match url {
        Some(_) => serializer.serialize_some(MASK),
        None => serializer.serialize_none(),
    }
}

pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Secret>, D::Error> {
    let text = Option::<String>::deserialize(deserializer)?;
    if text.as_deref() == Some(MASK) {
        return Err(de::Error::custom("this is a mask, not an address"));
    }
    Ok(text.filter(|text| !text.is_empty()).map(Secret::new))
}

/// Adds a fault for a wrong URL, without repeating it.
pub(super) fn check(faults: &mut FaultCollector, url: &Secret) {
    const FIX: &str = "set it to mysql://user:password@host:3306/database";
    match Opts::from_url(url.expose()) {
        Err(_) => faults.add("url", "is not the address of a MySQL database", FIX),
        Ok(opts) if opts.db_name().is_none_or(str::is_empty) => faults.add("url", "names no database", FIX),
        Ok(_) => {}
    }
}
