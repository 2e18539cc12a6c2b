//! Error kinds: classified once, and mapped once for each protocol.

/// The kind of an error, as far as a caller can act on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// The input is not understood; sending it again will not help.
    Invalid,
    /// The caller did not prove who it is.
    Unauthenticated,
    /// The caller may not do this.
    Forbidden,
    /// It does not exist, or belongs to another tenant.
    NotFound,
    /// Something with this name or id already exists and differs.
    Conflict,
    /// It changed since the caller read it.
    Stale,
    /// It is larger than the limit.
    TooLarge,
    /// The caller has to slow down.
    RateLimited,
    /// A dependency is unavailable; a later retry may succeed.
    Unavailable,
    /// It took longer than the caller's deadline.
    TimedOut,
    /// This operation is not served here.
    NotServed,
    /// An internal error.
    Internal,
}

impl ErrorKind {
    /// Every kind.
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
