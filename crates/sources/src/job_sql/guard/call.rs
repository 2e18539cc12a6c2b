//! Calls of functions.

use sqlparser::ast::{
    DuplicateTreatment, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArgumentClause, FunctionArgumentList,
    FunctionArguments,
};

use super::Guard;
use super::name;
use crate::job_sql::function_list;
use crate::job_sql::refusal::{Refusal, Written, quoted, require};

impl Guard<'_> {
    pub(super) fn call(&mut self, function: &Function) -> Written {
        let Function {
            name: object,
            uses_odbc_syntax,
            parameters,
            args,
            within_group,
            filter,
            null_treatment,
            over,
        } = function;
        let name = function_name(&object.to_string(), name::parts(object)?.as_slice())?;
        require(!uses_odbc_syntax, "ODBC escapes such as {fn NOW()}")?;
        require(matches!(parameters, FunctionArguments::None), "two lists of arguments")?;
        require(
            within_group.is_empty() && filter.is_none() && null_treatment.is_none(),
            "WITHIN GROUP, FILTER, IGNORE NULLS and RESPECT NULLS",
        )?;
        self.sql.push(name);
        self.sql.push("(");
        self.arguments(name, args)?;
        self.sql.push(")");
        match over {
            None => Ok(()),
            Some(over) => self.over(over),
        }
    }

    fn arguments(&mut self, name: &'static str, arguments: &FunctionArguments) -> Written {
        match arguments {
            FunctionArguments::None => require(function_list::needs_no_parentheses(name), "functions without parentheses"),
            FunctionArguments::Subquery(_) => Err(Refusal::construct("a subquery as the only argument: add parentheses")),
            FunctionArguments::List(FunctionArgumentList {
                duplicate_treatment,
                args,
                clauses,
            }) => {
                self.sql.push(match duplicate_treatment {
                    None | Some(DuplicateTreatment::All) => "",
                    Some(DuplicateTreatment::Distinct) => "DISTINCT ",
                });
                self.argument_list(name, args)?;
                clauses.iter().try_for_each(|clause| self.argument_clause(name, clause))
            }
        }
    }

    fn argument_list(&mut self, name: &'static str, arguments: &[FunctionArg]) -> Written {
        match arguments {
            [FunctionArg::Unnamed(FunctionArgExpr::Expr(unit)), rest @ ..] if function_list::begins_with_unit(name) => {
                self.unit(unit)?;
                self.sql.push(", ");
                self.separated(rest, Self::argument)
            }
            [FunctionArg::Unnamed(FunctionArgExpr::Wildcard)] if name == "COUNT" => {
                self.sql.push("*");
                Ok(())
            }
            arguments => self.separated(arguments, Self::argument),
        }
    }

    fn argument(&mut self, argument: &FunctionArg) -> Written {
        match argument {
            FunctionArg::Unnamed(FunctionArgExpr::Expr(value)) => self.expression(value),
            other => Err(Refusal::construct(&format!("the argument `{}`", quoted(&other.to_string())))),
        }
    }

    fn unit(&mut self, unit: &Expr) -> Written {
        let written = match unit {
            Expr::Identifier(ident) if ident.quote_style.is_none() => function_list::unit(&ident.value),
            _ => None,
        };
        let unknown = || Refusal::construct(&format!("`{}` as a unit of time", quoted(&unit.to_string())));
        self.sql.push(written.ok_or_else(unknown)?);
        Ok(())
    }

    fn argument_clause(&mut self, name: &'static str, clause: &FunctionArgumentClause) -> Written {
        match clause {
            FunctionArgumentClause::OrderBy(terms) if name == "GROUP_CONCAT" => {
                self.sql.push(" ORDER BY ");
                self.order_terms(terms)
            }
            FunctionArgumentClause::Separator(separator) if name == "GROUP_CONCAT" => {
                self.sql.push(" SEPARATOR ");
                self.plain_text(&separator.value, "after SEPARATOR")
            }
            other => Err(Refusal::construct(&format!("`{}` in {name}", quoted(&other.to_string())))),
        }
    }
}

/// The name of a function to write. A quoted or qualified name would call a stored function.
fn function_name(shown: &str, parts: &[&sqlparser::ast::Ident]) -> Result<&'static str, Refusal> {
    let known = match parts {
        [ident] if ident.quote_style.is_none() => function_list::allowed(&ident.value),
        _ => None,
    };
    known.ok_or_else(|| {
        Refusal::new(format!(
            "must not call {}: a query may call the server's own functions that compute with aggregates, texts, dates, numbers, JSON \
             and windows",
            quoted(shown)
        ))
    })
}
