//! Parses a query within bounds, so that the guard itself cannot be overloaded.

use std::thread;

use sqlparser::ast::{Query, Statement};
use sqlparser::dialect::MySqlDialect;
use sqlparser::keywords::Keyword;
use sqlparser::parser::{Parser, ParserError};
use sqlparser::tokenizer::{Token, TokenWithSpan, Tokenizer, Word};

use super::refusal::{Refusal, quoted};

/// The longest query, in bytes.
const MAX_BYTES: usize = 64 * 1024;
/// The most tokens, and therefore nodes, of a query.
const MAX_TOKENS: usize = 20_000;
/// The most keywords and operators. A chain such as `1 + 1 + …` nests once per operator, whatever the parser's own limit.
const MAX_OPERATORS: usize = 2_500;
/// How deep parentheses, subqueries and expressions may nest, as the parser counts.
const MAX_DEPTH: usize = 100;
/// The stack of the checking thread. [`MAX_DEPTH`] and [`MAX_OPERATORS`] fit in with room to spare, also without optimisation; pages that
/// are not touched cost nothing.
const STACK_BYTES: usize = 256 * 1024 * 1024;
/// Comments whose content a server executes or obeys. The parser takes some for comments and others for text.
const EXECUTABLE_COMMENTS: [&str; 4] = ["/*!", "/*M!", "/*m!", "/*+"];

/// Parses one query and passes it to `check`. Both run on a thread with a large stack, since a tree is walked and dropped recursively.
pub(super) fn with_parsed<T: Send>(sql: &str, check: impl FnOnce(&Query) -> Result<T, Refusal> + Send) -> Result<T, Refusal> {
    let run = || parse(sql).and_then(|query| check(&query));
    thread::scope(|scope| {
        let thread = thread::Builder::new()
            .name("sql-guard".to_owned())
            .stack_size(STACK_BYTES)
            .spawn_scoped(scope, run);
        let thread = thread.map_err(|_| Refusal::new("could not be checked, since the process has no thread left: try again"))?;
        let checked = thread.join();
        checked.unwrap_or_else(|_| Err(Refusal::new("could not be read: write it in a simpler way")))
    })
}

/// Parses one query. Call it on a thread with a large stack.
pub(super) fn parse(sql: &str) -> Result<Box<Query>, Refusal> {
    if sql.len() > MAX_BYTES {
        return Err(Refusal::new(format!("must be at most {MAX_BYTES} bytes")));
    }
    check_comments(sql)?;
    let tokens = Tokenizer::new(&MySqlDialect {}, sql).tokenize_with_location();
    let tokens = tokens.map_err(|error| unreadable(&error.to_string()))?;
    check_size(&tokens)?;
    let mut parser = Parser::new(&MySqlDialect {})
        .with_recursion_limit(MAX_DEPTH)
        .with_tokens_with_locations(tokens);
    let statements = parser.parse_statements().map_err(|error| match error {
        ParserError::RecursionLimitExceeded => Refusal::new("nests too deep: use fewer levels of parentheses and subqueries"),
        ParserError::TokenizerError(message) | ParserError::ParserError(message) => unreadable(&message),
    })?;
    only_query(statements)
}

fn unreadable(message: &str) -> Refusal {
    Refusal::new(format!("is not SQL that can be checked: {}", quoted(message)))
}

/// Refuses them wherever they stand, even in quotes: where a quotation ends is a matter on which servers and parsers differ.
fn check_comments(sql: &str) -> Result<(), Refusal> {
    match EXECUTABLE_COMMENTS.iter().find(|comment| sql.contains(**comment)) {
        None => Ok(()),
        Some(comment) => Err(Refusal::new(format!(
            "must not contain {comment}: remove comments that a server executes, and optimizer hints"
        ))),
    }
}

fn check_size(tokens: &[TokenWithSpan]) -> Result<(), Refusal> {
    let meaningful = || tokens.iter().filter(|token| !matches!(token.token, Token::Whitespace(_)));
    if meaningful().count() > MAX_TOKENS {
        return Err(Refusal::new(format!("must have at most {MAX_TOKENS} words and signs")));
    }
    if meaningful().filter(|token| may_nest(&token.token)).count() > MAX_OPERATORS {
        return Err(Refusal::new(format!(
            "must have at most {MAX_OPERATORS} keywords and operators"
        )));
    }
    Ok(())
}

/// Whether a token may lead to one more level of the tree without the parser counting it. Names, literals, commas and points do not.
fn may_nest(token: &Token) -> bool {
    match token {
        Token::Word(Word { keyword, .. }) => *keyword != Keyword::NoKeyword,
        Token::Number(..)
        | Token::SingleQuotedString(_)
        | Token::DoubleQuotedString(_)
        | Token::Comma
        | Token::Period
        | Token::LParen
        | Token::RParen => false,
        _ => true,
    }
}

fn only_query(statements: Vec<Statement>) -> Result<Box<Query>, Refusal> {
    let mut statements = statements.into_iter();
    match (statements.next(), statements.next()) {
        (Some(Statement::Query(query)), None) => Ok(query),
        (Some(_), Some(_)) => Err(Refusal::new(
            "must be a single statement, without another one behind a semicolon",
        )),
        (Some(_) | None, _) => Err(Refusal::new("must be one SELECT statement")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(sql: &str) -> Result<(), Refusal> {
        with_parsed(sql, |_| Ok(()))
    }

    #[test]
    fn bounded_parser_takes_one_query_alone() {
        assert!(outcome("SELECT 1;").is_ok());
        for sql in [
            "",
            ";",
            "SELECT 1; SELECT 2",
            "SELECT 1;; DROP TABLE t",
            "DELETE FROM t",
            "SELECT 1 SELECT 2",
        ] {
            assert!(outcome(sql).is_err(), "{sql}");
        }
    }

    #[test]
    fn bounded_parser_refuses_what_is_too_long_or_too_deep() {
        let chain = |operator: &str, times: usize| format!("SELECT 1{}", format!("{operator}1").repeat(times));
        assert!(outcome(&chain("+", 2_400)).is_ok());
        assert!(outcome(&chain(" OR ", 2_400)).is_ok());
        let nested = |open: &str, close: &str, times: usize| format!("SELECT {}1{}", open.repeat(times), close.repeat(times));
        assert!(outcome(&nested("(", ")", 20)).is_ok());
        for hostile in [
            chain("+", 30_000),
            chain(" UNION SELECT ", 4_000),
            nested("(", ")", 10_000),
            nested("(SELECT ", ")", 5_000),
            nested("-", "", 30_000),
            nested("NOT ", "", 15_000),
            nested("COALESCE(", ")", 5_000),
            nested("CASE WHEN ", " THEN 1 END", 2_000),
            nested("IF(current_time(", ")", 3_000),
            nested("BINARY ", "", 2_000),
            nested("INTERVAL ", "", 2_000),
            format!("SELECT * FROM {}", "(".repeat(30_000)),
            format!("SELECT * FROM {}t{}", "(".repeat(90), ")".repeat(90)),
            format!("SELECT '{}'", "x".repeat(70_000)),
            format!("SELECT {}", "1,".repeat(30_000)),
            format!("SELECT a{}", " IS NULL".repeat(5_000)),
            format!("SELECT a{}", "[1]".repeat(5_000)),
        ] {
            assert!(outcome(&hostile).is_err(), "{}", &hostile[..60]);
        }
    }
}
