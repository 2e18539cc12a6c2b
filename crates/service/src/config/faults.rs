//! All faults of a configuration, reported at once.

use std::{collections::BTreeMap, fmt};

use super::variable_for;

/// A configuration or section that can check its values.
pub trait Validate {
    /// Adds every fault; keys are relative to this section.
    fn validate(&self, faults: &mut ConfigFaults);
}

/// One wrong key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigFault {
    /// Dotted path, such as `grpc.tls.key_file`; empty for the configuration as a whole.
    pub key: String,
    /// What is wrong with the value.
    pub problem: String,
    /// The file or the environment variable that set the value.
    pub origin: String,
    /// What the operator should do.
    pub fix: String,
}

/// Every fault of one configuration.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ConfigFaults {
    prefix: Vec<String>,
    origins: BTreeMap<String, String>,
    list: Vec<ConfigFault>,
}

impl ConfigFaults {
    pub(super) fn with_origins(origins: BTreeMap<String, String>) -> Self {
        Self {
            origins,
            ..Self::default()
        }
    }

    /// Adds a fault of `key`, relative to the current section.
    pub fn add(&mut self, key: &str, problem: impl Into<String>, fix: impl Into<String>) {
        let key = self.path(key);
        let origin = self.origin(&key);
        self.list.push(ConfigFault {
            key,
            problem: problem.into(),
            origin,
            fix: fix.into(),
        });
    }

    /// Validates the section at `key`.
    pub fn section(&mut self, key: &str, section: &impl Validate) {
        self.prefix.push(key.to_owned());
        section.validate(self);
        self.prefix.pop();
    }

    /// The faults, in the order they were found.
    pub fn list(&self) -> &[ConfigFault] {
        &self.list
    }

    /// Whether there is no fault.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// Returns `value` if there is no fault.
    pub fn into_result<T>(self, value: T) -> Result<T, Self> {
        if self.is_empty() { Ok(value) } else { Err(self) }
    }

    fn path(&self, key: &str) -> String {
        let parts = self.prefix.iter().map(String::as_str).chain([key]);
        parts.filter(|part| !part.is_empty()).collect::<Vec<_>>().join(".")
    }

    fn origin(&self, key: &str) -> String {
        match self.origins.get(key) {
            Some(origin) => origin.clone(),
            None if key.is_empty() => "the configuration as a whole".to_owned(),
            None => format!("built-in default, not set by a file or by {}", variable_for(key)),
        }
    }
}

impl fmt::Display for ConfigFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = if self.key.is_empty() { "configuration" } else { &self.key };
        write!(f, "{key}: {} ({}); {}", self.problem, self.origin, self.fix)
    }
}

impl fmt::Display for ConfigFaults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.list.len() {
            1 => f.write_str("the configuration has 1 fault")?,
            n => write!(f, "the configuration has {n} faults")?,
        }
        self.list.iter().try_for_each(|fault| write!(f, "\n  {fault}"))
    }
}

impl std::error::Error for ConfigFaults {}
