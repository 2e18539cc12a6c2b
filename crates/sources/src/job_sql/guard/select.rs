//! One `SELECT` with its clauses.

use sqlparser::ast::{
    Distinct, Expr, GroupByExpr, GroupByWithModifier, NamedWindowDefinition, NamedWindowExpr, Select, SelectFlavor, SelectItem,
    SelectItemQualifiedWildcardKind, WildcardAdditionalOptions,
};

use super::Guard;
use super::name;
use crate::job_sql::refusal::{Refusal, Written, require};
use crate::job_sql::sql_writer::Bookmark;

/// The longest name given to a column that has none, in characters.
const MAX_GIVEN_NAME_CHARS: usize = 64;

/// The clauses of a select that are written.
struct Clauses<'a> {
    selection: Option<&'a Expr>,
    group_by: &'a GroupByExpr,
    having: Option<&'a Expr>,
    named_window: &'a [NamedWindowDefinition],
}

impl Guard<'_> {
    pub(super) fn select(&mut self, select: &Select) -> Written {
        let Select {
            select_token: _,
            // Hints and modifiers change how a server works, never what it answers.
            optimizer_hints: _,
            select_modifiers: _,
            distinct,
            top,
            top_before_distinct: _,
            projection,
            exclude,
            into,
            from,
            lateral_views,
            prewhere,
            selection,
            connect_by,
            group_by,
            cluster_by,
            distribute_by,
            sort_by,
            having,
            named_window,
            qualify,
            window_before_qualify: _,
            value_table_mode,
            flavor,
        } = select;
        require(into.is_none(), "INTO: a query writes neither files, tables nor variables")?;
        require(
            *flavor == SelectFlavor::Standard && !projection.is_empty(),
            "FROM without a SELECT before it",
        )?;
        require(
            top.is_none() && exclude.is_none() && value_table_mode.is_none(),
            "TOP, EXCLUDE and AS STRUCT",
        )?;
        require(
            qualify.is_none() && prewhere.is_none() && connect_by.is_empty(),
            "QUALIFY, PREWHERE and CONNECT BY",
        )?;
        let spark = lateral_views.is_empty() && cluster_by.is_empty() && distribute_by.is_empty() && sort_by.is_empty();
        require(spark, "LATERAL VIEW, CLUSTER BY, DISTRIBUTE BY and SORT BY")?;
        self.sql.push("SELECT ");
        self.distinct(distinct.as_ref())?;
        self.separated(projection, Self::select_item)?;
        if !from.is_empty() {
            self.sql.push(" FROM ");
            self.separated(from, Self::table_with_joins)?;
        }
        self.clauses(&Clauses {
            selection: selection.as_ref(),
            group_by,
            having: having.as_ref(),
            named_window,
        })
    }

    fn clauses(&mut self, clauses: &Clauses<'_>) -> Written {
        let Clauses {
            selection,
            group_by,
            having,
            named_window,
        } = clauses;
        self.condition(" WHERE ", *selection)?;
        self.group_by(group_by)?;
        self.condition(" HAVING ", *having)?;
        if named_window.is_empty() {
            return Ok(());
        }
        self.sql.push(" WINDOW ");
        self.separated(named_window, Self::named_window)
    }

    fn condition(&mut self, keyword: &str, condition: Option<&Expr>) -> Written {
        let Some(condition) = condition else {
            return Ok(());
        };
        self.sql.push(keyword);
        self.expression(condition)
    }

    fn distinct(&mut self, distinct: Option<&Distinct>) -> Written {
        match distinct {
            None | Some(Distinct::All) => {}
            Some(Distinct::Distinct) => self.sql.push("DISTINCT "),
            Some(Distinct::On(_)) => return Err(Refusal::construct("DISTINCT ON")),
        }
        Ok(())
    }

    fn select_item(&mut self, item: &SelectItem) -> Written {
        match item {
            SelectItem::UnnamedExpr(expression) => self.unnamed_column(expression),
            SelectItem::ExprWithAlias { expr, alias } => {
                self.expression(expr)?;
                self.column_alias(name::alias(alias)?);
                Ok(())
            }
            SelectItem::Wildcard(options) => {
                check_wildcard(options)?;
                self.sql.push("*");
                Ok(())
            }
            SelectItem::QualifiedWildcard(kind, options) => {
                check_wildcard(options)?;
                self.qualified_wildcard(kind)
            }
            SelectItem::ExprWithAliases { .. } => Err(Refusal::construct("several aliases of one column")),
        }
    }

    fn qualified_wildcard(&mut self, kind: &SelectItemQualifiedWildcardKind) -> Written {
        let SelectItemQualifiedWildcardKind::ObjectName(object) = kind else {
            return Err(Refusal::construct("* after an expression"));
        };
        match name::parts(object)?.as_slice() {
            [table] => self.name(table)?,
            [schema, table] => {
                name::name(schema)?;
                self.name(table)?;
            }
            _ => return Err(Refusal::construct("names of more than three parts")),
        }
        self.sql.push(".*");
        Ok(())
    }

    /// Writes a column without an alias. A server names it after its own text, which is not the author's, so it gets a name here.
    fn unnamed_column(&mut self, expression: &Expr) -> Written {
        let begin = self.sql.bookmark();
        self.expression(expression)?;
        match expression {
            Expr::Identifier(_) | Expr::CompoundIdentifier(_) => {}
            _ => self.given_name(begin),
        }
        Ok(())
    }

    fn given_name(&mut self, begin: Bookmark) {
        let shown = self.sql.shown_since(begin);
        let shown = if shown.contains("SELECT ") { "(subquery)" } else { &shown };
        let is_visible = |letter: &char| !letter.is_control() && *letter != '\\';
        let name: String = shown.chars().filter(is_visible).take(MAX_GIVEN_NAME_CHARS).collect();
        // The text of a literal alone is its name, as servers have it.
        let name = name
            .strip_prefix('\'')
            .and_then(|name| name.strip_suffix('\''))
            .unwrap_or(&name);
        let name = name.trim();
        if !name.is_empty() {
            self.column_alias(name);
        }
    }

    fn column_alias(&mut self, alias: &str) {
        self.sql.push(" AS ");
        self.sql.name(alias);
    }

    fn group_by(&mut self, group_by: &GroupByExpr) -> Written {
        match group_by {
            GroupByExpr::All(_) => Err(Refusal::construct("GROUP BY ALL")),
            GroupByExpr::Expressions(expressions, modifiers) => {
                if !expressions.is_empty() {
                    self.sql.push(" GROUP BY ");
                    self.separated(expressions, Self::sort_key)?;
                }
                match modifiers.as_slice() {
                    [] => {}
                    [GroupByWithModifier::Rollup] => self.sql.push(" WITH ROLLUP"),
                    _ => return Err(Refusal::construct("other modifiers of GROUP BY than WITH ROLLUP")),
                }
                Ok(())
            }
        }
    }

    fn named_window(&mut self, definition: &NamedWindowDefinition) -> Written {
        let NamedWindowDefinition(name, window) = definition;
        self.name(name)?;
        self.sql.push(" AS ");
        match window {
            NamedWindowExpr::WindowSpec(window) => self.window(window),
            NamedWindowExpr::NamedWindow(_) => Err(Refusal::construct("a window that is only another one's name")),
        }
    }
}

fn check_wildcard(options: &WildcardAdditionalOptions) -> Written {
    let WildcardAdditionalOptions {
        wildcard_token: _,
        opt_ilike,
        opt_exclude,
        opt_except,
        opt_replace,
        opt_rename,
        opt_alias,
    } = options;
    let is_plain = opt_ilike.is_none()
        && opt_exclude.is_none()
        && opt_except.is_none()
        && opt_replace.is_none()
        && opt_rename.is_none()
        && opt_alias.is_none();
    require(is_plain, "options after *")
}
