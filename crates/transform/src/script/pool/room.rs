//! Where a worker stands.

/// A place with workers of its own, and a queue of its own before them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Room {
    /// Where scripts run.
    Common,
    /// Where the scripts of those tenants run of whose scripts one had to be stopped lately: one at a time, on a worker that yields
    /// the processor to everything else. It gets its worker when it is needed first.
    Apart,
}

impl Room {
    /// All there are.
    pub(super) const ALL: [Self; 2] = [Self::Common, Self::Apart];

    /// How many times its limit a run may take by the clock whose worker did not get a processor for the limit.
    pub(super) fn starved(self) -> u32 {
        match self {
            Self::Common => 4,
            Self::Apart => 8,
        }
    }
}
