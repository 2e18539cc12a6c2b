//! A condition on incidents as stored.

use ig_core::alert::{Matcher, Severity};
use ig_core::id::{IntegrationId, Rid};
use ig_core::ports::StoreError;
use mongodb::bson::oid::ObjectId;
use serde::{Deserialize, Serialize};

use crate::error::unreadable;
use crate::field::object_id;

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct MatcherDocument {
    severities: Vec<String>,
    kinds: Vec<String>,
    keys: Vec<String>,
    integrations: Vec<ObjectId>,
    units: Vec<i64>,
}

impl From<Matcher> for MatcherDocument {
    fn from(matcher: Matcher) -> Self {
        let Matcher {
            severities,
            kinds,
            keys,
            integrations,
            units,
        } = matcher;
        Self {
            severities: severities.into_iter().map(|severity| severity.as_str().to_owned()).collect(),
            kinds,
            keys,
            integrations: integrations.into_iter().map(|id| object_id(id.0)).collect(),
            units: units.into_iter().map(|unit| unit.0).collect(),
        }
    }
}

impl TryFrom<MatcherDocument> for Matcher {
    type Error = StoreError;

    fn try_from(stored: MatcherDocument) -> Result<Self, StoreError> {
        let MatcherDocument {
            severities,
            kinds,
            keys,
            integrations,
            units,
        } = stored;
        Ok(Self {
            severities: read_severities(&severities)?,
            kinds,
            keys,
            integrations: integrations.into_iter().map(|id| IntegrationId(id.bytes())).collect(),
            units: units.into_iter().map(Rid).collect(),
        })
    }
}

pub(crate) fn read_severities(texts: &[String]) -> Result<Vec<Severity>, StoreError> {
    let read = |text: &String| Severity::parse(text).ok_or_else(|| unreadable("severities"));
    texts.iter().map(read).collect()
}
