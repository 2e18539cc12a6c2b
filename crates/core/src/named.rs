//! Sets of values that documents, tables and the API call by fixed names.

/// A value of such a set.
pub trait Named: Copy + 'static {
    /// Every value.
    fn all() -> &'static [Self];

    /// What it is called.
    fn name(self) -> &'static str;
}
