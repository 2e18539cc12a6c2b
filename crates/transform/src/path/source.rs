//! Where a rule's values come from: a path, or a text made of several.

use std::borrow::Cow;

use serde_json::Value;

use super::{Path, Stage, find};

/// Arrays that are walked, and what is read of each of their elements.
#[derive(Debug, Clone)]
pub(crate) struct Source {
    text: String,
    arrays: Vec<Stage>,
    leaf: Leaf,
}

#[derive(Debug, Clone)]
enum Leaf {
    Field(Stage),
    Template(Vec<Part>),
}

/// A part of a template.
#[derive(Debug, Clone)]
enum Part {
    Text(String),
    /// Read from the payload's top.
    Top(Stage),
    /// Read from the element that is walked.
    Element(Stage),
}

impl Source {
    /// A dotted path.
    pub(crate) fn field(text: &str) -> Result<Self, String> {
        let Path { text, mut stages, .. } = Path::source(text)?;
        let leaf = Leaf::Field(stages.pop().unwrap_or_default());
        Ok(Self {
            text,
            arrays: stages,
            leaf,
        })
    }

    /// A text with `{{path}}` in it; the paths that have `[]` walk the same arrays.
    pub(crate) fn template(text: &str) -> Result<Self, String> {
        let mut source = Self {
            text: text.to_owned(),
            arrays: Vec::new(),
            leaf: Leaf::Template(Vec::new()),
        };
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some((before, opened)) = rest.split_once("{{") {
            let (path, after) = opened.split_once("}}").ok_or("has a {{ without a }}")?;
            parts.push(Part::Text(before.to_owned()));
            parts.push(source.part(path.trim())?);
            rest = after;
        }
        if parts.is_empty() {
            return Err("must name a path, such as {{site.code}}".to_owned());
        }
        parts.push(Part::Text(rest.to_owned()));
        source.leaf = Leaf::Template(parts);
        Ok(source)
    }

    fn part(&mut self, path: &str) -> Result<Part, String> {
        let Self { mut arrays, leaf, .. } =
            Self::field(path).map_err(|message| format!("has {{{{{path}}}}}, which {message}"))?;
        let Leaf::Field(leaf) = leaf else {
            return Err("names no path".to_owned());
        };
        if arrays.is_empty() {
            return Ok(Part::Top(leaf));
        }
        if self.arrays.is_empty() {
            self.arrays = std::mem::take(&mut arrays);
        } else if self.arrays != arrays {
            return Err("must walk the same arrays with every []".to_owned());
        }
        Ok(Part::Element(leaf))
    }

    /// The text as it was written.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// The steps to each array that is walked.
    pub(crate) fn arrays(&self) -> &[Stage] {
        &self.arrays
    }

    /// What there is at one element; a template lacking one of its values has none itself.
    pub(crate) fn read<'a>(&self, payload: &Value, element: &'a Value) -> Option<Cow<'a, Value>> {
        match &self.leaf {
            Leaf::Field(stage) => find(element, stage).map(Cow::Borrowed),
            Leaf::Template(parts) => {
                let texts = parts.iter().map(|part| part.text(payload, element));
                let text: Option<String> = texts.collect();
                Some(Cow::Owned(Value::String(text?)))
            }
        }
    }

    /// Shows every value that there is.
    pub(crate) fn each(&self, payload: &Value, show: &mut dyn FnMut(&Value)) {
        self.until(&self.arrays, payload, payload, &mut |value| {
            show(value);
            false
        });
    }

    /// Whether one of the values passes.
    pub(crate) fn any(&self, payload: &Value, passes: &dyn Fn(&Value) -> bool) -> bool {
        self.until(&self.arrays, payload, payload, &mut |value| passes(value))
    }

    fn until(&self, arrays: &[Stage], payload: &Value, element: &Value, stop: &mut dyn FnMut(&Value) -> bool) -> bool {
        let [first, rest @ ..] = arrays else {
            return self.read(payload, element).is_some_and(|value| stop(&value));
        };
        match find(element, first) {
            Some(Value::Array(items)) => items.iter().any(|item| self.until(rest, payload, item, stop)),
            _ => false,
        }
    }
}

impl Part {
    fn text<'a>(&'a self, payload: &'a Value, element: &'a Value) -> Option<Cow<'a, str>> {
        let value = match self {
            Self::Text(text) => return Some(Cow::Borrowed(text)),
            Self::Top(stage) => find(payload, stage)?,
            Self::Element(stage) => find(element, stage)?,
        };
        match value {
            Value::String(text) => Some(Cow::Borrowed(text)),
            Value::Number(number) => Some(Cow::Owned(number.to_string())),
            Value::Bool(flag) => Some(Cow::Owned(flag.to_string())),
            Value::Null | Value::Array(_) | Value::Object(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn seen(source: &Source, payload: &Value) -> Vec<Value> {
        let mut seen = Vec::new();
        source.each(payload, &mut |value| seen.push(value.clone()));
        seen
    }

    #[test]
    fn a_template_joins_what_its_paths_name() {
        let payload = json!({"site": {"code": "A"}, "ward": 7, "on": true, "items": [{"w": 1}, {"w": null}, {"w": 3}]});
        let table = [
            ("{{site.code}}-{{ward}}", json!(["A-7"])),
            ("<{{ on }}>", json!(["<true>"])),
            ("{{site.code}}/{{items[].w}}", json!(["A/1", "A/3"])),
            ("{{missing}}-{{ward}}", json!([])),
            ("{{site}}", json!([])),
        ];
        for (text, expected) in table {
            let found = seen(&Source::template(text).unwrap(), &payload);
            assert_eq!(Value::Array(found), expected, "{text}");
        }
    }

    #[test]
    fn what_is_no_template_is_refused() {
        for text in ["", "plain", "{{a", "{{}}", "{{a..b}}", "{{a[].x}}-{{b[].x}}"] {
            assert!(Source::template(text).is_err(), "{text}");
        }
    }
}
