//! The error of an invalid message, which names the field.

use ig_core::fault::Faults;
use ig_core::id::NotAnObjectId;
use ig_core::message::NotAMessageId;

/// A message is invalid: which field, and what would be valid.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {problem}")]
pub struct InvalidMessage {
    field: String,
    problem: String,
}

impl InvalidMessage {
    /// An error about the value itself; [`Within::within`] adds the path to it.
    pub(crate) fn value(problem: impl Into<String>) -> Self {
        Self {
            field: String::new(),
            problem: problem.into(),
        }
    }

    /// Dotted path to the field, such as `put_integration.target.url`.
    pub fn field(&self) -> &str {
        &self.field
    }

    /// What is wrong, and what would be valid.
    pub fn problem(&self) -> &str {
        &self.problem
    }

    fn below(mut self, field: &str) -> Self {
        self.field = if self.field.is_empty() {
            field.to_owned()
        } else {
            format!("{field}.{}", self.field)
        };
        self
    }
}

impl From<Faults> for InvalidMessage {
    fn from(faults: Faults) -> Self {
        let problems: Vec<_> = faults.list().iter().map(|fault| fault.message.as_str()).collect();
        Self::value(problems.join("; "))
    }
}

impl From<NotAnObjectId> for InvalidMessage {
    fn from(error: NotAnObjectId) -> Self {
        Self::value(error.to_string())
    }
}

impl From<NotAMessageId> for InvalidMessage {
    fn from(error: NotAMessageId) -> Self {
        Self::value(error.to_string())
    }
}

/// Adds the field to the error of a conversion.
pub(crate) trait Within<T> {
    fn within(self, field: &str) -> Result<T, InvalidMessage>;
}

impl<T, E: Into<InvalidMessage>> Within<T> for Result<T, E> {
    fn within(self, field: &str) -> Result<T, InvalidMessage> {
        self.map_err(|error| error.into().below(field))
    }
}

/// Converts a required part.
pub(crate) fn required<W, T>(part: Option<W>, field: &str) -> Result<T, InvalidMessage>
where
    T: TryFrom<W, Error = InvalidMessage>,
{
    part.ok_or_else(|| InvalidMessage::value("must be given"))
        .and_then(T::try_from)
        .within(field)
}

/// Converts an optional part.
pub(crate) fn optional<W, T>(part: Option<W>, field: &str) -> Result<Option<T>, InvalidMessage>
where
    T: TryFrom<W, Error = InvalidMessage>,
{
    part.map(T::try_from).transpose().within(field)
}

/// Converts every item of a list; an error names the item's index.
pub(crate) fn all<W, T>(items: Vec<W>, field: &str) -> Result<Vec<T>, InvalidMessage>
where
    T: TryFrom<W, Error = InvalidMessage>,
{
    let numbered = items.into_iter().enumerate();
    numbered
        .map(|(at, item)| T::try_from(item).within(&format!("{field}[{at}]")))
        .collect()
}
