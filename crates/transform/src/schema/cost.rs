//! Bounds on the size of a schema, computed before it is compiled.

use std::collections::BTreeMap;

use ig_core::fault::{Faults, InputPath};
use serde_json::Value;

/// The most levels of an unfolded schema: validators walk it on the stack.
const MAX_DEPTH: usize = 256;
/// The most parts of an unfolded schema.
const MAX_PARTS: u64 = 20_000;
/// Keywords that reach outside the schema, or to a target that depends on the payload.
const UNSUPPORTED_KEYWORDS: [&str; 6] = [
    "$id",
    "$anchor",
    "$dynamicAnchor",
    "$dynamicRef",
    "$recursiveRef",
    "$recursiveAnchor",
];
/// Keywords whose values are data, not schemas.
const DATA_KEYWORDS: [&str; 5] = ["const", "enum", "default", "examples", "required"];
/// Keywords whose values are schemas by name; the names are not keywords.
const MAP_KEYWORDS: [&str; 5] = ["properties", "patternProperties", "$defs", "definitions", "dependentSchemas"];
const DRAFTS: [&str; 4] = [
    "https://json-schema.org/draft/2020-12/schema",
    "https://json-schema.org/draft/2019-09/schema",
    "http://json-schema.org/draft-07/schema",
    "http://json-schema.org/draft-06/schema",
];

/// Refuses a schema that is too large or cannot be bounded.
pub(super) fn check(schema: &Value) -> Result<(), Faults> {
    let mut estimator = CostEstimator {
        root: schema,
        known: BTreeMap::new(),
        in_progress: Vec::new(),
    };
    if estimator.cost(schema, &InputPath::new(""), 0)?.parts <= MAX_PARTS {
        return Ok(());
    }
    Err(Faults::single(
        "",
        format!("is too large: with its references unfolded it has more than {MAX_PARTS} parts"),
    ))
}

struct CostEstimator<'a> {
    root: &'a Value,
    /// The costs of references.
    known: BTreeMap<String, Cost>,
    /// The references that are being followed.
    in_progress: Vec<String>,
}

/// The cost of a value.
#[derive(Debug, Clone, Copy, Default)]
struct Cost {
    /// The number of parts, including those of references.
    parts: u64,
    /// The number of levels.
    depth: usize,
}

impl Cost {
    fn with_child(self, child: Self) -> Self {
        Self {
            parts: self.parts.saturating_add(child.parts),
            depth: self.depth.max(child.depth + 1),
        }
    }
}

impl CostEstimator<'_> {
    /// The cost of a value that may be a schema, including the targets of its references.
    fn cost(&mut self, value: &Value, place: &InputPath<'_>, depth: usize) -> Result<Cost, Faults> {
        if depth > MAX_DEPTH {
            return Err(too_deep(place));
        }
        let mut cost = Cost { parts: 1, depth: 0 };
        match value {
            Value::Object(object) => {
                for (keyword, child) in object {
                    cost = cost.with_child(self.keyword(keyword, child, &place.field(keyword), depth + 1)?);
                }
            }
            Value::Array(list) => {
                for (index, child) in list.iter().enumerate() {
                    cost = cost.with_child(self.cost(child, &place.at(index), depth + 1)?);
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
        Ok(cost)
    }

    fn keyword(&mut self, keyword: &str, value: &Value, place: &InputPath<'_>, depth: usize) -> Result<Cost, Faults> {
        match (keyword, value) {
            ("$ref", Value::String(target)) => self.reference(target, place, depth),
            ("$schema", Value::String(draft)) => known_draft(draft, place),
            (keyword, _) if UNSUPPORTED_KEYWORDS.contains(&keyword) => Err(Faults::single(
                place.to_string(),
                "is not supported; refer to parts of the schema as #/$defs/name",
            )),
            (keyword, Value::Object(named)) if MAP_KEYWORDS.contains(&keyword) => {
                let mut cost = Cost { parts: 1, depth: 0 };
                for (name, child) in named {
                    cost = cost.with_child(self.cost(child, &place.field(name), depth + 1)?);
                }
                Ok(cost)
            }
            (keyword, _) if DATA_KEYWORDS.contains(&keyword) => Ok(Cost::default()),
            (_, child) => self.cost(child, place, depth),
        }
    }

    fn reference(&mut self, reference: &str, place: &InputPath<'_>, depth: usize) -> Result<Cost, Faults> {
        if let Some(known) = self.known.get(reference).copied() {
            // It may have been reached at a lower depth before.
            let is_too_deep = depth + known.depth > MAX_DEPTH;
            return if is_too_deep { Err(too_deep(place)) } else { Ok(known) };
        }
        let pointer = reference
            .strip_prefix('#')
            .filter(|pointer| pointer.is_empty() || pointer.starts_with('/'));
        let target = pointer.and_then(|pointer| self.root.pointer(pointer));
        let (Some(pointer), Some(target)) = (pointer, target) else {
            return Err(Faults::single(
                place.to_string(),
                "must refer to a part of this schema, such as #/$defs/name",
            ));
        };
        let contains_itself = place.to_string().starts_with(&format!("{pointer}/"));
        if contains_itself || self.in_progress.iter().any(|followed| followed == reference) {
            return Err(Faults::single(
                place.to_string(),
                "leads back to where it came from; schemas that contain themselves are not supported",
            ));
        }
        self.in_progress.push(reference.to_owned());
        let cost = self.cost(target, &InputPath::new(pointer), depth + 1)?;
        self.in_progress.pop();
        self.known.insert(reference.to_owned(), cost);
        Ok(cost)
    }
}

fn too_deep(place: &InputPath<'_>) -> Faults {
    let message = format!("nests too deep: with its references unfolded, a schema may nest {MAX_DEPTH} levels");
    Faults::single(place.to_string(), message)
}

fn known_draft(draft: &str, place: &InputPath<'_>) -> Result<Cost, Faults> {
    if DRAFTS.contains(&draft.trim_end_matches('#')) {
        return Ok(Cost::default());
    }
    Err(Faults::single(
        place.to_string(),
        "must be a published draft, such as https://json-schema.org/draft/2020-12/schema",
    ))
}
