//! The loop that tries again what is due: it sleeps until the next dead letter is due or a nudge comes, looks, claims, and has what it
//! claimed delivered.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use futures::future::try_join_all;
use ig_core::clock::Timestamp;
use ig_core::id::{IntegrationId, LogId, OrgId};
use ig_core::matching::LaneKey;
use ig_core::ports::StoreError;
use ig_core::redelivery::{Candidate, ClaimId, Queued, lanes, pick, shares};
use ig_service::{Context, TaskKind};
use ig_store::KeptLetter;
use parking_lot::Mutex;
use tokio_util::sync::CancellationToken;

use crate::metrics;
use crate::nudge::Nudge;
use crate::retries::{Attempted, Retries};
use crate::room::{Place, Room, not_too_many_of_one};

/// How long to wait after the database did not answer.
const AFTER_ERROR: Duration = Duration::from_secs(1);
/// However many nudges come, it looks no more often than this.
const BETWEEN_LOOKS: Duration = Duration::from_millis(100);
/// The next one is looked for near by at first: the database visits all that lie in the span.
const NEAR: Duration = Duration::from_secs(2);

/// Tries again what is due.
pub(crate) struct Retrying {
    retries: Arc<Retries>,
    room: Room,
    nudge: Nudge,
    interval: Duration,
    context: Context,
    turn: Mutex<OrgId>,
}

/// What was claimed of one lane, in the order in which it is tried.
type Lane = Vec<(KeptLetter, Place)>;

impl Retrying {
    /// Puts the parts together.
    pub(crate) fn new(retries: Arc<Retries>, nudge: Nudge, interval: Duration, context: Context) -> Arc<Self> {
        Arc::new(Self {
            retries,
            room: Room::new(nudge.clone()),
            nudge,
            interval,
            context,
            turn: Mutex::new(OrgId(i64::MIN)),
        })
    }

    /// Looks and tries again until told to stop; `alive` is called each time round.
    pub(crate) async fn run(self: Arc<Self>, alive: impl Fn()) {
        let stop = self.stop().clone();
        while !stop.is_cancelled() {
            alive();
            self.retries.workers.present().await;
            match self.cycle().await {
                // Where there was something there may be more.
                Ok(true) => {}
                Ok(false) => {
                    let pause = self.until_due().await;
                    self.nudge.or_after(pause, &stop).await;
                    tokio::time::sleep(BETWEEN_LOOKS).await;
                }
                Err(error) => {
                    tracing::warn!(%error, "what is due cannot be looked at; trying again");
                    self.nudge.or_after(AFTER_ERROR, &stop).await;
                }
            }
        }
    }

    /// How long until the next one is due, or until it looks in any case.
    async fn until_due(&self) -> Duration {
        let now = self.retries.clock.now();
        let far = now + self.interval;
        let due = match self.next_due(now, (now + NEAR).min(far)).await {
            None => self.next_due(now + NEAR, far).await,
            near => near,
        };
        due.map_or(self.interval, |due| (due - now).to_std().unwrap_or_default())
    }

    async fn next_due(&self, after: Timestamp, until: Timestamp) -> Option<Timestamp> {
        let found = self.retries.letters.earliest(after, until).await;
        found.unwrap_or_else(|error| {
            tracing::warn!(%error, "when the next dead letter is due cannot be looked up; trying again");
            Some(after + AFTER_ERROR)
        })
    }

    fn stop(&self) -> &CancellationToken {
        self.context.stopping()
    }

