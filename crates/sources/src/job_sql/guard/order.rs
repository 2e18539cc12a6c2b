//! Sort keys, and the windows of window functions.

use sqlparser::ast::{
    Expr, Ident, OrderByExpr, OrderByOptions, OrderBySort, WindowFrame, WindowFrameBound, WindowFrameUnits, WindowSpec,
    WindowType,
};

use super::Guard;
use crate::job_sql::marked_text::has_mark;
use crate::job_sql::refusal::{Refusal, Written, require};

impl Guard<'_> {
    pub(super) fn order_terms(&mut self, terms: &[OrderByExpr]) -> Written {
        self.separated(terms, Self::order_term)
    }

    fn order_term(&mut self, term: &OrderByExpr) -> Written {
        let OrderByExpr {
            expr,
            options,
            with_fill,
        } = term;
        let OrderByOptions { sort, nulls_first } = options;
        require(with_fill.is_none(), "WITH FILL")?;
        require(
            nulls_first.is_none(),
            "NULLS FIRST and NULLS LAST: write ORDER BY column IS NULL, column",
        )?;
        self.sort_key(expr)?;
        match sort {
            None => {}
            Some(OrderBySort::Asc) => self.sql.push(" ASC"),
            Some(OrderBySort::Desc) => self.sql.push(" DESC"),
            Some(OrderBySort::Using(_)) => return Err(Refusal::construct("ORDER BY … USING")),
        }
        Ok(())
    }

    /// Writes a key of `ORDER BY`, `GROUP BY` or `PARTITION BY`. A variable alone would be one value for all rows, and no column.
    pub(super) fn sort_key(&mut self, key: &Expr) -> Written {
        match key {
            Expr::Identifier(Ident { value, .. }) if has_mark(value) => Err(Refusal::new(
                "has a variable as a column to sort or group by: variables are values, never names",
            )),
            other => self.expression(other),
        }
    }

    pub(super) fn over(&mut self, over: &WindowType) -> Written {
        self.sql.push(" OVER ");
        match over {
            WindowType::WindowSpec(window) => self.window(window),
            WindowType::NamedWindow(name) => self.name(name),
        }
    }

    /// Writes a window in parentheses.
    pub(super) fn window(&mut self, window: &WindowSpec) -> Written {
        let WindowSpec {
            window_name,
            partition_by,
            order_by,
            window_frame,
        } = window;
        self.sql.push("(");
        if let Some(name) = window_name {
            self.name(name)?;
        }
        if !partition_by.is_empty() {
            self.sql.push(" PARTITION BY ");
            self.separated(partition_by, Self::sort_key)?;
        }
        if !order_by.is_empty() {
            self.sql.push(" ORDER BY ");
            self.order_terms(order_by)?;
        }
        if let Some(frame) = window_frame {
            self.frame(frame)?;
        }
        self.sql.push(")");
        Ok(())
    }

    fn frame(&mut self, frame: &WindowFrame) -> Written {
        let WindowFrame {
            units,
            start_bound,
            end_bound,
        } = frame;
        self.sql.push(match units {
            WindowFrameUnits::Rows => " ROWS ",
            WindowFrameUnits::Range => " RANGE ",
            WindowFrameUnits::Groups => return Err(Refusal::construct("GROUPS in a window")),
        });
        match end_bound {
            None => self.bound(start_bound),
            Some(end_bound) => {
                self.sql.push("BETWEEN ");
                self.bound(start_bound)?;
                self.sql.push(" AND ");
                self.bound(end_bound)
            }
        }
    }

    fn bound(&mut self, bound: &WindowFrameBound) -> Written {
        let (distance, direction) = match bound {
            WindowFrameBound::CurrentRow => {
                self.sql.push("CURRENT ROW");
                return Ok(());
            }
            WindowFrameBound::Preceding(distance) => (distance, " PRECEDING"),
            WindowFrameBound::Following(distance) => (distance, " FOLLOWING"),
        };
        match distance {
            None => self.sql.push("UNBOUNDED"),
            Some(distance) => self.expression(distance)?,
        }
        self.sql.push(direction);
        Ok(())
    }
}
