//! Fair selection: round-robin between tenants, the oldest first within each.

use std::collections::{BTreeMap, HashMap};

use crate::clock::Timestamp;
use crate::id::{LogId, OrgId};

/// A dead letter that is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Candidate {
    /// The tenant.
    pub org_id: OrgId,
    /// When it was due.
    pub due_at: Timestamp,
    /// Its identifier.
    pub id: LogId,
}

/// The first `most` of these in the order of their retries: each tenant's oldest, then each one's second, and so on. Tenants
/// take turns in the order of their oldest.
pub fn pick(mut due: Vec<Candidate>, most: usize) -> Vec<Candidate> {
    due.sort_by_key(|candidate| (candidate.due_at, candidate.id));
    let mut rounds: HashMap<OrgId, usize> = HashMap::new();
    let mut in_turn: Vec<_> = due
        .into_iter()
        .map(|candidate| {
            let round = rounds.entry(candidate.org_id).or_default();
            *round += 1;
            (*round, candidate)
        })
        .collect();
    // The sort is stable: within a round the oldest stays first.
    in_turn.sort_by_key(|(round, _)| *round);
    in_turn.into_iter().take(most).map(|(_, candidate)| candidate).collect()
}

/// Splits a total of `most` between tenants by how many each has due, for a caller that reads them tenant by tenant.
///
/// The split is max-min fair: what one tenant does not need goes to the others. With more tenants than places, tenants before
/// `turn` come last, so a `turn` that rises from cycle to cycle serves all.
pub fn shares(due: &BTreeMap<OrgId, usize>, most: usize, turn: OrgId) -> BTreeMap<OrgId, usize> {
    let in_turn: Vec<_> = due.range(turn..).chain(due.range(..turn)).collect();
    let mut shares: BTreeMap<OrgId, usize> = BTreeMap::new();
    let mut left = most;
    while left > 0 {
        let before = left;
        for (org, count) in &in_turn {
            let share = shares.entry(**org).or_default();
            if left > 0 && *share < **count {
                *share += 1;
                left -= 1;
            }
        }
        if left == before {
            break;
        }
    }
    shares.retain(|_, share| *share > 0);
    shares
}
