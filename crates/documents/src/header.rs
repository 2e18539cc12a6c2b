//! Checks of the headers that tenants configure.

use std::collections::BTreeMap;

use http::{HeaderName, HeaderValue};
use ig_core::fault::Faults;
use ig_core::secret::MASK;

use crate::checks::Checks;

const MOST: usize = 50;

/// The checked headers. Each fault is filed under its header's name.
pub(crate) fn headers(given: &BTreeMap<String, String>, checks: &dyn Checks) -> Result<Vec<(String, String)>, Faults> {
    let mut faults = Faults::default();
    if given.len() > MOST {
        faults.add("", format!("must be at most {MOST} headers"));
    }
    for (name, text) in given {
        let place = format!("/{}", name.replace('~', "~0").replace('/', "~1"));
        if let Err(message) = header_name(name, checks).and_then(|()| value(text)) {
            faults.add(place, message);
        }
    }
    let list = given.iter().map(|(name, value)| (name.clone(), value.clone())).collect();
    faults.into_result(list)
}

/// Whether a tenant may set a header with this name.
pub(crate) fn header_name(name: &str, checks: &dyn Checks) -> Result<(), &'static str> {
    let name: HeaderName = name.parse().map_err(|_| "is no header's name")?;
    if checks.is_reserved_header(name.as_str()) {
        return Err("is a header that the gateway writes itself");
    }
    Ok(())
}

/// Whether a text is a valid header value.
pub(crate) fn value(text: &str) -> Result<(), &'static str> {
    if text == MASK {
        return Err("is a mask, and nothing is stored at this place that it could stand for");
    }
    if text.len() > 8_192 {
        return Err("must be at most 8,192 bytes");
    }
    let sendable = text.bytes().all(|byte| (0x20..0x7f).contains(&byte)) && HeaderValue::from_str(text).is_ok();
    if sendable { Ok(()) } else { Err("must be printable ASCII") }
}
