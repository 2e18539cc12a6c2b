//! Expressions.

use sqlparser::ast::{BinaryOperator, CaseWhen, Expr, Ident, InTarget, Interval, Value};

use super::Guard;
use super::cast::Conversion;
use crate::job_sql::function_list;
use crate::job_sql::marked_text::single_mark;
use crate::job_sql::refusal::{Refusal, Written, quoted, require};

mod operator;
mod text_function;

use operator::{binary_operator, is_arrow, unary_operator};
use text_function::{Substring, Trim};

impl Guard<'_> {
    /// Writes an expression of a kind that is named here; any other kind is refused.
    pub(super) fn expression(&mut self, expression: &Expr) -> Written {
        match expression {
            Expr::Identifier(ident) => self.identifier(ident),
            Expr::CompoundIdentifier(idents) => self.column(idents),
            Expr::Value(value) => self.value(&value.value),
            Expr::TypedString(typed) => self.typed_text(typed),
            Expr::Interval(interval) => self.interval(interval),
            Expr::Nested(inner) => self.in_parentheses(|guard| guard.expression(inner)),
            Expr::Tuple(items) => self.in_parentheses(|guard| guard.separated(items, Self::expression)),
            Expr::Subquery(query) => self.subquery(query),
            Expr::Function(function) => self.call(function),
            Expr::Case {
                case_token: _,
                end_token: _,
                operand,
                conditions,
                else_result,
            } => self.case(operand.as_deref(), conditions, else_result.as_deref()),
            Expr::BinaryOp { .. } | Expr::UnaryOp { .. } => self.operation(expression),
            _ => self.predicate(expression),
        }
    }

    fn predicate(&mut self, expression: &Expr) -> Written {
        match expression {
            Expr::IsNull(inner) => self.tested(inner, " IS NULL"),
            Expr::IsNotNull(inner) => self.tested(inner, " IS NOT NULL"),
            Expr::IsTrue(inner) => self.tested(inner, " IS TRUE"),
            Expr::IsNotTrue(inner) => self.tested(inner, " IS NOT TRUE"),
            Expr::IsFalse(inner) => self.tested(inner, " IS FALSE"),
            Expr::IsNotFalse(inner) => self.tested(inner, " IS NOT FALSE"),
            Expr::IsUnknown(inner) => self.tested(inner, " IS UNKNOWN"),
            Expr::IsNotUnknown(inner) => self.tested(inner, " IS NOT UNKNOWN"),
            Expr::In {
                expr,
                target,
                negated,
                global: false,
            } => self.in_target(expr, target, *negated),
            Expr::Between {
                expr,
                negated,
                low,
                high,
            } => {
                self.tested(expr, if *negated { " NOT BETWEEN " } else { " BETWEEN " })?;
                self.expression(low)?;
                self.sql.push(" AND ");
                self.expression(high)
            }
            Expr::Like {
                negated,
                any: false,
                expr,
                pattern,
                escape_char,
            } => {
                self.tested(expr, if *negated { " NOT LIKE " } else { " LIKE " })?;
                self.expression(pattern)?;
                self.escape(escape_char.as_deref())
            }
            Expr::RLike {
                negated,
                expr,
                pattern,
                regexp: _,
            } => {
                self.tested(expr, if *negated { " NOT REGEXP " } else { " REGEXP " })?;
                self.expression(pattern)
            }
            Expr::AnyOp {
                left,
                compare_op,
                right,
                is_some: _,
            } => self.quantified(left, compare_op, " ANY ", right),
            Expr::AllOp { left, compare_op, right } => self.quantified(left, compare_op, " ALL ", right),
            Expr::Exists { subquery, negated } => {
                self.sql.push(if *negated { "NOT EXISTS " } else { "EXISTS " });
                self.subquery(subquery)
            }
            _ => self.special_function(expression),
        }
    }

    /// Writes functions with a syntax of their own.
    fn special_function(&mut self, expression: &Expr) -> Written {
        match expression {
            Expr::Cast {
                kind,
                expr,
                data_type,
                format,
            } => self.cast(kind, expr, data_type, format.as_ref()),
            Expr::Convert {
                is_try,
                expr,
                data_type,
                charset,
                target_before_value,
                styles,
            } => self.convert(&Conversion {
                is_try: *is_try,
                value: expr,
                data_type: data_type.as_ref(),
                charset: charset.as_ref(),
                target_before_value: *target_before_value,
                styles,
            }),
            Expr::Collate { expr, collation } => self.collate(expr, collation),
            Expr::Extract { field, syntax, expr } => self.extract(field, syntax, expr),
            Expr::Ceil { expr, field } => self.rounded("CEILING", expr, field),
            Expr::Floor { expr, field } => self.rounded("FLOOR", expr, field),
            Expr::Position { expr, r#in } => self.position(expr, r#in),
            Expr::Substring {
                expr,
                substring_from,
                substring_for,
                special: _,
                shorthand: _,
            } => self.substring(&Substring {
                value: expr,
                from: substring_from.as_deref(),
                length: substring_for.as_deref(),
            }),
            Expr::Trim {
                trim_where,
                trim_what,
                expr,
                trim_characters: None,
            } => self.trim(&Trim {
                side: *trim_where,
                what: trim_what.as_deref(),
                value: expr,
            }),
            Expr::Prefixed { .. } => Err(Refusal::construct("character set introducers such as _utf8mb4")),
            Expr::MatchAgainst { .. } => Err(Refusal::construct("MATCH … AGAINST: write LIKE or REGEXP")),
            other => Err(Refusal::construct(&format!("`{}`", quoted(&other.to_string())))),
        }
    }

    fn identifier(&mut self, ident: &Ident) -> Written {
        match (ident.quote_style, single_mark(&ident.value)) {
            (None, Some(number)) => self.lone_variable(number),
            _ => self.name(ident),
        }
    }

    fn in_parentheses(&mut self, write: impl FnOnce(&mut Self) -> Written) -> Written {
        self.sql.push("(");
        write(self)?;
        self.sql.push(")");
        Ok(())
    }

    fn tested(&mut self, expression: &Expr, test: &str) -> Written {
        self.expression(expression)?;
        self.sql.push(test);
        Ok(())
    }

    fn operation(&mut self, expression: &Expr) -> Written {
        match expression {
            Expr::UnaryOp { op, expr } => {
                self.sql.push(unary_operator(*op)?);
                self.expression(expr)
            }
            Expr::BinaryOp { left, op, right } if is_arrow(op) => self.json_path(left, op, right),
            other => self.chain(other),
        }
    }

    /// Writes a chain of binary operators from its left end: such a chain may be long, and its tree as deep.
    fn chain(&mut self, expression: &Expr) -> Written {
        let (mut links, mut leftmost) = (Vec::new(), expression);
        while let Expr::BinaryOp { left, op, right } = leftmost
            && !is_arrow(op)
        {
            links.push((op, right));
            leftmost = left;
        }
        self.expression(leftmost)?;
        for (operator, right) in links.into_iter().rev() {
            self.sql.push(binary_operator(operator)?);
            self.expression(right)?;
        }
        Ok(())
    }

    /// Writes `column -> path` as a function, since only MySQL has the operator.
    fn json_path(&mut self, column: &Expr, operator: &BinaryOperator, path: &Expr) -> Written {
        let is_column = matches!(column, Expr::Identifier(_) | Expr::CompoundIdentifier(_));
        require(is_column, "-> and ->> after anything but a column: call JSON_EXTRACT")?;
        let is_unquoting = matches!(operator, BinaryOperator::LongArrow);
        self.sql.push(if is_unquoting {
            "JSON_UNQUOTE(JSON_EXTRACT("
        } else {
            "JSON_EXTRACT("
        });
        self.expression(column)?;
        self.sql.push(", ");
        match path {
            Expr::Value(path) => self.value(&path.value)?,
            _ => return Err(Refusal::construct("-> and ->> before anything but a text: call JSON_EXTRACT")),
        }
        self.sql.push(if is_unquoting { "))" } else { ")" });
        Ok(())
    }

    fn in_target(&mut self, value: &Expr, target: &InTarget, negated: bool) -> Written {
        self.tested(value, if negated { " NOT IN " } else { " IN " })?;
        match target {
            InTarget::List(items) if !items.is_empty() => self.in_parentheses(|guard| guard.separated(items, Self::expression)),
            InTarget::Subquery(query) => self.subquery(query),
            InTarget::List(_) => Err(Refusal::construct("an empty list after IN")),
            InTarget::Unnest(_) | InTarget::Table { .. } => {
                Err(Refusal::construct("IN without a list or a SELECT in parentheses"))
            }
        }
    }

    fn quantified(&mut self, left: &Expr, operator: &BinaryOperator, quantifier: &str, right: &Expr) -> Written {
        let Expr::Subquery(query) = right else {
            return Err(Refusal::construct("ANY and ALL without a SELECT in parentheses"));
        };
        self.tested(left, binary_operator(operator)?)?;
        self.sql.push(quantifier);
        self.subquery(query)
    }

    /// A backslash is the servers' own default.
    fn escape(&mut self, escape: Option<&Expr>) -> Written {
        let Some(escape) = escape else {
            return Ok(());
        };
        match escape {
            Expr::Value(value) => match &value.value {
                Value::SingleQuotedString(text) | Value::DoubleQuotedString(text) if text == "\\" => Ok(()),
                Value::SingleQuotedString(text) | Value::DoubleQuotedString(text) if text.chars().count() == 1 => {
                    self.sql.push(" ESCAPE ");
                    self.plain_text(&value.value, "after ESCAPE")
                }
                _ => Err(Refusal::construct("anything but one character after ESCAPE")),
            },
            _ => Err(Refusal::construct("anything but one character after ESCAPE")),
        }
    }

    fn case(&mut self, operand: Option<&Expr>, conditions: &[CaseWhen], otherwise: Option<&Expr>) -> Written {
        self.sql.push("CASE");
        if let Some(operand) = operand {
            self.sql.push(" ");
            self.expression(operand)?;
        }
        for CaseWhen { condition, result } in conditions {
            self.sql.push(" WHEN ");
            self.expression(condition)?;
            self.sql.push(" THEN ");
            self.expression(result)?;
        }
        if let Some(otherwise) = otherwise {
            self.sql.push(" ELSE ");
            self.expression(otherwise)?;
        }
        self.sql.push(" END");
        Ok(())
    }

    fn interval(&mut self, interval: &Interval) -> Written {
        let Interval {
            value,
            leading_field,
            leading_precision,
            last_field,
            fractional_seconds_precision,
        } = interval;
        let is_plain = leading_precision.is_none() && last_field.is_none() && fractional_seconds_precision.is_none();
        let unit = leading_field
            .as_ref()
            .and_then(|field| function_list::unit(&field.to_string()));
        match unit {
            Some(unit) if is_plain => {
                self.sql.push("INTERVAL ");
                self.expression(value)?;
                self.sql.push(" ");
                self.sql.push(unit);
                Ok(())
            }
            _ => Err(Refusal::construct(&format!("`{}`", quoted(&interval.to_string())))),
        }
    }
}
