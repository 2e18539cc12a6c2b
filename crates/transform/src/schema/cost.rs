//! What a schema can cost at most, known before it is used.

use std::collections::BTreeMap;

use ig_core::fault::Faults;
use serde_json::Value;

/// The most subschemas that a schema has when every reference is unfolded.
const LARGEST: u64 = 20_000;
/// Words that reach outside the schema, or lead to where only the payload decides.
const REFUSED: [&str; 6] = [
    "$id",
    "$anchor",
    "$dynamicAnchor",
    "$dynamicRef",
    "$recursiveRef",
    "$recursiveAnchor",
];
/// Words whose values are data, not schemas.
const DATA: [&str; 5] = ["const", "enum", "default", "examples", "required"];
/// Words whose values name schemas: what the names are means nothing.
const NAMED: [&str; 5] = ["properties", "patternProperties", "$defs", "definitions", "dependentSchemas"];
const DRAFTS: [&str; 4] = [
    "https://json-schema.org/draft/2020-12/schema",
    "https://json-schema.org/draft/2019-09/schema",
    "http://json-schema.org/draft-07/schema",
    "http://json-schema.org/draft-06/schema",
];

/// Refuses what cannot be bounded.
pub(super) fn check(schema: &Value) -> Result<(), Faults> {
    let mut reckoning = Reckoning {
        whole: schema,
        known: BTreeMap::new(),
        under_way: Vec::new(),
    };
    if reckoning.cost(schema, "")? <= LARGEST {
        return Ok(());
    }
    Err(Faults::one(
        "",
        format!("is too large: with its references unfolded it has more than {LARGEST} parts"),
    ))
}

struct Reckoning<'a> {
    whole: &'a Value,
    known: BTreeMap<String, u64>,
    under_way: Vec<String>,
}

impl Reckoning<'_> {
    /// The parts of a value that may be a schema; of a reference, those of its target too.
    fn cost(&mut self, value: &Value, place: &str) -> Result<u64, Faults> {
        let mut cost: u64 = 1;
        match value {
            Value::Object(object) => {
                for (word, below) in object {
                    let place = format!("{place}/{}", super::escaped(word));
                    cost = cost.saturating_add(self.word(word, below, &place)?);
                }
            }
            Value::Array(list) => {
                for (at, below) in list.iter().enumerate() {
                    cost = cost.saturating_add(self.cost(below, &format!("{place}/{at}"))?);
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
        Ok(cost)
    }

    fn word(&mut self, word: &str, value: &Value, place: &str) -> Result<u64, Faults> {
        match (word, value) {
            ("$ref", Value::String(target)) => self.target(target, place),
            ("$schema", Value::String(draft)) => known_draft(draft, place),
            (word, _) if REFUSED.contains(&word) => Err(Faults::one(
                place,
                "is not supported; refer to parts of the schema as #/$defs/name",
            )),
            (word, Value::Object(named)) if NAMED.contains(&word) => {
                let mut cost: u64 = 1;
                for (name, below) in named {
                    cost = cost.saturating_add(self.cost(below, &format!("{place}/{}", super::escaped(name)))?);
                }
                Ok(cost)
            }
            (word, _) if DATA.contains(&word) => Ok(0),
            (_, below) => self.cost(below, place),
        }
    }

    fn target(&mut self, reference: &str, place: &str) -> Result<u64, Faults> {
        if let Some(known) = self.known.get(reference) {
            return Ok(*known);
        }
        let pointer = reference
            .strip_prefix('#')
            .filter(|pointer| pointer.is_empty() || pointer.starts_with('/'));
        let target = pointer.and_then(|pointer| self.whole.pointer(pointer));
        let (Some(pointer), Some(target)) = (pointer, target) else {
            return Err(Faults::one(
                place,
                "must refer to a part of this schema, such as #/$defs/name",
            ));
        };
        let is_around = place.starts_with(&format!("{pointer}/"));
        if is_around || self.under_way.iter().any(|under_way| under_way == reference) {
            return Err(Faults::one(
                place,
                "leads back to where it came from; schemas that contain themselves are not supported",
            ));
        }
        self.under_way.push(reference.to_owned());
        let cost = self.cost(target, pointer)?;
        self.under_way.pop();
        self.known.insert(reference.to_owned(), cost);
        Ok(cost)
    }
}

fn known_draft(draft: &str, place: &str) -> Result<u64, Faults> {
    if DRAFTS.contains(&draft.trim_end_matches('#')) {
        return Ok(0);
    }
    Err(Faults::one(
        place,
        "must be a published draft, such as https://json-schema.org/draft/2020-12/schema",
    ))
}
