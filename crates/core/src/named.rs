//! Enums whose values have fixed names in documents, tables and the API.

/// A value with a fixed name.
pub trait Named: Copy + 'static {
    /// Every value.
    fn all() -> &'static [Self];

    /// Its name.
    fn name(self) -> &'static str;
}
