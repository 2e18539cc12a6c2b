//! Partitions: how work is split between replicas.

use sha2::{Digest, Sha256};

use crate::id::{EventType, OrgId};

/// The number of partitions.
pub const PARTITIONS: u8 = 64;

/// One of the [`PARTITIONS`] shares of the work, from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PartitionId(u8);

impl PartitionId {
    /// The partition of an organisation's events of one type: one replica keeps the order within them.
    pub fn of(org: Option<OrgId>, event_type: &EventType) -> Self {
        let mut hash = Sha256::new();
        hash.update(org.map_or(0, |org| org.0).to_be_bytes());
        hash.update(event_type.as_str());
        Self(hash.finalize()[0] % PARTITIONS)
    }

    /// The partition with this number, if there is one.
    pub fn new(number: u8) -> Option<Self> {
        (number < PARTITIONS).then_some(Self(number))
    }

    /// Every partition, in order.
    pub fn all() -> impl Iterator<Item = Self> {
        (0..PARTITIONS).map(Self)
    }

    /// Its number, below [`PARTITIONS`].
    pub fn number(self) -> u8 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn partitions_are_used_about_evenly() {
        let mut used = [0u32; PARTITIONS as usize];
        for org in 0..640 {
            for kind in [
                "appointment-created",
                "lab-result",
                "patient-updated",
                "invoice-paid",
                "order",
            ] {
                used[PartitionId::of(Some(OrgId(org)), &EventType::new(kind)).0 as usize] += 1;
            }
        }
        assert!(used.iter().all(|&count| (20..=90).contains(&count)), "{used:?}");
    }
}
