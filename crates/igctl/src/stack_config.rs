//! The configurations of all six services, from one file and one environment.

use std::collections::BTreeSet;

use anyhow::bail;
use ig_service::ProcessConfig;
use ig_service::config::{ConfigFault, ConfigFaults};
use serde::Serialize;

use crate::settings::Settings;

/// The effective configuration of each service.
#[derive(Debug, Serialize)]
pub(crate) struct StackConfig {
    pub(crate) api_gateway: ig_api_gateway::Config,
    pub(crate) delivery_worker: ig_delivery_worker::Config,
    pub(crate) scheduler: ig_scheduler::Config,
    pub(crate) dlq_retrier: ig_dlq_retrier::Config,
    pub(crate) job_runner: ig_job_runner::Config,
    pub(crate) alerter: ig_alerter::Config,
}

impl StackConfig {
    /// Loads all configurations, or reports every fault once.
    pub(crate) fn load(settings: &Settings) -> anyhow::Result<Self> {
        let names = sections();
        let mut loader = Loader {
            settings,
            sections: names.iter().map(String::as_str).collect(),
            faults: Vec::new(),
        };
        let loaded = loader.load_all();
        match loaded {
            Some(config) if loader.faults.is_empty() => Ok(config),
            _ => bail!("{}", format_faults(&loader.faults)),
        }
    }
}

struct Loader<'a> {
    settings: &'a Settings,
    sections: Vec<&'a str>,
    faults: Vec<ConfigFault>,
}

impl Loader<'_> {
    fn load_all(&mut self) -> Option<StackConfig> {
        // Load all before the first `?`, to find every fault.
        let (api_gateway, delivery_worker) = (self.load_one(), self.load_one());
        let (scheduler, dlq_retrier, job_runner, alerter) = (self.load_one(), self.load_one(), self.load_one(), self.load_one());
        Some(StackConfig {
            api_gateway: api_gateway?,
            delivery_worker: delivery_worker?,
            scheduler: scheduler?,
            dlq_retrier: dlq_retrier?,
            job_runner: job_runner?,
            alerter: alerter?,
        })
    }

    fn load_one<C: ProcessConfig>(&mut self) -> Option<C> {
        self.settings
            .load::<C>(&self.sections)
            .map_err(|faults| self.add(&faults))
            .ok()
    }

    /// Adds faults. The same key and problem is one fault, although services suggest different fixes.
    fn add(&mut self, faults: &ConfigFaults) {
        for fault in faults.list() {
            let known = self
                .faults
                .iter()
                .any(|known| (&known.key, &known.problem) == (&fault.key, &fault.problem));
            if !known {
                self.faults.push(fault.clone());
            }
        }
    }
}

fn format_faults(faults: &[ConfigFault]) -> String {
    let lines: Vec<_> = faults.iter().map(|fault| format!("\n  {fault}")).collect();
    format!("the configuration has {} fault(s){}", faults.len(), lines.concat())
}

/// The sections of all services.
fn sections() -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    names.extend(sections_of::<ig_api_gateway::Config>());
    names.extend(sections_of::<ig_delivery_worker::Config>());
    names.extend(sections_of::<ig_scheduler::Config>());
    names.extend(sections_of::<ig_dlq_retrier::Config>());
    names.extend(sections_of::<ig_job_runner::Config>());
    names.extend(sections_of::<ig_alerter::Config>());
    names
}

fn sections_of<C: ProcessConfig>() -> Vec<String> {
    let defaults = serde_json::to_value(C::default()).unwrap_or_default();
    defaults
        .as_object()
        .map(|sections| sections.keys().cloned().collect())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shared_file_is_accepted_by_each_service() {
        let each = [
            ig_api_gateway::PROCESS,
            ig_delivery_worker::PROCESS,
            ig_scheduler::PROCESS,
            ig_dlq_retrier::PROCESS,
            ig_job_runner::PROCESS,
            ig_alerter::PROCESS,
        ];
        for process in each {
            let unknown: Vec<_> = sections()
                .into_iter()
                .filter(|name| !process.known_sections.contains(&name.as_str()))
                .collect();
            assert!(
                unknown.is_empty(),
                "{} does not know the sections {unknown:?} of the shared file",
                process.name
            );
        }
    }
}
