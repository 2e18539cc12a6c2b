//! What kind of error an answer is, told once and mapped once for each protocol.

/// The kind of an error, as far as a caller can act on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// What was sent is not understood; sending it again will not help.
    Invalid,
    /// The caller did not prove who it is.
    Unauthenticated,
    /// The caller may not do this.
    Forbidden,
    /// It does not exist, or belongs to somebody else.
    NotFound,
    /// Something of this name or id exists already and differs.
    Conflict,
    /// It changed since the caller read it.
    Stale,
    /// It is larger than the limit.
    TooLarge,
    /// The caller is to slow down.
    RateLimited,
    /// Something needed is away; trying again later may succeed.
    Unavailable,
    /// It took longer than the caller had time for.
    TimedOut,
    /// This is not served here.
    NotServed,
    /// A fault of ours.
    Internal,
}

impl ErrorKind {
    /// Every kind, for tables.
    pub const ALL: &'static [Self] = &[
        Self::Invalid,
        Self::Unauthenticated,
        Self::Forbidden,
        Self::NotFound,
        Self::Conflict,
        Self::Stale,
        Self::TooLarge,
        Self::RateLimited,
        Self::Unavailable,
        Self::TimedOut,
        Self::NotServed,
        Self::Internal,
    ];
}