    /// Claims a cycle's share of what is due and has it delivered; whether there was anything.
    async fn cycle(self: &Arc<Self>) -> Result<bool, StoreError> {
        let (letters, busy) = (&self.retries.letters, self.room.busy());
        let due = letters.due(self.retries.clock.now(), &busy).await?;
        metrics::due(due.values().sum());
        let (most, due) = self.room.fits(due);
        let shares = shares(&due, most, *self.turn.lock());
        self.pass_turn(&shares);
        let oldest = pick(self.oldest(&shares, &busy).await?, most);
        let claim = ClaimId::random(&mut rand::rng());
        let claimed = letters.claim_due(&oldest, &claim, self.retries.clock.now()).await?;
        let any = !claimed.is_empty();
        for lane in self.in_lanes(claimed) {
            let (this, claim) = (Arc::clone(self), claim.clone());
            self.context.spawn("retries of a lane", TaskKind::OneShot, async move {
                this.work_off(lane, claim).await;
            });
        }
        Ok(any)
    }

    /// Where there are more tenants than turns, those after the last one come next.
    fn pass_turn(&self, shares: &BTreeMap<OrgId, usize>) {
        let mut turn = self.turn.lock();
        let wrapped = shares.range(..*turn).next_back();
        if let Some((last, _)) = wrapped.or_else(|| shares.last_key_value()) {
            *turn = OrgId(last.0.saturating_add(1));
        }
    }

    async fn oldest(&self, shares: &BTreeMap<OrgId, usize>, busy: &[IntegrationId]) -> Result<Vec<Candidate>, StoreError> {
        let (letters, now) = (&self.retries.letters, self.retries.clock.now());
        let of_each = shares.iter().map(|(org, share)| letters.longest_due(*org, now, busy, *share));
        let of_each = try_join_all(of_each).await?;
        Ok(of_each.into_iter().flat_map(not_too_many_of_one).collect())
    }

    fn in_lanes(&self, claimed: Vec<KeptLetter>) -> Vec<Lane> {
        let order = lanes(claimed.iter().map(queued).collect());
        let mut by_id: HashMap<LogId, KeptLetter> = claimed.into_iter().map(|kept| (kept.letter.id, kept)).collect();
        let with_place = |kept: KeptLetter| {
            let place = self.room.take(kept.letter.org_id, kept.letter.integration.id);
            (kept, place)
        };
        order
            .into_iter()
            .map(|lane| lane.iter().filter_map(|id| by_id.remove(id)).map(with_place).collect())
            .collect()
    }

    /// Tries a lane's dead letters one after the other; what is left when no worker answers, or at the stop, is given back.
    async fn work_off(&self, lane: Lane, claim: ClaimId) {
        let ids: Vec<_> = lane.iter().map(|(kept, _)| kept.letter.id).collect();
        let mut goes_on = true;
        for (at, (letter, _place)) in lane.into_iter().enumerate() {
            goes_on = goes_on && !self.stop().is_cancelled();
            let done = if goes_on {
                self.retry(&letter, &claim, &ids[at..]).await
            } else {
                self.retries.release(&letter, &claim).await.map(|()| false)
            };
            goes_on = done.unwrap_or_else(|error| {
                // Its claim ends by itself, and then it is due again.
                tracing::warn!(%error, letter = %letter.letter.id, "what came of a retry could not be stored");
                true
            });
        }
        if !goes_on {
            self.nudge.wake();
        }
    }

    /// Tries one; whether a worker answered.
    async fn retry(&self, letter: &KeptLetter, claim: &ClaimId, held: &[LogId]) -> Result<bool, StoreError> {
        match self.retries.attempt(letter, claim, held).await? {
            Attempted::Answered(retried) => self.retries.settle(letter, claim, retried).await.map(|()| true),
            Attempted::Unanswered => self.retries.release(letter, claim).await.map(|()| false),
        }
    }
}

fn queued(kept: &KeptLetter) -> Queued {
    let letter = &kept.letter;
    Queued {
        id: letter.id,
        lane: LaneKey {
            org_id: letter.org_id,
            integration: letter.integration.id,
            entity_rid: letter.entity_rid,
            event_type: letter.event.event_type.clone(),
        },
        source: letter.event.source.clone(),
        position: letter.position,
        event: letter.event.id.clone(),
        action_index: letter.integration.action_index,
        created_at: letter.created_at,
    }
}
