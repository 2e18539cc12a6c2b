//! Reads the written text once more: it must name exactly the relations that the guard wrote.
//!
//! The guard's own law does not need this. It is a second lock, should a name or literal ever leave its quotes.

use std::ops::ControlFlow;

use sqlparser::ast::{ObjectName, ObjectNamePart, visit_relations};
use sqlparser::dialect::MySqlDialect;
use sqlparser::parser::Parser;

use super::refusal::{Refusal, Written};

/// How deep the written text may nest; each tenant's table adds a level to the author's.
const MAX_DEPTH: usize = 300;

/// Checks the text of a bound query. Call it on a thread with a large stack.
pub(super) fn check(sql: &str, written: &[Vec<String>]) -> Written {
    let unreadable = || Refusal::new("could not be written safely: write it in a simpler way");
    let parsed = Parser::new(&MySqlDialect {})
        .with_recursion_limit(MAX_DEPTH)
        .try_with_sql(sql);
    let statements = parsed
        .and_then(|mut parser| parser.parse_statements())
        .map_err(|_| unreadable())?;
    let mut read = Vec::new();
    let _: ControlFlow<()> = visit_relations(&statements, |relation| {
        read.push(names(relation));
        ControlFlow::Continue(())
    });
    let mut written: Vec<_> = written.iter().map(|parts| Some(parts.clone())).collect();
    read.sort();
    written.sort();
    if statements.len() == 1 && read == written {
        Ok(())
    } else {
        Err(unreadable())
    }
}

/// The parts of a quoted name; `None` if it is not one.
fn names(ObjectName(parts): &ObjectName) -> Option<Vec<String>> {
    let name = |part: &ObjectNamePart| match part {
        ObjectNamePart::Identifier(ident) if ident.quote_style == Some('`') => Some(ident.value.clone()),
        ObjectNamePart::Identifier(_) | ObjectNamePart::Function(_) => None,
    };
    parts.iter().map(name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn second_reading_finds_a_relation_that_was_not_written() {
        let written = [vec!["d".to_owned(), "a".to_owned()]];
        assert!(check("SELECT * FROM (SELECT `x`.* FROM `d`.`a` AS `x`) AS `a`", &written).is_ok());
        for sql in [
            "SELECT * FROM `d`.`a`, `d`.`b`",
            "SELECT (SELECT 1 FROM `b`) FROM `d`.`a`",
            "SELECT * FROM d.a",
            "SELECT 1",
            "SELECT * FROM `d`.`a`; SELECT 1",
            "SELECT '",
        ] {
            assert!(check(sql, &written).is_err(), "{sql}");
        }
    }
}
