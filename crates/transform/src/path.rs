//! Dotted paths, by which rules address values in a payload.

use ig_core::integration::MAX_DEPTH;
use serde_json::Value;

mod parser;
mod slot;
mod source;

use parser::Parser;
pub(crate) use slot::{element_mut, empty_for, slot, type_name};
pub(crate) use source::Source;

/// The highest index that a rule may write to, because every lower element takes memory.
const MAX_WRITABLE_INDEX: usize = 999;

/// One step of a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Segment {
    /// A key of an object.
    Key(String),
    /// A number: an array's index, or an object's key of that name.
    Index {
        /// The number.
        at: usize,
        /// The number as written.
        text: String,
    },
}

/// The steps between two `[]`.
pub(crate) type Stage = Vec<Segment>;

/// A path cut at each `[]`: `items[].code` is `[items]`, `[code]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Path {
    text: String,
    stages: Vec<Stage>,
    brackets: usize,
}

impl Path {
    /// Parses a path to read from.
    pub(crate) fn source(text: &str) -> Result<Self, String> {
        let stages = Parser::default().parse(text)?;
        let path = Self {
            text: text.to_owned(),
            brackets: stages.len() - 1,
            stages,
        };
        if path.depth() > MAX_DEPTH {
            return Err(format!("must be at most {MAX_DEPTH} levels deep"));
        }
        Ok(path)
    }

    /// Parses a path to write to; a `[]` at its end only says that an array is expected there.
    pub(crate) fn target(text: &str) -> Result<Self, String> {
        let mut path = Self::source(text)?;
        while path.stages.len() > 1 && path.stages.last().is_some_and(Vec::is_empty) {
            path.stages.pop();
        }
        let too_high = |segment: &Segment| matches!(segment, Segment::Index { at, .. } if *at > MAX_WRITABLE_INDEX);
        if path.stages.iter().flatten().any(too_high) {
            return Err(format!("must not index beyond {MAX_WRITABLE_INDEX}"));
        }
        Ok(path)
    }

    /// The path as it was written.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// The stages, at least one.
    pub(crate) fn stages(&self) -> &[Stage] {
        &self.stages
    }

    /// The most elements that writing to the path may create.
    pub(crate) fn padding(&self) -> usize {
        let created = |segment: &Segment| match segment {
            Segment::Index { at, .. } => at + 1,
            Segment::Key(_) => 1,
        };
        self.stages.iter().flatten().map(created).sum()
    }

    /// The number of `[]` in the text, including one at the end.
    pub(crate) fn brackets(&self) -> usize {
        self.brackets
    }

    /// The number of `[]` that are walked element by element.
    pub(crate) fn arrays(&self) -> usize {
        self.stages.len() - 1
    }

    /// The number of levels from the top to the addressed value.
    pub(crate) fn depth(&self) -> usize {
        self.arrays() + self.stages.iter().map(Vec::len).sum::<usize>()
    }
}

/// The value at the end of a stage, if there is one.
pub(crate) fn find<'a>(value: &'a Value, stage: &[Segment]) -> Option<&'a Value> {
    stage.iter().try_fold(value, |value, segment| match (segment, value) {
        (Segment::Index { at, .. }, Value::Array(items)) => items.get(*at),
        (Segment::Key(key) | Segment::Index { text: key, .. }, Value::Object(fields)) => fields.get(key),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn path_finds_keys_indices_and_escaped_dots() {
        let payload = json!({"a": {"b": [10, {"c": 1}], "x.y": 2, "0": 3}});
        let table = [("a.b.0", 10), ("a.b[1].c", 1), ("a.b.1.c", 1), ("a.x\\.y", 2), ("a.0", 3)];
        for (text, expected) in table {
            let path = Path::source(text).unwrap();
            assert_eq!(find(&payload, &path.stages()[0]), Some(&json!(expected)), "{text}");
        }
    }

    #[test]
    fn path_parser_refuses_invalid_paths() {
        for text in [
            "", ".", "a.", ".a", "a..b", "a[", "a]", "a[x]", "a[]b", "a\\", "[0]", "[]", "a[-1]",
        ] {
            assert!(Path::source(text).is_err(), "{text}");
        }
        assert!(Path::target("a.1000").is_err());
        assert!(Path::source(&["a"; 51].join(".")).is_err());
    }

    #[test]
    fn path_is_cut_into_stages_at_brackets() {
        assert_eq!(Path::source("items[].code").unwrap().arrays(), 1);
        assert_eq!(Path::source("a[].b[]").unwrap().arrays(), 2);
        assert_eq!(Path::target("a[].b[]").unwrap().arrays(), 1);
    }
}
