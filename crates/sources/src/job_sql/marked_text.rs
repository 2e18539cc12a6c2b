//! A query's text with a mark in place of each variable, so that the parser shows where every variable stands.

use ig_core::job::{TextPart, Variable, VariableText};

use super::refusal::Refusal;

/// A mark is a number between these private characters. To the parser it is a word, and text within quotes.
const OPEN: char = '\u{e000}';
const CLOSE: char = '\u{e001}';

/// A query's text with marks, and the variables by number.
pub(super) struct MarkedText<'a> {
    /// The text to parse.
    pub(super) sql: String,
    /// The variables; a mark holds an index of this list.
    pub(super) variables: Vec<&'a Variable>,
}

impl<'a> MarkedText<'a> {
    pub(super) fn of(query: &'a VariableText) -> Result<Self, Refusal> {
        let (mut sql, mut variables) = (String::new(), Vec::new());
        for part in query.parts() {
            match part {
                TextPart::Text(text) => sql.push_str(checked(text)?),
                TextPart::Variable(variable) => {
                    sql.extend([OPEN.to_string(), variables.len().to_string(), CLOSE.to_string()]);
                    variables.push(variable);
                }
            }
        }
        Ok(Self { sql, variables })
    }
}

/// A query cannot hold marks of its own.
fn checked(text: &str) -> Result<&str, Refusal> {
    match text.chars().find(|letter| matches!(*letter, OPEN | CLOSE | '\0')) {
        None => Ok(text),
        Some(letter) => Err(Refusal::new(format!(
            "must not contain the character U+{:04X}",
            u32::from(letter)
        ))),
    }
}

/// Whether a text contains a mark.
pub(super) fn has_mark(text: &str) -> bool {
    text.contains([OPEN, CLOSE])
}

/// A piece of a text that may contain marks.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum MarkedPart<'a> {
    /// Text without marks.
    Text(&'a str),
    /// The variable of this number.
    Mark(usize),
}

/// Splits a text at its marks; `None` if a mark is damaged.
pub(super) fn split(text: &str) -> Option<Vec<MarkedPart<'_>>> {
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once(OPEN) {
        let (number, behind) = after.split_once(CLOSE)?;
        if !before.is_empty() {
            parts.push(MarkedPart::Text(before));
        }
        parts.push(MarkedPart::Mark(number.parse().ok()?));
        rest = behind;
    }
    if !rest.is_empty() {
        parts.push(MarkedPart::Text(rest));
    }
    Some(parts)
}

/// The number of a text that is one mark and nothing else.
pub(super) fn single_mark(text: &str) -> Option<usize> {
    match split(text)?.as_slice() {
        [MarkedPart::Mark(number)] => Some(*number),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marked_text_splits_into_its_texts_and_variables() {
        let query: VariableText = "a = {{date.today()}} or b = 'x{{config.tenantId}}{{date.now()}}'"
            .parse()
            .unwrap();
        let marked = MarkedText::of(&query).unwrap();
        assert_eq!(marked.variables, [&Variable::Today, &Variable::TenantId, &Variable::Now]);
        let expected = [
            MarkedPart::Text("a = "),
            MarkedPart::Mark(0),
            MarkedPart::Text(" or b = 'x"),
            MarkedPart::Mark(1),
            MarkedPart::Mark(2),
            MarkedPart::Text("'"),
        ];
        assert_eq!(split(&marked.sql).unwrap(), expected);
        assert_eq!(single_mark("\u{e000}7\u{e001}"), Some(7));
        assert_eq!(single_mark("a\u{e000}7\u{e001}"), None);
        assert_eq!(single_mark("a"), None);
    }

    #[test]
    fn marked_text_refuses_marks_of_the_author() {
        for text in ["select '\u{e000}0\u{e001}' {{date.now()}}", "select \u{e001}", "select '\0'"] {
            assert!(MarkedText::of(&text.parse().unwrap()).is_err(), "{text:?}");
        }
    }
}
