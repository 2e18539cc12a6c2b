//! Choosing the member of a deployment that is read from.

use std::collections::VecDeque;
use std::time::Duration;

use ig_core::job::FetchError;
use tokio::time::{Instant, timeout};

use super::connection::{Deployment, MAX_HOSTS};
use super::dialer::Dialer;
use super::hello::{self, Answer, Role};
use super::host::Host;

/// Finds a secondary, or else a primary, or a server of its own. Each host gets an equal share of the time that is left.
///
/// A host of the connection string that the guard refuses ends the search. One that a member names is only left out: its
/// replica set may use private names that its other members can do without.
pub(super) async fn find(deployment: &Deployment, dialer: &Dialer<'_>, limit: Duration) -> Result<Host, FetchError> {
    let until = Instant::now() + limit;
    for seed in &deployment.seeds {
        dialer.judge(seed).await?;
    }
    let mut search = Search::new(deployment);
    while let Some(host) = search.candidates.pop_front() {
        let share = search.share(until);
        let asked = timeout(share, hello::ask(dialer, &host)).await;
        let answer = asked.unwrap_or_else(|_| Err(FetchError::Unavailable(format!("{host} does not answer."))));
        if let Some(found) = search.note(host, answer) {
            return Ok(found);
        }
    }
    search.primary.ok_or(search.failure)
}

struct Search<'a> {
    replica_set: Option<&'a str>,
    is_direct: bool,
    candidates: VecDeque<Host>,
    seen: Vec<Host>,
    primary: Option<Host>,
    failure: FetchError,
}

impl<'a> Search<'a> {
    fn new(deployment: &'a Deployment) -> Self {
        let mut search = Self {
            replica_set: deployment.replica_set.as_deref(),
            is_direct: deployment.is_direct,
            candidates: VecDeque::new(),
            seen: Vec::new(),
            primary: None,
            failure: FetchError::Unavailable("The connection string leads to no host.".to_owned()),
        };
        search.add(deployment.seeds.iter().cloned());
        search
    }

    /// Adds hosts that are new; a hostile server may name any number.
    fn add(&mut self, hosts: impl IntoIterator<Item = Host>) {
        for host in hosts {
            if self.seen.len() < MAX_HOSTS && !self.seen.contains(&host) {
                self.seen.push(host.clone());
                self.candidates.push_back(host);
            }
        }
    }

    /// Half of the time that is left is kept for what the host's answer may bring.
    fn share(&self, until: Instant) -> Duration {
        let left = until.saturating_duration_since(Instant::now());
        let waiting = u32::try_from(self.candidates.len()).unwrap_or(u32::MAX);
        left / waiting.saturating_add(2)
    }

    /// Notes an answer; returns the host if it is the one to read from.
    fn note(&mut self, host: Host, answer: Result<Answer, FetchError>) -> Option<Host> {
        let answer = match answer {
            Ok(answer) => answer,
            Err(failure) => {
                self.failure = failure;
                return None;
            }
        };
        if let Some(expected) = self
            .replica_set
            .filter(|expected| answer.replica_set.as_deref() != Some(*expected))
        {
            self.failure = FetchError::Refused(format!("{host} is no member of the replica set {expected}."));
            return None;
        }
        match answer.role {
            Role::Alone | Role::Secondary => return Some(host),
            Role::Primary => self.primary = Some(host),
            Role::Without => self.failure = FetchError::Unavailable(format!("{host} is a member without data.")),
        }
        if !self.is_direct {
            self.add(answer.members);
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(text: &str) -> Host {
        Host::parse(text).unwrap()
    }

    fn search() -> Search<'static> {
        Search {
            replica_set: Some("rs"),
            is_direct: false,
            candidates: VecDeque::new(),
            seen: Vec::new(),
            primary: None,
            failure: FetchError::Cancelled,
        }
    }

    fn answer(role: Role, set: &str, members: &[&str]) -> Answer {
        Answer {
            role,
            replica_set: Some(set.to_owned()),
            members: members.iter().map(|text| host(text)).collect(),
        }
    }

    #[test]
    fn member_search_prefers_a_secondary_that_the_primary_names() {
        let mut search = search();
        search.add([host("a")]);
        search.candidates.clear();
        assert_eq!(search.note(host("a"), Ok(answer(Role::Primary, "rs", &["a", "b"]))), None);
        assert_eq!(search.candidates, [host("b")]);
        assert_eq!(
            search.note(host("b"), Ok(answer(Role::Secondary, "rs", &[]))),
            Some(host("b"))
        );
        assert_eq!(search.primary, Some(host("a")));
    }

    #[test]
    fn member_search_leaves_other_replica_sets() {
        let mut search = search();
        assert_eq!(search.note(host("a"), Ok(answer(Role::Secondary, "other", &["b"]))), None);
        assert!(search.candidates.is_empty() && matches!(search.failure, FetchError::Refused(_)));
    }

    #[test]
    fn member_search_is_bounded_however_many_hosts_a_server_names() {
        let mut search = search();
        for number in 0..1_000 {
            search.add([host(&format!("h{number}"))]);
        }
        assert_eq!(search.candidates.len(), MAX_HOSTS);
        let share = search.share(Instant::now() + Duration::from_secs(5));
        assert!(share <= Duration::from_millis(100));
    }
}
