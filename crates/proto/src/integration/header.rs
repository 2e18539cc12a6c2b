//! Headers as lists of names and values.

use ig_core::secret::Secret;

use crate::v1;

pub(crate) fn to_wire(headers: &[(String, String)]) -> Vec<v1::Header> {
    headers.iter().map(|(name, value)| header(name, value)).collect()
}

pub(crate) fn from_wire(headers: Vec<v1::Header>) -> Vec<(String, String)> {
    headers.into_iter().map(|v1::Header { name, value }| (name, value)).collect()
}

pub(super) fn secret_to_wire(headers: &[(String, Secret)]) -> Vec<v1::Header> {
    headers.iter().map(|(name, value)| header(name, value.expose())).collect()
}

pub(super) fn secret_from_wire(headers: Vec<v1::Header>) -> Vec<(String, Secret)> {
    headers
        .into_iter()
        .map(|v1::Header { name, value }| (name, Secret::new(value)))
        .collect()
}

fn header(name: &str, value: &str) -> v1::Header {
    v1::Header {
        name: name.to_owned(),
        value: value.to_owned(),
    }
}
