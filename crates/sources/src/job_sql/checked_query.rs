//! A query that passed the guard, and its parameters.

use std::convert::Infallible;

use ig_core::fault::Faults;
use ig_core::job::{TableAccess, TextPart, Variable, VariableText};
use mysql_async::Value;

use super::bounded_parser::with_parsed;
use super::guard::{Checked, Guard};
use super::marked_text::MarkedText;
use super::refusal::Refusal;
use super::second_reading;
use super::sql_writer::{SlotKind, SlottedSql};
use super::table_policy::TablePolicy;

/// The most parameters of a prepared statement, less one for the limit of rows.
const MAX_PARAMETERS: usize = u16::MAX as usize - 1;

/// A query that reads the allowed tables alone, and of them the tenant's rows alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckedQuery {
    sql: SlottedSql,
    own_limit: Option<u64>,
}

/// A value that goes to the server beside the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Parameter {
    /// A tenant's number.
    Integer(i64),
    /// A text, such as the value of a variable.
    Text(String),
}

/// A query for one tenant, with the values of its variables.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BoundQuery {
    text: String,
    parameters: Vec<Parameter>,
    own_limit: Option<u64>,
}

impl CheckedQuery {
    /// Checks a query against the tables of its connection, whose own schema is `default_schema`. A fault at `/query` names what is refused
    /// and how to write it.
    pub fn parse(query: &VariableText, tables: &[TableAccess], default_schema: Option<&str>) -> Result<Self, Faults> {
        Ok(Self::checked(query, tables, default_schema)?)
    }

    fn checked(query: &VariableText, tables: &[TableAccess], default_schema: Option<&str>) -> Result<Self, Refusal> {
        let marked = MarkedText::of(query)?;
        let policy = TablePolicy::new(tables, default_schema);
        with_parsed(&marked.sql, |parsed| {
            let Checked {
                sql,
                own_limit,
                relations,
            } = Guard::new(&policy, &marked.variables).check(parsed)?;
            let checked = Self { sql, own_limit };
            let Ok(sample) = checked.bind(&[0], |_| Ok::<_, Infallible>(String::new()));
            second_reading::check(&sample.text, &relations)?;
            Ok(checked)
        })
    }

    /// The query for the rows of these tenants; `value` gives the text of a variable. Without a tenant, no tenant's table has rows.
    pub fn bind<E>(&self, tenants: &[i64], mut value: impl FnMut(&Variable) -> Result<String, E>) -> Result<BoundQuery, E> {
        let mut binder = Binder::for_tenants(tenants, self.form(tenants.len()));
        for piece in self.sql.pieces() {
            match piece {
                Piece::Sql(sql) => binder.text.push_str(sql),
                Piece::Slot(SlotKind::Text(parts)) => binder.parameter(Parameter::Text(joined(parts, &mut value)?)),
                Piece::Slot(SlotKind::Tenants { column }) => binder.tenants(column),
                Piece::Slot(SlotKind::RowLimit) => binder.text.push('?'),
            }
        }
        Ok(binder.bound(self.own_limit))
    }

    /// An organisation with thousands of units may exceed the parameters that a statement can have.
    fn form(&self, tenants: usize) -> Form {
        let count = |slot: &SlotKind| match slot {
            SlotKind::Tenants { .. } => tenants.saturating_mul(2),
            SlotKind::Text(_) => 1,
            SlotKind::RowLimit => 0,
        };
        let parameters = self
            .sql
            .slots
            .iter()
            .map(|slot| count(&slot.kind))
            .fold(0, usize::saturating_add);
        if parameters <= MAX_PARAMETERS {
            Form::Parameters
        } else {
            Form::Digits
        }
    }
}

fn joined<E>(parts: &[TextPart], mut value: impl FnMut(&Variable) -> Result<String, E>) -> Result<String, E> {
    parts.iter().try_fold(String::new(), |mut text, part| {
        match part {
            TextPart::Text(part) => text.push_str(part),
            TextPart::Variable(variable) => text.push_str(&value(variable)?),
        }
        Ok(text)
    })
}

