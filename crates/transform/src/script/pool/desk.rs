//! Idle workers, and calls that wait for one.

use std::sync::Arc;

use tokio::sync::oneshot;

use super::PoolState;
use super::breaker::Breaker;
use super::lease::Lease;
use super::party::Party;
use super::room::Room;
use super::turns::Turns;
use super::worker::Worker;

/// The desk of all rooms.
pub(super) struct Desk {
    common: Queue,
    apart: Queue,
    /// Whether a worker was asked for that stands apart.
    staffed: bool,
    /// The process ids of workers that were not given up.
    alive: Vec<u32>,
}

/// What stands and waits in one room.
struct Queue {
    idle: Vec<Worker>,
    turns: Turns<Waiter>,
}

/// A call that waits. Dropped, it is told that no worker will come.
pub(super) struct Waiter {
    pub(super) script: Arc<str>,
    pub(super) lease: oneshot::Sender<Lease>,
}

/// A worker that was taken for a call.
pub(super) struct Taken {
    pub(super) party: Party,
    pub(super) worker: Worker,
    /// Whether the script was known to end.
    pub(super) proven: bool,
}

impl Desk {
    pub(super) fn new(workers: usize) -> Self {
        Self {
            common: Queue::new(workers),
            apart: Queue::new(1),
            staffed: false,
            alive: Vec::new(),
        }
    }

    pub(super) fn state(&self) -> PoolState {
        let [common, apart] = [&self.common, &self.apart];
        PoolState {
            alive: self.alive.len(),
            idle: common.idle.len() + apart.idle.len(),
            waiting: common.turns.waiting() + apart.turns.waiting(),
        }
    }

    /// The process ids of workers that were not given up.
    pub(super) fn alive(&self) -> Vec<u32> {
        self.alive.clone()
    }

    /// A worker was started.
    pub(super) fn arrived(&mut self, worker: Worker) {
        self.alive.push(worker.id());
        self.stand(worker);
    }

    /// A worker is to be replaced.
    pub(super) fn give_up(&mut self, worker: &Worker) {
        self.alive.retain(|id| *id != worker.id());
    }

    /// Takes out the idle workers that have died.
    pub(super) fn take_dead(&mut self) -> Vec<Worker> {
        let mut dead = Vec::new();
        for room in Room::ALL {
            dead.extend(self.queue(room).idle.extract_if(.., |worker| !worker.is_waiting()));
        }
        for worker in &dead {
            self.give_up(worker);
        }
        dead
    }

    /// A worker for a call, if one is idle and the call may have it.
    pub(super) fn take(&mut self, party: Party, script: &Arc<str>, room: Room, breaker: &Breaker) -> Option<Taken> {
        let proven = breaker.is_proven(script);
        let queue = self.queue(room);
        if !queue.turns.may_start(party, proven) {
            return None;
        }
        queue.start(party, script, proven)
    }

    /// A call waits until its turn comes.
    pub(super) fn wait(&mut self, party: Party, room: Room, waiter: Waiter) {
        self.queue(room).turns.wait(party, waiter);
    }

    /// The call whose turn it is in a room, and its worker.
    pub(super) fn next(&mut self, room: Room, breaker: &Breaker) -> Option<(Waiter, Taken)> {
        let queue = self.queue(room);
        while !queue.idle.is_empty() {
            let (party, waiter) = queue.turns.next(|waiter| breaker.is_proven(&waiter.script))?;
            if waiter.lease.is_closed() {
                continue;
            }
            let taken = queue.start(party, &waiter.script, breaker.is_proven(&waiter.script))?;
            return Some((waiter, taken));
        }
        None
    }

    /// A call has ended; its worker is there again, unless it is to be replaced.
    pub(super) fn ended(&mut self, party: Party, room: Room, proven: bool, worker: Option<Worker>) {
        self.queue(room).turns.ended(party, proven);
        if let Some(worker) = worker {
            self.stand(worker);
        }
    }

    /// A tenant's waiting calls wait apart from now on; true when there is nobody there yet to serve them.
    pub(super) fn set_apart(&mut self, party: Party) -> bool {
        for waiter in self.common.turns.leave(party, |_| true) {
            self.apart.turns.wait(party, waiter);
        }
        !std::mem::replace(&mut self.staffed, true)
    }

    /// Takes out the calls that wait for a script.
    pub(super) fn dismiss(&mut self, party: Party, script: &Arc<str>) -> Vec<Waiter> {
        let queues = [&mut self.common, &mut self.apart].into_iter();
        queues
            .flat_map(|queue| queue.turns.leave(party, |waiter| waiter.script == *script))
            .collect()
    }

    fn stand(&mut self, worker: Worker) {
        self.queue(worker.room()).idle.push(worker);
    }

    fn queue(&mut self, room: Room) -> &mut Queue {
        match room {
            Room::Common => &mut self.common,
            Room::Apart => &mut self.apart,
        }
    }
}

impl Queue {
    fn new(workers: usize) -> Self {
        let (idle, turns) = (Vec::new(), Turns::new(workers));
        Self { idle, turns }
    }

    fn start(&mut self, party: Party, script: &Arc<str>, proven: bool) -> Option<Taken> {
        let worker = self.pick(script)?;
        self.turns.started(party, proven);
        Some(Taken { party, worker, proven })
    }

    /// The best idle worker for a script: one that has it ready, else the one with the fewest.
    fn pick(&mut self, script: &Arc<str>) -> Option<Worker> {
        let ready = self.idle.iter().position(|worker| worker.has(script));
        let fewest = || (0..self.idle.len()).min_by_key(|index| self.idle[*index].scripts());
        let index = ready.or_else(fewest)?;
        Some(self.idle.swap_remove(index))
    }
}
