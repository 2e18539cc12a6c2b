//! What is wrong with an input, told all at once and by place.

/// One thing wrong with an input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// JSON pointer to the value at fault, such as `/fieldMappings/0/sourceField`.
    pub pointer: String,
    /// What is wrong and what would be right, in one sentence.
    pub message: String,
}

/// Every fault found in one input.
#[derive(Debug, Clone, Default, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.summary())]
pub struct Faults(Vec<Fault>);

impl Faults {
    /// Notes a fault at a place.
    pub fn add(&mut self, pointer: impl Into<String>, message: impl Into<String>) {
        self.0.push(Fault {
            pointer: pointer.into(),
            message: message.into(),
        });
    }

    /// A single fault.
    pub fn one(pointer: impl Into<String>, message: impl Into<String>) -> Self {
        let mut faults = Self::default();
        faults.add(pointer, message);
        faults
    }

    /// Takes over another input's faults, as found below `prefix`.
    pub fn absorb(&mut self, prefix: &str, other: Faults) {
        for fault in other.0 {
            self.add(format!("{prefix}{}", fault.pointer), fault.message);
        }
    }

    /// `Ok(value)` when nothing was found.
    pub fn into_result<T>(self, value: T) -> Result<T, Faults> {
        if self.0.is_empty() { Ok(value) } else { Err(self) }
    }

    /// Whether nothing was found.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What was found, in the order of finding.
    pub fn list(&self) -> &[Fault] {
        &self.0
    }

    fn summary(&self) -> String {
        let lines: Vec<_> = self.0.iter().map(|f| format!("{}: {}", f.pointer, f.message)).collect();
        lines.join("; ")
    }
}
