//! The two parts of a pool.

/// A part of the pool with its own workers and its own queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Subpool {
    /// Runs the scripts of all tenants in good standing.
    Main,
    /// Runs the scripts of tenants whose script had to be stopped lately: one at a time, on a worker that yields the processor to
    /// everything else. The worker starts when it is first needed.
    Quarantine,
}

impl Subpool {
    pub(super) const ALL: [Self; 2] = [Self::Main, Self::Quarantine];

    /// How many times its limit a run may take by the clock while its worker is starved of processor time.
    pub(super) fn starvation_factor(self) -> u32 {
        match self {
            Self::Main => 4,
            Self::Quarantine => 8,
        }
    }
}
