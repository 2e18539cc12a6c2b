//! Fair selection: round-robin between tenants, the oldest first within each.

use std::collections::{BTreeMap, HashMap};

use crate::clock::Timestamp;
use crate::id::{LogId, OrgId};

/// A dead letter that is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DueDeadLetter {
    /// The tenant.
    pub org_id: OrgId,
    /// When it was due.
    pub due_at: Timestamp,
    /// Its identifier.
    pub id: LogId,
}

/// The first `limit` of these in the order of their retries: each tenant's oldest, then each one's second, and so on. Tenants
/// take turns in the order of their oldest.
pub fn pick_round_robin(mut due: Vec<DueDeadLetter>, limit: usize) -> Vec<DueDeadLetter> {
    due.sort_by_key(|letter| (letter.due_at, letter.id));
    let mut rounds: HashMap<OrgId, usize> = HashMap::new();
    let mut in_turn: Vec<_> = due
        .into_iter()
        .map(|letter| {
            let round = rounds.entry(letter.org_id).or_default();
            *round += 1;
            (*round, letter)
        })
        .collect();
    // The sort is stable: within a round the oldest stays first.
    in_turn.sort_by_key(|(round, _)| *round);
    in_turn.into_iter().take(limit).map(|(_, letter)| letter).collect()
}

/// Splits a total of `limit` between tenants by how many each has due, for a caller that reads them tenant by tenant.
///
/// The split is max-min fair: what one tenant does not need goes to the others. With more tenants than places, tenants before
/// `first` come last, so a `first` that rises from cycle to cycle serves all.
pub fn split_by_org(due: &BTreeMap<OrgId, usize>, limit: usize, first: OrgId) -> BTreeMap<OrgId, usize> {
    let in_turn: Vec<_> = due.range(first..).chain(due.range(..first)).collect();
    let mut shares: BTreeMap<OrgId, usize> = BTreeMap::new();
    let mut left = limit;
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
