//! Why a payload could not be given its shape.

/// A rule that could not be applied to a payload; applying it again would fail again.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{rule} ({path}): {message}")]
pub struct MappingError {
    /// JSON pointer to the rule, such as `/fieldMappings/0`.
    pub rule: String,
    /// The path at which it failed, as the rule writes it.
    pub path: String,
    /// What happened, in a sentence a tenant may read; it quotes nothing of the payload.
    pub message: String,
}
