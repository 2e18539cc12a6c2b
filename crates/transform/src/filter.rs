//! Compiled declarative filters.

use ig_core::condition::{FieldTest, Filter};
use ig_core::fault::Faults;
use serde_json::Value;

use crate::path::Source;

mod compare;
mod test;

use test::Test;

/// The most regular expressions in one filter; each may take 256 KiB.
const MAX_REGEXES: usize = 20;

/// A compiled filter; it takes time linear in the payload.
#[derive(Debug, Clone)]
pub struct CompiledFilter(Node);

#[derive(Debug, Clone)]
enum Node {
    And(Vec<Node>),
    Or(Vec<Node>),
    Not(Box<Node>),
    Field { source: Source, test: Test },
}

impl CompiledFilter {
    /// Compiles a filter; faults carry JSON pointers into the filter as [`Filter::to_json`] writes it.
    pub fn compile(filter: &Filter) -> Result<Self, Faults> {
        if count_regexes(filter) > MAX_REGEXES {
            return Err(Faults::single(
                "",
                format!("must have at most {MAX_REGEXES} regular expressions"),
            ));
        }
        Node::compile(filter).map(Self)
    }

    /// Whether a payload passes.
    pub fn matches(&self, payload: &Value) -> bool {
        self.0.matches(payload)
    }
}

impl Node {
    fn compile(filter: &Filter) -> Result<Self, Faults> {
        match filter {
            Filter::And(filters) => {
                let prefix = Filter::one_field(filters).map_or("/and", |_| "");
                Self::all(filters, prefix).map(Self::And)
            }
            Filter::Or(filters) => Self::all(filters, "/or").map(Self::Or),
            Filter::Not(inner) => match Self::compile(inner) {
                Ok(inner) => Ok(Self::Not(Box::new(inner))),
                Err(found) => Err(with_prefix("/not", found)),
            },
            Filter::Field {
                path,
                test: FieldTest::Exists(false),
            } => Ok(Self::Not(Box::new(Self::field(path, &FieldTest::Exists(true))?))),
            Filter::Field { path, test } => Self::field(path, test),
        }
    }

    fn field(path: &str, test: &FieldTest) -> Result<Self, Faults> {
        let mut faults = Faults::default();
        let source = Source::field(path).map_err(|message| faults.add("/field", message));
        let compiled = Test::compile(test).map_err(|message| faults.add(format!("/{}", test.name()), message));
        match (source, compiled) {
            (Ok(source), Ok(compiled)) => Ok(Self::Field { source, test: compiled }),
            _ => Err(faults),
        }
    }

    /// Compiles a list of filters; the prefix is empty for tests that share one object.
    fn all(filters: &[Filter], prefix: &str) -> Result<Vec<Self>, Faults> {
        let mut faults = Faults::default();
        let mut nodes = Vec::with_capacity(filters.len());
        for (index, filter) in filters.iter().enumerate() {
            match Self::compile(filter) {
                Ok(node) => nodes.push(node),
                Err(found) if prefix.is_empty() => faults.add_below("", found),
                Err(found) => faults.add_below(&format!("{prefix}/{index}"), found),
            }
        }
        faults.into_result(nodes)
    }

    fn matches(&self, payload: &Value) -> bool {
        match self {
            Self::And(nodes) => nodes.iter().all(|node| node.matches(payload)),
            Self::Or(nodes) => nodes.iter().any(|node| node.matches(payload)),
            Self::Not(node) => !node.matches(payload),
            Self::Field { source, test } => source.any(payload, &|value| test.passes(value)),
        }
    }
}

fn with_prefix(prefix: &str, found: Faults) -> Faults {
    let mut faults = Faults::default();
    faults.add_below(prefix, found);
    faults
}

fn count_regexes(filter: &Filter) -> usize {
    match filter {
        Filter::And(filters) | Filter::Or(filters) => filters.iter().map(count_regexes).sum(),
        Filter::Not(inner) => count_regexes(inner),
        Filter::Field { test, .. } => usize::from(matches!(test, FieldTest::Regex(_))),
    }
}
