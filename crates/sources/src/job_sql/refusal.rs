//! Why the guard refuses a query.

use ig_core::fault::Faults;

/// The longest quotation from a query in a message, in characters.
const MAX_QUOTED_CHARS: usize = 80;

/// One reason to refuse a query, as a sentence about the query with the way to correct it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refusal(String);

/// The outcome of writing a part of a query.
pub(super) type Written = Result<(), Refusal>;

impl Refusal {
    pub(super) fn new(message: impl Into<String>) -> Self {
        Self(message.into())
    }

    /// Refuses a construct by name.
    pub(super) fn construct(what: &str) -> Self {
        Self(format!("must not use {what}"))
    }
}

impl From<Refusal> for Faults {
    fn from(Refusal(message): Refusal) -> Self {
        Self::single("/query", message)
    }
}

/// A part of a query for a message: cut, and without marks and control characters.
pub(super) fn quoted(text: &str) -> String {
    let shown = text.chars().map(|letter| match letter {
        '\u{e000}'..='\u{e001}' => '…',
        letter if letter.is_control() => ' ',
        letter => letter,
    });
    shown.take(MAX_QUOTED_CHARS).collect()
}

/// Refuses a construct where a condition does not hold.
pub(super) fn require(holds: bool, what: &str) -> Written {
    if holds { Ok(()) } else { Err(Refusal::construct(what)) }
}
