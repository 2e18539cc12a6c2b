//! The source of a rule's values: a path, or a template of several.

use std::borrow::Cow;

use serde_json::Value;

use super::{Path, Stage, find};

/// The arrays to walk, and what to read from each of their elements.
#[derive(Debug, Clone)]
pub(crate) struct Source {
    text: String,
    arrays: Vec<Stage>,
    leaf: Leaf,
}

#[derive(Debug, Clone)]
enum Leaf {
    Field(Stage),
    Template(Vec<TemplatePart>),
}

/// A part of a template.
#[derive(Debug, Clone)]
enum TemplatePart {
    Text(String),
    /// Read from the top of the payload.
    Top(Stage),
    /// Read from the current element.
    Element(Stage),
}

impl Source {
    /// Parses a dotted path.
    pub(crate) fn field(text: &str) -> Result<Self, String> {
        let Path { text, mut stages, .. } = Path::source(text)?;
        let leaf = Leaf::Field(stages.pop().unwrap_or_default());
        Ok(Self {
            text,
            arrays: stages,
            leaf,
        })
    }

    /// Parses a text with `{{path}}` in it; the paths with `[]` walk the same arrays.
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
            parts.push(TemplatePart::Text(before.to_owned()));
            parts.push(source.part(path.trim())?);
            rest = after;
        }
        if parts.is_empty() {
            return Err("must name a path, such as {{site.code}}".to_owned());
        }
        parts.push(TemplatePart::Text(rest.to_owned()));
        source.leaf = Leaf::Template(parts);
        Ok(source)
    }

    fn part(&mut self, path: &str) -> Result<TemplatePart, String> {
        let Self { mut arrays, leaf, .. } =
            Self::field(path).map_err(|message| format!("has {{{{{path}}}}}, which {message}"))?;
        let Leaf::Field(leaf) = leaf else {
            return Err("names no path".to_owned());
        };
        if arrays.is_empty() {
            return Ok(TemplatePart::Top(leaf));
        }
        if self.arrays.is_empty() {
            self.arrays = std::mem::take(&mut arrays);
        } else if self.arrays != arrays {
            return Err("must walk the same arrays with every []".to_owned());
        }
        Ok(TemplatePart::Element(leaf))
    }

    /// The text as it was written.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// The stages to the arrays that are walked.
    pub(crate) fn arrays(&self) -> &[Stage] {
        &self.arrays
    }

    /// The value at one element; a template that lacks one of its values has none.
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

    /// Visits every value.
    pub(crate) fn each(&self, payload: &Value, visit: &mut dyn FnMut(&Value)) {
        self.visit_until(&self.arrays, payload, payload, &mut |value| {
            visit(value);
            false
        });
    }

    /// Whether any of the values passes.
    pub(crate) fn any(&self, payload: &Value, passes: &dyn Fn(&Value) -> bool) -> bool {
        self.visit_until(&self.arrays, payload, payload, &mut |value| passes(value))
    }

    fn visit_until(&self, arrays: &[Stage], payload: &Value, element: &Value, stop: &mut dyn FnMut(&Value) -> bool) -> bool {
        let [first, rest @ ..] = arrays else {
            return self.read(payload, element).is_some_and(|value| stop(&value));
        };
        match find(element, first) {
            Some(Value::Array(items)) => items.iter().any(|item| self.visit_until(rest, payload, item, stop)),
            _ => false,
        }
    }
}

impl TemplatePart {
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

    fn values(source: &Source, payload: &Value) -> Vec<Value> {
        let mut values = Vec::new();
        source.each(payload, &mut |value| values.push(value.clone()));
        values
    }

    #[test]
    fn template_joins_the_values_of_its_paths() {
        let payload = json!({"site": {"code": "A"}, "ward": 7, "on": true, "items": [{"w": 1}, {"w": null}, {"w": 3}]});
        let table = [
            ("{{site.code}}-{{ward}}", json!(["A-7"])),
            ("<{{ on }}>", json!(["<true>"])),
            ("{{site.code}}/{{items[].w}}", json!(["A/1", "A/3"])),
            ("{{missing}}-{{ward}}", json!([])),
            ("{{site}}", json!([])),
        ];
        for (text, expected) in table {
            let found = values(&Source::template(text).unwrap(), &payload);
            assert_eq!(Value::Array(found), expected, "{text}");
        }
    }

    #[test]
    fn template_parser_refuses_invalid_templates() {
        for text in ["", "plain", "{{a", "{{}}", "{{a..b}}", "{{a[].x}}-{{b[].x}}"] {
            assert!(Source::template(text).is_err(), "{text}");
        }
    }
}
