//! Literals, and the parameters that some of them become.

use ig_core::job::TextPart;
use sqlparser::ast::{DataType, TimezoneInfo, TypedString, Value};

use super::Guard;
use crate::job_sql::marked_text::{self, MarkedPart, has_mark};
use crate::job_sql::refusal::{Refusal, Written, quoted, require};
use crate::job_sql::sql_writer::{SlotKind, is_plain};

impl Guard<'_> {
    pub(super) fn value(&mut self, value: &Value) -> Written {
        match value {
            Value::Number(digits, false) => self.number(digits),
            Value::SingleQuotedString(text) | Value::DoubleQuotedString(text) => self.text(text),
            Value::HexStringLiteral(digits) => self.hexadecimal(digits),
            Value::Boolean(is_true) => {
                self.sql.push(if *is_true { "TRUE" } else { "FALSE" });
                Ok(())
            }
            Value::Null => {
                self.sql.push("NULL");
                Ok(())
            }
            Value::Placeholder(_) => Err(Refusal::construct(
                "placeholders such as ?: write a variable such as {{date.today()}}",
            )),
            other => Err(Refusal::construct(&format!("the literal {}", quoted(&other.to_string())))),
        }
    }

    fn number(&mut self, digits: &str) -> Written {
        let begins_well = digits.starts_with(|first: char| first.is_ascii_digit() || first == '.');
        let is_number = digits.bytes().all(|byte| byte.is_ascii_digit() || b".eE+-".contains(&byte));
        require(begins_well && is_number, &format!("the number {}", quoted(digits)))?;
        self.sql.push(digits);
        Ok(())
    }

    fn hexadecimal(&mut self, digits: &str) -> Written {
        let is_hexadecimal = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        require(is_hexadecimal, &format!("the literal X'{}'", quoted(digits)))?;
        let even = if digits.len().is_multiple_of(2) { "" } else { "0" };
        self.sql.push("X");
        self.sql.literal(&format!("{even}{digits}"));
        Ok(())
    }

    /// Writes a text as it stands, or as a parameter where it has variables or would need escaping.
    fn text(&mut self, text: &str) -> Written {
        if is_plain(text) && !has_mark(text) {
            self.sql.literal(text);
            return Ok(());
        }
        let unreadable = || Refusal::new("has a variable that cannot be read: write it again");
        let mut parts = Vec::new();
        for part in marked_text::split(text).ok_or_else(unreadable)? {
            parts.push(match part {
                MarkedPart::Text(text) => TextPart::Text(text.to_owned()),
                MarkedPart::Mark(number) => self.variable(number)?,
            });
        }
        self.sql.slot(SlotKind::Text(parts));
        Ok(())
    }

    /// Writes a variable that stands alone.
    pub(super) fn lone_variable(&mut self, number: usize) -> Written {
        let variable = self.variable(number)?;
        self.sql.slot(SlotKind::Text(vec![variable]));
        Ok(())
    }

    /// Writes a text where a server takes no parameter.
    pub(super) fn plain_text(&mut self, value: &Value, place: &str) -> Written {
        match value {
            Value::SingleQuotedString(text) | Value::DoubleQuotedString(text) if is_plain(text) && !has_mark(text) => {
                self.sql.literal(text);
                Ok(())
            }
            _ => Err(Refusal::construct(&format!(
                "anything but a text without variables, quotes and backslashes {place}"
            ))),
        }
    }

    /// Writes `DATE '2026-01-31'` and the like.
    pub(super) fn typed_text(&mut self, typed: &TypedString) -> Written {
        let TypedString {
            data_type,
            value,
            uses_odbc_syntax,
        } = typed;
        require(!uses_odbc_syntax, "ODBC escapes such as {d '2026-01-31'}")?;
        let (keyword, place) = match data_type {
            DataType::Date => ("DATE ", "after DATE: write CAST('…' AS DATE)"),
            DataType::Time(None, TimezoneInfo::None) => ("TIME ", "after TIME: write CAST('…' AS TIME)"),
            DataType::Timestamp(None, TimezoneInfo::None) => ("TIMESTAMP ", "after TIMESTAMP: write CAST('…' AS DATETIME)"),
            _ => return Err(Refusal::construct(&format!("the literal {}", quoted(&typed.to_string())))),
        };
        self.sql.push(keyword);
        self.plain_text(&value.value, place)
    }
}
