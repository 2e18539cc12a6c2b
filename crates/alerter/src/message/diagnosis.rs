//! What an error means in plain words, and what to do next.

use ig_core::outcome::ErrorCategory;

use super::masking::MaskedText;

mod cause;

pub use cause::Cause;

/// What is known of an error, as logs and dead letters keep it.
#[derive(Debug, Clone, Copy)]
pub struct ObservedError<'a> {
    /// Its category.
    pub category: ErrorCategory,
    /// The status that the target answered with, if it answered.
    pub status: Option<u16>,
    /// Its text.
    pub text: &'a str,
}

/// What happened, in a sentence, and one next step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnosis {
    /// What happened.
    pub sentence: MaskedText,
    /// What to do next.
    pub next_step: MaskedText,
}

impl Diagnosis {
    /// The diagnosis of an error.
    pub fn of(error: &ObservedError<'_>) -> Self {
        Cause::of(error).into()
    }

    /// A diagnosis of trouble that is not an error of a target, such as a service that has stopped.
    pub fn stated(sentence: &str, next_step: &str) -> Self {
        Self {
            sentence: MaskedText::new(sentence),
            next_step: MaskedText::new(next_step),
        }
    }
}

impl From<Cause> for Diagnosis {
    fn from(cause: Cause) -> Self {
        let (sentence, next_step) = cause.words();
        Self {
            sentence: MaskedText::fixed(sentence),
            next_step: MaskedText::fixed(next_step),
        }
    }
}
