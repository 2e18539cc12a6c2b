use chrono::{TimeDelta, TimeZone as _, Utc};
use proptest::prelude::*;
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};

use super::*;

fn at(ms: i64) -> Timestamp {
    Utc.timestamp_opt(1_700_000_000, 0).unwrap() + TimeDelta::milliseconds(ms)
}

/// Processes that share one stored window, and the times at which their requests were sent.
struct Simulation {
    limit: RateLimit,
    stored: Window,
    meters: Vec<Meter>,
    sent: Vec<i64>,
    leases: usize,
}

impl Simulation {
    fn new(max: u32, seconds: u64, processes: usize) -> Self {
        let limit = RateLimit::new(max, seconds).unwrap();
        Self {
            limit,
            stored: Window::default(),
            meters: vec![Meter::new(limit); processes],
            sent: Vec::new(),
            leases: 0,
        }
    }

    fn request(&mut self, process: usize, ms: i64) -> bool {
        loop {
            match self.meters[process].take(at(ms)) {
                TakeResult::Taken => {
                    self.sent.push(ms);
                    return true;
                }
                TakeResult::Full { until } => {
                    assert!(until > at(ms));
                    return false;
                }
                TakeResult::NeedsLease(request) => {
                    let (grant, next) = self.stored.lease(&self.limit, request, at(ms));
                    self.stored = next.unwrap_or_else(|| self.stored.clone());
                    self.leases += 1;
                    self.meters[process].granted(grant);
                }
            }
        }
    }

    fn restart(&mut self, process: usize) {
        self.meters[process] = Meter::new(self.limit);
    }

    /// The most requests in any span of one window.
    fn busiest(&self) -> usize {
        let window = i64::try_from(self.limit.window().as_millis()).unwrap();
        let within = |start: usize| self.sent[start..].partition_point(|ms| *ms < self.sent[start] + window);
        (0..self.sent.len()).map(within).max().unwrap_or(0)
    }
}

proptest! {
    #[test]
    fn no_window_exceeds_its_limit_however_many_processes_share_it(
        max in 1u32..300, seconds in 1u64..20, processes in 1usize..7, pause in 1i64..400, restarts in 0.0..0.02, seed: u64
    ) {
        let mut rng = StdRng::seed_from_u64(seed);
        let mut simulation = Simulation::new(max, seconds, processes);
        let mut ms = 0;
        for _ in 0..3000 {
            ms += rng.random_range(0..pause);
            let process = rng.random_range(0..processes);
            if rng.random_bool(restarts) { simulation.restart(process) }
            simulation.request(process, ms);
        }
        prop_assert!(simulation.busiest() <= max as usize, "{} of {max}", simulation.busiest());
    }

    #[test]
    fn a_rate_limit_under_load_is_used_to_at_least_95_percent(max in 1u32..300, seconds in 1u64..10, processes in 1usize..7, load in 1.3f64..20.0, seed: u64) {
        let mut rng = StdRng::seed_from_u64(seed);
        let mut simulation = Simulation::new(max, seconds, processes);
        let window = i64::try_from(seconds * 1000).unwrap();
        let (windows, step, mut owed) = (12, 7.0, 0.0);
        // Requests arrive at random, more of them than the limit allows; refused ones keep waiting, up to a window's worth.
        let expected = f64::from(max) * load * step / window as f64;
        for ms in (0..windows * window).step_by(7) {
            owed = f64::min(owed + expected * rng.random_range(0.0..2.0), f64::from(max));
            let begin = rng.random_range(0..processes);
            for process in (0..processes).map(|process| (begin + process) % processes) {
                while owed >= 1.0 && simulation.request(process, ms) {
                    owed -= 1.0;
                }
            }
        }
        // The first request may come late, which matters for a limit of one.
        let (used, allowed) = (simulation.sent.len() as f64 + 1.0, f64::from(max) * windows as f64);
        prop_assert!(used >= 0.95 * allowed, "{used} of {allowed}");
        prop_assert!(simulation.busiest() <= max as usize);
    }

    #[test]
    fn a_window_has_room_when_it_says_so_and_not_before(max in 1u32..50, seconds in 1u64..20, moments in prop::collection::vec(0i64..3000, 1..200)) {
        let mut simulation = Simulation::new(max, seconds, 1);
        let mut ms = 0;
        for pause in moments {
            ms += pause;
            let until = simulation.stored.wait_until(&simulation.limit, at(ms));
            let request = LeaseRequest { wanted: 1, unused: None };
            let granted = |now| simulation.stored.lease(&simulation.limit, request, now).0.requests;
            prop_assert_eq!(granted(until), 1);
            prop_assert!(until == at(ms) || granted(until - TimeDelta::milliseconds(1)) == 0);
            simulation.stored = simulation.stored.lease(&simulation.limit, request, at(ms)).1.unwrap_or(simulation.stored);
        }
    }
}

#[test]
fn a_busy_rate_limit_costs_few_round_trips() {
    let mut simulation = Simulation::new(6_000, 60, 2);
    for ms in 0..120_000 {
        simulation.request(usize::try_from(ms % 2).unwrap(), ms);
    }
    assert!(simulation.sent.len() > 11_400, "{}", simulation.sent.len());
    assert!(
        simulation.leases < 400,
        "{} leases for {} requests",
        simulation.leases,
        simulation.sent.len()
    );
}

#[test]
fn a_window_keeps_its_grants_when_its_length_changes() {
    let (short, long) = (RateLimit::new(10, 10).unwrap(), RateLimit::new(10, 20).unwrap());
    let request = |wanted| LeaseRequest { wanted, unused: None };
    let stored = Window::default().lease(&short, request(8), at(0)).1.unwrap();
    assert_eq!(stored.lease(&long, request(8), at(5_000)).0.requests, 2);
    assert_eq!(stored.lease(&long, request(8), at(11_000)).0.requests, 8);
}

#[test]
fn a_window_takes_a_lagging_clock_to_be_in_the_newest_slice() {
    let limit = RateLimit::new(10, 10).unwrap();
    let request = LeaseRequest { wanted: 5, unused: None };
    let stored = Window::default().lease(&limit, request, at(3_000)).1.unwrap();
    let (grant, next) = stored.lease(&limit, request, at(0));
    assert_eq!((grant.requests, grant.slice), (5, stored.newest));
    assert_eq!(next.unwrap().newest, stored.newest);
}

#[test]
fn faults_of_a_rate_limit_are_reported_by_place() {
    let faults = RateLimit::new(0, 0).unwrap_err();
    let places: Vec<_> = faults.list().iter().map(|fault| fault.pointer.as_str()).collect();
    assert_eq!(places, ["/maxRequests", "/windowSeconds"]);
}
