//! Faults of the configuration.

use std::ops::RangeInclusive;

/// One wrong setting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigFault {
    /// Dotted path below `sources`, such as `mysql.columns.id`.
    pub key: String,
    /// What is wrong; secrets are not repeated.
    pub problem: String,
    /// How to correct it.
    pub fix: String,
}

/// Collects faults, each with the path of the section that is being checked.
#[derive(Debug, Default)]
pub(super) struct FaultCollector {
    path: Vec<&'static str>,
    faults: Vec<ConfigFault>,
}

impl FaultCollector {
    /// Checks the settings below `key`.
    pub(super) fn in_section(&mut self, key: &'static str, check: impl FnOnce(&mut Self)) {
        self.path.push(key);
        check(self);
        self.path.pop();
    }

    pub(super) fn add(&mut self, key: &'static str, problem: impl Into<String>, fix: impl Into<String>) {
        let path: Vec<_> = self.path.iter().copied().chain([key]).collect();
        self.faults.push(ConfigFault {
            key: path.join("."),
            problem: problem.into(),
            fix: fix.into(),
        });
    }

    /// Adds a fault where a number is out of its range.
    pub(super) fn check_range(&mut self, key: &'static str, value: u64, allowed: RangeInclusive<u64>) {
        if !allowed.contains(&value) {
            let fix = format!("set it from {} to {}", allowed.start(), allowed.end());
            self.add(key, format!("{value} is out of range"), fix);
        }
    }

    pub(super) fn into_faults(self) -> Vec<ConfigFault> {
        self.faults
    }
}
