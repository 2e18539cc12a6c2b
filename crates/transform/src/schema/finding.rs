//! What a schema's run found, on its way from the worker to the service.

use ig_core::fault::Faults;
use serde::{Deserialize, Serialize};

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Finding {
    /// The payload was held against the schema, and has these faults.
    Held(Faults),
    /// The schema is none, because of these faults.
    Unusable(Faults),
}

/// The same as JSON.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Told {
    Held(Vec<(String, String)>),
    Unusable(Vec<(String, String)>),
}

impl Finding {
    /// As JSON text.
    pub(crate) fn to_json(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string(&match self {
            Self::Held(faults) => Told::Held(told(faults)),
            Self::Unusable(faults) => Told::Unusable(told(faults)),
        })
    }

    /// From JSON text.
    pub(crate) fn read(json: &[u8]) -> Option<Self> {
        Some(match serde_json::from_slice(json).ok()? {
            Told::Held(faults) => Self::Held(heard(faults)),
            Told::Unusable(faults) => Self::Unusable(heard(faults)),
        })
    }
}

fn told(faults: &Faults) -> Vec<(String, String)> {
    let list = faults.list().iter();
    list.map(|fault| (fault.pointer.clone(), fault.message.clone())).collect()
}

fn heard(list: Vec<(String, String)>) -> Faults {
    let mut faults = Faults::default();
    for (pointer, message) in list {
        faults.add(pointer, message);
    }
    faults
}