impl BoundQuery {
    /// The text that is sent. Its last `?` stands for the limit of rows, which the execution adds.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The parameters in order, without the limit of rows.
    pub fn parameters(&self) -> &[Parameter] {
        &self.parameters
    }

    /// An upper bound of the packets that carry it, in bytes.
    pub(super) fn packet_bytes(&self) -> usize {
        const OVERHEAD: usize = 16;
        let size = |parameter: &Parameter| match parameter {
            Parameter::Integer(_) => OVERHEAD,
            Parameter::Text(text) => OVERHEAD + text.len(),
        };
        self.text.len() + self.parameters.iter().map(size).sum::<usize>() + OVERHEAD
    }

    /// The values to send, with a limit of one row more than `cap`, so that an excess shows; a lower limit of the query itself holds.
    pub(super) fn values(&self, cap: usize) -> Vec<Value> {
        let limit = (cap as u64).saturating_add(1);
        let limit = self.own_limit.map_or(limit, |own| own.min(limit));
        let values = self.parameters.iter().map(|parameter| match parameter {
            Parameter::Integer(number) => Value::Int(*number),
            Parameter::Text(text) => Value::Bytes(text.clone().into_bytes()),
        });
        values.chain([Value::UInt(limit)]).collect()
    }
}

/// A piece of the text, or a slot of it.
enum Piece<'a> {
    Sql(&'a str),
    Slot(&'a SlotKind),
}

impl SlottedSql {
    fn pieces(&self) -> impl Iterator<Item = Piece<'_>> {
        let begins = [0].into_iter().chain(self.slots.iter().map(|slot| slot.at));
        let ends = self.slots.iter().map(|slot| slot.at).chain([self.text.len()]);
        let texts = begins.zip(ends).map(|(begin, end)| Piece::Sql(&self.text[begin..end]));
        let slots = self.slots.iter().map(|slot| Some(Piece::Slot(&slot.kind))).chain([None]);
        texts.zip(slots).flat_map(|(text, slot)| [Some(text), slot]).flatten()
    }
}

/// How the tenants' numbers are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// As parameters.
    Parameters,
    /// As digits in the text.
    Digits,
}

struct Binder<'a> {
    tenants: &'a [i64],
    form: Form,
    text: String,
    parameters: Vec<Parameter>,
}

impl<'a> Binder<'a> {
    fn for_tenants(tenants: &'a [i64], form: Form) -> Self {
        Self {
            tenants,
            form,
            text: String::new(),
            parameters: Vec::new(),
        }
    }

    fn parameter(&mut self, parameter: Parameter) {
        self.text.push('?');
        self.parameters.push(parameter);
    }

    /// Writes the condition on a tenant column twice: as numbers and as texts. A column of texts compares with a number by its leading
    /// digits, so that `7-B` would pass for 7; one of numbers compares with a text as a floating-point number, which is not exact. Both
    /// conditions together are exact for either kind, and an index of the column serves one of them.
    fn tenants(&mut self, column: &str) {
        self.list(column, Parameter::Integer);
        self.text.push_str(" AND ");
        self.list(column, |tenant| Parameter::Text(tenant.to_string()));
    }

    fn list(&mut self, column: &str, parameter: impl Fn(i64) -> Parameter) {
        self.text.push_str(column);
        self.text.push_str(" IN (");
        if self.tenants.is_empty() {
            self.text.push_str("NULL");
        }
        for (at, tenant) in self.tenants.iter().enumerate() {
            self.text.push_str(if at > 0 { ", " } else { "" });
            match (self.form, parameter(*tenant)) {
                (Form::Parameters, parameter) => self.parameter(parameter),
                (Form::Digits, Parameter::Integer(number)) => self.text.push_str(&number.to_string()),
                (Form::Digits, Parameter::Text(digits)) => self.text.extend(["'", &digits, "'"]),
            }
        }
        self.text.push(')');
    }

    fn bound(self, own_limit: Option<u64>) -> BoundQuery {
        BoundQuery {
            text: self.text,
            parameters: self.parameters,
            own_limit,
        }
    }
}
