//! Fifty of many: in turn between tenants, the oldest first within one.

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
    /// Which one.
    pub id: LogId,
}

/// At most so many of these, in the order in which they are to be tried: each tenant's oldest, then each one's second, and so on.
/// Tenants take their turns in the order of their oldest.
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
    // Stable: within a round the oldest stays first.
    in_turn.sort_by_key(|(round, _)| *round);
    in_turn.into_iter().take(most).map(|(_, candidate)| candidate).collect()
}

/// How many each tenant may be given of so many in all, by how many it has due: for whoever reads them tenant by tenant.
///
/// Nobody gets less than another who could have shared: what one does not need goes to the others. Where there are more tenants than
/// turns, those before `turn` come later, so that a `turn` which rises from cycle to cycle serves all.
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
