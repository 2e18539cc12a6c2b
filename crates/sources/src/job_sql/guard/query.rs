//! Queries: `WITH`, set operations, `ORDER BY` and `LIMIT`.

use sqlparser::ast::{
    Cte, Expr, LimitClause, Offset, OffsetRows, OrderBy, OrderByKind, Query, SetExpr, SetOperator, SetQuantifier, Value, With,
};

use super::Guard;
use super::name;
use crate::job_sql::refusal::{Refusal, Written, quoted, require};
use crate::job_sql::sql_writer::SlotKind;

/// The rows that a query asks for, as numbers.
#[derive(Default)]
struct Window {
    limit: Option<u64>,
    offset: Option<u64>,
}

/// The clauses of a query that are supported.
struct Clauses<'a> {
    with: Option<&'a With>,
    body: &'a SetExpr,
    order_by: Option<&'a OrderBy>,
    limit: Option<&'a LimitClause>,
}

impl<'a> Clauses<'a> {
    fn of(query: &'a Query) -> Result<Self, Refusal> {
        let Query {
            with,
            body,
            order_by,
            limit_clause,
            fetch,
            locks,
            for_clause,
            settings,
            format_clause,
            pipe_operators,
        } = query;
        require(
            locks.is_empty() && for_clause.is_none(),
            "FOR UPDATE, FOR SHARE and other FOR clauses",
        )?;
        require(fetch.is_none(), "FETCH: write LIMIT")?;
        require(
            settings.is_none() && format_clause.is_none() && pipe_operators.is_empty(),
            "SETTINGS, FORMAT and |>",
        )?;
        Ok(Self {
            with: with.as_ref(),
            body,
            order_by: order_by.as_ref(),
            limit: limit_clause.as_ref(),
        })
    }

    /// The query within parentheses, if these clauses are nothing but parentheses.
    fn only_parentheses(&self) -> Option<&'a Query> {
        match self {
            Clauses {
                with: None,
                body: SetExpr::Query(inner),
                order_by: None,
                limit: None,
            } => Some(inner),
            _ => None,
        }
    }
}

impl Guard<'_> {
    /// Writes the whole statement. Its `LIMIT` becomes a parameter, so that the cap on rows is part of the query itself and no outer
    /// `SELECT` has to cope with repeated column names; returns the limit that the query has of its own.
    pub(super) fn outermost(&mut self, query: &Query) -> Result<Option<u64>, Refusal> {
        let mut clauses = Clauses::of(query)?;
        while let Some(inner) = clauses.only_parentheses() {
            clauses = Clauses::of(inner)?;
        }
        let window = window(clauses.limit)?;
        self.scopes.enter();
        self.body(&clauses)?;
        self.scopes.leave();
        self.sql.push(" LIMIT ");
        self.sql.slot(SlotKind::RowLimit);
        self.offset(window.offset);
        Ok(window.limit)
    }

    /// Writes a query that stands within another one, without parentheses.
    pub(super) fn query(&mut self, query: &Query) -> Written {
        let clauses = Clauses::of(query)?;
        let window = window(clauses.limit)?;
        self.scopes.enter();
        self.body(&clauses)?;
        self.scopes.leave();
        match window {
            Window {
                limit: None,
                offset: None,
            } => {}
            Window {
                limit: None,
                offset: Some(_),
            } => return Err(Refusal::construct("OFFSET without LIMIT")),
            Window {
                limit: Some(limit),
                offset,
            } => {
                self.sql.push(&format!(" LIMIT {limit}"));
                self.offset(offset);
            }
        }
        Ok(())
    }

    /// Writes a query in parentheses.
    pub(super) fn subquery(&mut self, query: &Query) -> Written {
        self.sql.push("(");
        self.query(query)?;
        self.sql.push(")");
        Ok(())
    }

    fn offset(&mut self, offset: Option<u64>) {
        if let Some(offset) = offset {
            self.sql.push(&format!(" OFFSET {offset}"));
        }
    }

    fn body(&mut self, clauses: &Clauses<'_>) -> Written {
        if let Some(with) = clauses.with {
            self.with(with)?;
        }
        self.set_expression(clauses.body)?;
        match clauses.order_by {
            None => Ok(()),
            Some(order_by) => self.order_by(order_by),
        }
    }

    fn order_by(&mut self, order_by: &OrderBy) -> Written {
        let OrderBy { kind, interpolate } = order_by;
        match kind {
            OrderByKind::Expressions(expressions) if interpolate.is_none() => {
                self.sql.push(" ORDER BY ");
                self.order_terms(expressions)
            }
            _ => Err(Refusal::construct("ORDER BY ALL and INTERPOLATE")),
        }
    }

    fn with(&mut self, with: &With) -> Written {
        let With {
            with_token: _,
            recursive,
            cte_tables,
        } = with;
        self.sql.push(if *recursive { "WITH RECURSIVE " } else { "WITH " });
        self.separated(cte_tables, |guard, cte| guard.cte(cte, *recursive))?;
        self.sql.push(" ");
        Ok(())
    }

    /// Writes one expression of `WITH`. It sees itself only where `RECURSIVE` says so; otherwise its name means an outer one there.
    fn cte(&mut self, cte: &Cte, recursive: bool) -> Written {
        let Cte {
            alias,
            query,
            from,
            materialized,
            closing_paren_token: _,
        } = cte;
        require(
            from.is_none() && materialized.is_none() && alias.at.is_none(),
            "FROM, AT and MATERIALIZED in WITH",
        )?;
        let name = name::name(&alias.name)?;
        let written = self.scopes.new_name();
        if recursive {
            self.scopes.define(name, &written)?;
        }
        self.sql.name(&written);
        self.alias_columns(&alias.columns)?;
        self.sql.push(" AS ");
        self.subquery(query)?;
        if recursive {
            Ok(())
        } else {
            self.scopes.define(name, &written)
        }
    }

    fn set_expression(&mut self, body: &SetExpr) -> Written {
        match body {
            SetExpr::Select(select) => self.select(select),
            SetExpr::Query(query) => self.subquery(query),
            SetExpr::SetOperation {
                left,
                op,
                set_quantifier,
                right,
            } => {
                self.set_expression(left)?;
                self.sql.push(set_operator(*op)?);
                self.sql.push(set_quantifier_word(*set_quantifier)?);
                self.set_expression(right)
            }
            SetExpr::Values(_) => Err(Refusal::construct("VALUES: write SELECT … UNION ALL SELECT …")),
            SetExpr::Table(_) => Err(Refusal::construct("TABLE: write SELECT * FROM")),
            SetExpr::Insert(_) | SetExpr::Update(_) | SetExpr::Delete(_) | SetExpr::Merge(_) => {
                Err(Refusal::new("must be one SELECT statement that writes nothing"))
            }
        }
    }
}

