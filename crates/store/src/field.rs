//! Conversion of single values to BSON and back.

use std::borrow::Cow;
use std::time::Duration;

use bytes::Bytes;
use chrono::DateTime;
use ig_core::clock::Timestamp;
use ig_core::delivery_log::Destination;
use ig_core::inbound::ProxyMethod;
use ig_core::integration::{HttpMethod, Target};
use ig_core::ports::StoreError;
use mongodb::bson::spec::BinarySubtype;
use mongodb::bson::{self, Binary, Bson, oid::ObjectId};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::error::unreadable;

/// A time as stored: whole milliseconds.
pub(crate) fn date(at: Timestamp) -> bson::DateTime {
    bson::DateTime::from_millis(at.timestamp_millis())
}

/// A stored time in the domain's type; a time beyond its calendar becomes the latest that it has.
pub(crate) fn timestamp(date: bson::DateTime) -> Timestamp {
    DateTime::from_timestamp_millis(date.timestamp_millis()).unwrap_or(DateTime::<chrono::Utc>::MAX_UTC)
}

pub(crate) fn object_id(bytes: [u8; 12]) -> ObjectId {
    ObjectId::from_bytes(bytes)
}

/// A counter or position as stored: the database has no unsigned integers, and none of ours reaches the top bit.
pub(crate) fn long(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

pub(crate) fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}

/// Bytes as received: stored as text if they are text, so that people can read them, and as binary otherwise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Received<'a>(Cow<'a, [u8]>);

impl<'a> From<&'a [u8]> for Received<'a> {
    fn from(bytes: &'a [u8]) -> Self {
        Self(Cow::Borrowed(bytes))
    }
}

impl From<Received<'_>> for Bytes {
    fn from(received: Received<'_>) -> Self {
        Bytes::from(received.0.into_owned())
    }
}

impl Serialize for Received<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match std::str::from_utf8(&self.0) {
            Ok(text) => serializer.serialize_str(text),
            Err(_) => serializer.serialize_bytes(&self.0),
        }
    }
}

impl<'de> Deserialize<'de> for Received<'_> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Bson::deserialize(deserializer)?;
        if let Bson::String(text) = value {
            Ok(Self(Cow::Owned(text.into_bytes())))
        } else if let Bson::Binary(binary) = value {
            Ok(Self(Cow::Owned(binary.bytes)))
        } else {
            Err(D::Error::custom("neither text nor binary"))
        }
    }
}

/// Stores bytes as binary, whatever they contain.
pub(crate) fn binary(bytes: Vec<u8>) -> Binary {
    Binary {
        subtype: BinarySubtype::Generic,
        bytes,
    }
}

/// A JSON value as its text: BSON types would preserve neither every number nor every key.
pub(crate) fn json_text(value: &serde_json::Value) -> String {
    value.to_string()
}

/// Parses the output of [`json_text`].
pub(crate) fn json(field: &'static str, text: &str) -> Result<serde_json::Value, StoreError> {
    ig_core::json::parse(text.as_bytes()).map_err(|_| unreadable(field))
}

/// A duration as stored: whole milliseconds.
pub(crate) fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

/// A duration as stored where milliseconds are too coarse: whole microseconds.
pub(crate) fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}

/// The destination of a request, from its URL and method.
pub(crate) fn destination(url: &str, method: &str) -> Result<Destination, StoreError> {
    let method: Result<ProxyMethod, _> = method.parse();
    Ok(Destination {
        url: url.parse().map_err(|_| unreadable("targetUrl"))?,
        method: method.map_err(|_| unreadable("httpMethod"))?,
    })
}

/// A target, from its URL and method.
pub(crate) fn target(url: &str, method: &str) -> Result<Target, StoreError> {
    let method: Result<HttpMethod, _> = method.parse();
    Ok(Target {
        url: url.parse().map_err(|_| unreadable("targetUrl"))?,
        method: method.map_err(|_| unreadable("httpMethod"))?,
    })
}
