//! The result of a validation, as the worker reports it to the service.

use ig_core::fault::Faults;
use serde::{Deserialize, Serialize};

/// The result of a validation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ValidationReport {
    /// The payload was validated and has these faults.
    Validated(Faults),
    /// The schema does not compile because of these faults.
    UnusableSchema(Faults),
}

/// The report as JSON.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum ReportJson {
    Held(Vec<(String, String)>),
    Unusable(Vec<(String, String)>),
}

impl ValidationReport {
    /// Serialises to JSON.
    pub(crate) fn to_json(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string(&match self {
            Self::Validated(faults) => ReportJson::Held(to_pairs(faults)),
            Self::UnusableSchema(faults) => ReportJson::Unusable(to_pairs(faults)),
        })
    }

    /// Parses JSON.
    pub(crate) fn from_json(json: &[u8]) -> Option<Self> {
        Some(match serde_json::from_slice(json).ok()? {
            ReportJson::Held(faults) => Self::Validated(from_pairs(faults)),
            ReportJson::Unusable(faults) => Self::UnusableSchema(from_pairs(faults)),
        })
    }
}

fn to_pairs(faults: &Faults) -> Vec<(String, String)> {
    let list = faults.list().iter();
    list.map(|fault| (fault.pointer.clone(), fault.message.clone())).collect()
}

fn from_pairs(pairs: Vec<(String, String)>) -> Faults {
    let mut faults = Faults::default();
    for (pointer, message) in pairs {
        faults.add(pointer, message);
    }
    faults
}
