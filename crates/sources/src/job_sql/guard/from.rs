//! Tables: where the rows of other tenants are left out.

use ig_core::job::TableScope;
use sqlparser::ast::{Ident, Join, JoinConstraint, JoinOperator, ObjectName, Query, TableAlias, TableFactor, TableWithJoins};

use super::Guard;
use super::name;
use crate::job_sql::refusal::{Refusal, Written, quoted, require};
use crate::job_sql::sql_writer::{RESERVED_PREFIX, SlotKind};
use crate::job_sql::table_policy::AllowedTable;

/// A limit that no table reaches. It keeps servers from merging the tenant's rows into the query around them, and from moving that query's
/// conditions to other tenants' rows, where an error that depends on a value (an overflow, say) would tell about it.
const BARRIER: &str = " LIMIT 18446744073709551615";

/// A table as a query names it.
#[derive(Clone, Copy)]
struct NamedTable<'a> {
    schema: Option<&'a Ident>,
    table: &'a Ident,
    alias: Option<&'a TableAlias>,
}

impl Guard<'_> {
    pub(super) fn table_with_joins(&mut self, table: &TableWithJoins) -> Written {
        let TableWithJoins { relation, joins } = table;
        self.table_factor(relation)?;
        joins.iter().try_for_each(|join| self.join(join))
    }

    fn join(&mut self, join: &Join) -> Written {
        let Join {
            relation,
            global,
            join_operator,
        } = join;
        require(!global, "GLOBAL JOIN")?;
        let (keyword, constraint) = join_keyword(join_operator)?;
        let natural = if matches!(constraint, JoinConstraint::Natural) {
            " NATURAL"
        } else {
            ""
        };
        self.sql.push(natural);
        self.sql.push(keyword);
        self.table_factor(relation)?;
        self.join_constraint(constraint)
    }

    fn join_constraint(&mut self, constraint: &JoinConstraint) -> Written {
        match constraint {
            JoinConstraint::None | JoinConstraint::Natural => Ok(()),
            JoinConstraint::On(condition) => {
                self.sql.push(" ON ");
                self.expression(condition)
            }
            JoinConstraint::Using(columns) => {
                self.sql.push(" USING (");
                self.separated(columns, |guard, column| guard.name(name::single(column)?))?;
                self.sql.push(")");
                Ok(())
            }
            JoinConstraint::UsingAlias(..) => Err(Refusal::construct("USING (…) AS")),
        }
    }

    fn table_factor(&mut self, factor: &TableFactor) -> Written {
        match factor {
            TableFactor::Table {
                name,
                alias,
                args,
                with_hints,
                version,
                with_ordinality,
                partitions,
                json_path,
                sample,
                // Index hints are for a table, which is a subquery in the text.
                index_directives: _,
                inheritance,
            } => {
                let is_function = args.is_some() || *with_ordinality || json_path.is_some();
                require(!is_function, "functions as tables")?;
                let is_part = version.is_some() || !partitions.is_empty() || sample.is_some() || inheritance.is_some();
                require(!is_part, "PARTITION, FOR SYSTEM_TIME, TABLESAMPLE and ONLY")?;
                require(with_hints.is_empty(), "hints after a table: leave out WITH (…)")?;
                self.table(name, alias.as_ref())
            }
            TableFactor::Derived {
                lateral,
                subquery,
                alias,
                sample,
            } => {
                require(sample.is_none(), "TABLESAMPLE")?;
                self.derived(*lateral, subquery, alias.as_ref())
            }
            TableFactor::NestedJoin { table_with_joins, alias } => {
                require(alias.is_none(), "an alias of a join in parentheses")?;
                self.sql.push("(");
                self.table_with_joins(table_with_joins)?;
                self.sql.push(")");
                Ok(())
            }
            other => Err(Refusal::construct(&format!(
                "`{}` as a table: tables, subqueries and joins may stand there",
                quoted(&other.to_string())
            ))),
        }
    }

    fn derived(&mut self, lateral: bool, subquery: &Query, alias: Option<&TableAlias>) -> Written {
        let alias = alias.ok_or_else(|| Refusal::new("must give every subquery in FROM an alias"))?;
        self.sql.push(if lateral { "LATERAL " } else { "" });
        self.subquery(subquery)?;
        self.table_alias(alias)
    }

    fn table(&mut self, object: &ObjectName, alias: Option<&TableAlias>) -> Written {
        let named = match name::parts(object)?.as_slice() {
            [table] => NamedTable {
                schema: None,
                table,
                alias,
            },
            [schema, table] => NamedTable {
                schema: Some(schema),
                table,
                alias,
            },
            _ => return Err(Refusal::new(format!("must not read `{}`", quoted(&object.to_string())))),
        };
        let table = name::name(named.table)?;
        let cte = if named.schema.is_none() {
            self.scopes.find(table).map(str::to_owned)
        } else {
            None
        };
        match cte {
            Some(written) => self.cte_reference(named, &written),
            None => self.base_table(named, table),
        }
    }

    fn cte_reference(&mut self, named: NamedTable<'_>, written: &str) -> Written {
        self.relation(&[written])?;
        self.sql.name(written);
        self.factor_alias(named)
    }

    fn base_table(&mut self, named: NamedTable<'_>, table: &str) -> Written {
        let schema = named.schema.map(name::name).transpose()?;
        let allowed = self.policy.find(schema, table)?;
        match allowed.scope {
            TableScope::Shared => self.allowed_name(&allowed)?,
            TableScope::Tenant { column } => self.tenant_rows(&allowed, column.as_str())?,
        }
        self.factor_alias(named)
    }

    /// Writes the tenant's rows of a table as a subquery. Its column is qualified: an unqualified one that the table does not have could
    /// mean a column of the outer query, and every row would pass.
    fn tenant_rows(&mut self, allowed: &AllowedTable<'_>, column: &str) -> Written {
        let row = format!("`{RESERVED_PREFIX}`");
        self.sql.push("(SELECT ");
        self.sql.push(&row);
        self.sql.push(".* FROM ");
        self.allowed_name(allowed)?;
        self.sql.push(&format!(" AS {row} WHERE "));
        self.sql.slot(SlotKind::Tenants {
            column: format!("{row}.`{column}`"),
        });
        self.sql.push(BARRIER);
        self.sql.push(")");
        Ok(())
    }

    /// Writes the name of a table, qualified where its schema is known: such a name never means a common table expression.
    fn allowed_name(&mut self, allowed: &AllowedTable<'_>) -> Written {
        match allowed.schema {
            None => self.relation(&[allowed.table])?,
            Some(schema) => {
                self.relation(&[schema, allowed.table])?;
                self.sql.name(schema);
                self.sql.push(".");
            }
        }
        self.sql.name(allowed.table);
        Ok(())
    }

    /// Writes the alias of a table, or its name as the alias.
    fn factor_alias(&mut self, named: NamedTable<'_>) -> Written {
        if let Some(alias) = named.alias {
            require(alias.columns.is_empty(), "names of columns after a table's alias")?;
            return self.table_alias(alias);
        }
        self.sql.push(" AS ");
        self.name(named.table)
    }
}

/// The keyword of a join. `STRAIGHT_JOIN` is a hint to join in this order.
fn join_keyword(operator: &JoinOperator) -> Result<(&'static str, &JoinConstraint), Refusal> {
    match operator {
        JoinOperator::Join(constraint) | JoinOperator::Inner(constraint) | JoinOperator::StraightJoin(constraint) => {
            Ok((" JOIN ", constraint))
        }
        JoinOperator::Left(constraint) | JoinOperator::LeftOuter(constraint) => Ok((" LEFT JOIN ", constraint)),
        JoinOperator::Right(constraint) | JoinOperator::RightOuter(constraint) => Ok((" RIGHT JOIN ", constraint)),
        JoinOperator::CrossJoin(constraint) => Ok((" CROSS JOIN ", constraint)),
        JoinOperator::FullOuter(_) => Err(Refusal::construct("FULL JOIN: write a LEFT JOIN, UNION and a RIGHT JOIN")),
        _ => Err(Refusal::construct("other joins than INNER, LEFT, RIGHT, CROSS and NATURAL")),
    }
}
