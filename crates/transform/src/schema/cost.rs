//! What a schema can cost at most, known before it is used.

use std::collections::BTreeMap;

use ig_core::fault::{Faults, Place};
use serde_json::Value;

/// How deep a schema nests when every reference is followed: whoever walks one does so on the stack.
const DEEPEST: usize = 256;
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
    if reckoning.cost(schema, &Place::new(""), 0)?.parts <= LARGEST {
        return Ok(());
    }
    Err(Faults::one(
        "",
        format!("is too large: with its references unfolded it has more than {LARGEST} parts"),
    ))
}

struct Reckoning<'a> {
    whole: &'a Value,
    known: BTreeMap<String, Cost>,
    under_way: Vec<String>,
}

/// What a value costs.
#[derive(Debug, Clone, Copy, Default)]
struct Cost {
    /// Its parts, those of its references included.
    parts: u64,
    /// How deep they nest.
    depth: usize,
}

impl Cost {
    fn with_below(self, below: Self) -> Self {
        Self {
            parts: self.parts.saturating_add(below.parts),
            depth: self.depth.max(below.depth + 1),
        }
    }
}

impl Reckoning<'_> {
    /// What a value that may be a schema costs; of a reference, what its target does too.
    fn cost(&mut self, value: &Value, place: &Place<'_>, depth: usize) -> Result<Cost, Faults> {
        if depth > DEEPEST {
            return Err(too_deep(place));
        }
        let mut cost = Cost { parts: 1, depth: 0 };
        match value {
            Value::Object(object) => {
                for (word, below) in object {
                    cost = cost.with_below(self.word(word, below, &place.field(word), depth + 1)?);
                }
            }
            Value::Array(list) => {
                for (at, below) in list.iter().enumerate() {
                    cost = cost.with_below(self.cost(below, &place.at(at), depth + 1)?);
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
        Ok(cost)
    }

    fn word(&mut self, word: &str, value: &Value, place: &Place<'_>, depth: usize) -> Result<Cost, Faults> {
        match (word, value) {
            ("$ref", Value::String(target)) => self.target(target, place, depth),
            ("$schema", Value::String(draft)) => known_draft(draft, place),
            (word, _) if REFUSED.contains(&word) => Err(Faults::one(
                place.to_string(),
                "is not supported; refer to parts of the schema as #/$defs/name",
            )),
            (word, Value::Object(named)) if NAMED.contains(&word) => {
                let mut cost = Cost { parts: 1, depth: 0 };
                for (name, below) in named {
                    cost = cost.with_below(self.cost(below, &place.field(name), depth + 1)?);
                }
                Ok(cost)
            }
            (word, _) if DATA.contains(&word) => Ok(Cost::default()),
            (_, below) => self.cost(below, place, depth),
        }
    }

    fn target(&mut self, reference: &str, place: &Place<'_>, depth: usize) -> Result<Cost, Faults> {
        if let Some(known) = self.known.get(reference).copied() {
            // It was reached by a shorter way before.
            let is_too_deep = depth + known.depth > DEEPEST;
            return if is_too_deep { Err(too_deep(place)) } else { Ok(known) };
        }
        let pointer = reference
            .strip_prefix('#')
            .filter(|pointer| pointer.is_empty() || pointer.starts_with('/'));
        let target = pointer.and_then(|pointer| self.whole.pointer(pointer));
        let (Some(pointer), Some(target)) = (pointer, target) else {
            return Err(Faults::one(
                place.to_string(),
                "must refer to a part of this schema, such as #/$defs/name",
            ));
        };
        let is_around = place.to_string().starts_with(&format!("{pointer}/"));
        if is_around || self.under_way.iter().any(|under_way| under_way == reference) {
            return Err(Faults::one(
                place.to_string(),
                "leads back to where it came from; schemas that contain themselves are not supported",
            ));
        }
        self.under_way.push(reference.to_owned());
        let cost = self.cost(target, &Place::new(pointer), depth + 1)?;
        self.under_way.pop();
        self.known.insert(reference.to_owned(), cost);
        Ok(cost)
    }
}

fn too_deep(place: &Place<'_>) -> Faults {
    let message = format!("nests too deep: with its references unfolded, a schema may nest {DEEPEST} levels");
    Faults::one(place.to_string(), message)
}

fn known_draft(draft: &str, place: &Place<'_>) -> Result<Cost, Faults> {
    if DRAFTS.contains(&draft.trim_end_matches('#')) {
        return Ok(Cost::default());
    }
    Err(Faults::one(
        place.to_string(),
        "must be a published draft, such as https://json-schema.org/draft/2020-12/schema",
    ))
}
