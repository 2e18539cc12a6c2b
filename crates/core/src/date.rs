//! Dates as systems and people write them: one parser for mappings, scripts, schedules and jobs.
//!
//! [`Forms`] says which forms are accepted; a [`Moment`] is the result, and becomes an instant once the zone is known. Nothing
//! is guessed. An ambiguous value is [`DateError`], with the reason; digits that look like a calendar date (`20260204`) are one,
//! also as a number.

mod cursor;
mod forms;
mod moment;
mod number;
mod pattern;
#[cfg(test)]
mod tests;
mod tokens;
mod usual;
mod wall;

pub use forms::Forms;
pub use moment::Moment;
pub use pattern::Pattern;
pub use wall::instant;

/// Why a value could not be read as a date.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DateError {
    /// It is not a date at all.
    #[error("the value is not a date")]
    NotADate,
    /// `04/02/2026`: the form does not say which of the two is the month.
    #[error("the date does not say whether its day or its month comes first")]
    DayOrMonth,
    /// `4-Feb-26`: the form does not say which century.
    #[error("the date's year has two digits")]
    TwoDigitYear,
    /// `202602041400`: a date and a time, or milliseconds.
    #[error("twelve digits may be milliseconds or a date with a time")]
    TwelveDigits,
    /// `1957` or `195704`: a year or a month, or seconds.
    #[error("so few digits may be a year, a month or seconds")]
    FewDigits,
}
