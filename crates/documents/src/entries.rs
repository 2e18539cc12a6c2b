//! A map whose keys are free. JSON keeps it as an object; a binary format keeps a list of entries, since its field names must not
//! hold every character.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

#[allow(clippy::ref_option, reason = "serde passes the field")]
pub(crate) fn serialize<S: Serializer>(map: &Option<BTreeMap<String, String>>, serializer: S) -> Result<S::Ok, S::Error> {
    match map {
        Some(map) if !serializer.is_human_readable() => serializer.collect_seq(map),
        map => map.serialize(serializer),
    }
}

pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<BTreeMap<String, String>>, D::Error> {
    if deserializer.is_human_readable() {
        return Option::deserialize(deserializer);
    }
    let entries = Option::<Vec<(String, String)>>::deserialize(deserializer)?;
    Ok(entries.map(|entries| entries.into_iter().collect()))
}