fn set_operator(operator: SetOperator) -> Result<&'static str, Refusal> {
    match operator {
        SetOperator::Union => Ok(" UNION "),
        SetOperator::Except => Ok(" EXCEPT "),
        SetOperator::Intersect => Ok(" INTERSECT "),
        SetOperator::Minus => Err(Refusal::construct("MINUS: write EXCEPT")),
    }
}

fn set_quantifier_word(quantifier: SetQuantifier) -> Result<&'static str, Refusal> {
    match quantifier {
        SetQuantifier::None => Ok(""),
        SetQuantifier::All => Ok("ALL "),
        SetQuantifier::Distinct => Ok("DISTINCT "),
        SetQuantifier::ByName | SetQuantifier::AllByName | SetQuantifier::DistinctByName => Err(Refusal::construct("BY NAME")),
    }
}

fn window(clause: Option<&LimitClause>) -> Result<Window, Refusal> {
    match clause {
        None => Ok(Window::default()),
        Some(LimitClause::LimitOffset { limit, offset, limit_by }) => {
            require(limit_by.is_empty(), "LIMIT … BY")?;
            Ok(Window {
                limit: limit.as_ref().map(row_number).transpose()?,
                offset: offset.as_ref().map(offset_rows).transpose()?,
            })
        }
        Some(LimitClause::OffsetCommaLimit { offset, limit }) => Ok(Window {
            limit: Some(row_number(limit)?),
            offset: Some(row_number(offset)?),
        }),
    }
}

fn offset_rows(offset: &Offset) -> Result<u64, Refusal> {
    let Offset { value, rows } = offset;
    require(*rows == OffsetRows::None, "OFFSET … ROWS: write LIMIT … OFFSET …")?;
    row_number(value)
}

fn row_number(expression: &Expr) -> Result<u64, Refusal> {
    let digits = match expression {
        Expr::Value(value) => match &value.value {
            Value::Number(digits, false) => digits.parse().ok(),
            _ => None,
        },
        _ => None,
    };
    let shown = || quoted(&expression.to_string());
    digits.ok_or_else(|| Refusal::new(format!("must have whole numbers in LIMIT and OFFSET, not {}", shown())))
}
