//! What is wrong with a setting.

use std::ops::RangeInclusive;

/// One setting that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigFault {
    /// Dotted path below `sources`, such as `mysql.columns.id`.
    pub key: String,
    /// What is wrong with it; secrets are not repeated.
    pub problem: String,
    /// What to do about it.
    pub fix: String,
}

/// Faults as they are found, each below the section in hand.
#[derive(Debug, Default)]
pub(super) struct Findings {
    path: Vec<&'static str>,
    faults: Vec<ConfigFault>,
}

impl Findings {
    /// Checks what lies below `key`.
    pub(super) fn below(&mut self, key: &'static str, check: impl FnOnce(&mut Self)) {
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

    /// Notes a number that is out of its range.
    pub(super) fn range(&mut self, key: &'static str, value: u64, allowed: RangeInclusive<u64>) {
        if !allowed.contains(&value) {
            let fix = format!("set it from {} to {}", allowed.start(), allowed.end());
            self.add(key, format!("{value} is out of range"), fix);
        }
    }

    pub(super) fn into_faults(self) -> Vec<ConfigFault> {
        self.faults
    }
}
