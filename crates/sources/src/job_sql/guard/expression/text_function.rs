//! Functions of texts, dates and numbers that have a syntax of their own.

use sqlparser::ast::{CeilFloorKind, DateTimeField, Expr, ExtractSyntax, TrimWhereField};

use crate::job_sql::function_list;
use crate::job_sql::guard::Guard;
use crate::job_sql::refusal::{Refusal, Written, quoted, require};

/// The parts of `SUBSTRING(…)`.
pub(super) struct Substring<'a> {
    pub(super) value: &'a Expr,
    pub(super) from: Option<&'a Expr>,
    pub(super) length: Option<&'a Expr>,
}

/// The parts of `TRIM(…)`.
pub(super) struct Trim<'a> {
    pub(super) side: Option<TrimWhereField>,
    pub(super) what: Option<&'a Expr>,
    pub(super) value: &'a Expr,
}

impl Guard<'_> {
    pub(super) fn substring(&mut self, substring: &Substring<'_>) -> Written {
        let Substring { value, from, length } = substring;
        let from = from.ok_or_else(|| Refusal::construct("SUBSTRING without a start"))?;
        self.sql.push("SUBSTRING(");
        self.expression(value)?;
        for argument in [Some(from), *length].into_iter().flatten() {
            self.sql.push(", ");
            self.expression(argument)?;
        }
        self.sql.push(")");
        Ok(())
    }

    pub(super) fn trim(&mut self, trim: &Trim<'_>) -> Written {
        let Trim { side, what, value } = trim;
        self.sql.push("TRIM(");
        match side {
            None => {}
            Some(TrimWhereField::Both) => self.sql.push("BOTH "),
            Some(TrimWhereField::Leading) => self.sql.push("LEADING "),
            Some(TrimWhereField::Trailing) => self.sql.push("TRAILING "),
        }
        if let Some(what) = what {
            self.expression(what)?;
            self.sql.push(" ");
        }
        if side.is_some() || what.is_some() {
            self.sql.push("FROM ");
        }
        self.expression(value)?;
        self.sql.push(")");
        Ok(())
    }

    /// Writes `POSITION(a IN b)` as the function it stands for.
    pub(super) fn position(&mut self, what: &Expr, within: &Expr) -> Written {
        self.sql.push("LOCATE(");
        self.expression(what)?;
        self.sql.push(", ");
        self.expression(within)?;
        self.sql.push(")");
        Ok(())
    }

    pub(super) fn rounded(&mut self, function: &str, value: &Expr, kind: &CeilFloorKind) -> Written {
        let is_plain = matches!(kind, CeilFloorKind::DateTimeField(DateTimeField::NoDateTime));
        require(is_plain, "CEIL and FLOOR with a second argument")?;
        self.sql.push(function);
        self.sql.push("(");
        self.expression(value)?;
        self.sql.push(")");
        Ok(())
    }

    pub(super) fn extract(&mut self, field: &DateTimeField, syntax: &ExtractSyntax, value: &Expr) -> Written {
        require(matches!(syntax, ExtractSyntax::From), "EXTRACT without FROM")?;
        let field = field.to_string();
        let unknown = || Refusal::construct(&format!("`{}` as a unit of time", quoted(&field)));
        let unit = function_list::unit(&field).ok_or_else(unknown)?;
        self.sql.push(&format!("EXTRACT({unit} FROM "));
        self.expression(value)?;
        self.sql.push(")");
        Ok(())
    }
}
