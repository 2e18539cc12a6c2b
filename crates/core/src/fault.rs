//! Validation faults: everything wrong with an input, reported at once and by place.
//!
//! Inputs come from strangers, so a report is bounded, however much is wrong with an input and however long its names are.

mod input_path;

pub use input_path::InputPath;

/// The most faults reported for one input.
const MAX_FAULTS: usize = 100;
/// The longest pointer reported, in characters; a longer one is cut.
const MAX_POINTER_CHARS: usize = 200;
/// The longest message reported, in characters; a longer one is cut.
const MAX_MESSAGE_CHARS: usize = 1_000;

/// One fault of an input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The JSON pointer to the faulty value, such as `/fieldMappings/0/sourceField`.
    pub pointer: String,
    /// What is wrong and what would be right, in one sentence.
    pub message: String,
}

/// The faults of one input, a hundred at most.
#[derive(Debug, Clone, Default, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.summary())]
pub struct Faults(Vec<Fault>);

impl Faults {
    /// Adds a fault at a pointer.
    pub fn add(&mut self, pointer: impl Into<String>, message: impl Into<String>) {
        if !self.is_full() {
            self.0.push(Fault {
                pointer: truncated(pointer.into(), MAX_POINTER_CHARS),
                message: truncated(message.into(), MAX_MESSAGE_CHARS),
            });
        }
    }

    /// Adds a fault at a path; its pointer is only written out here.
    pub fn add_at(&mut self, path: &InputPath<'_>, message: impl Into<String>) {
        if !self.is_full() {
            self.add(path.to_string(), message);
        }
    }

    /// Whether no further fault would be reported, so that a search may stop.
    pub fn is_full(&self) -> bool {
        self.0.len() >= MAX_FAULTS
    }

    /// A single fault.
    pub fn single(pointer: impl Into<String>, message: impl Into<String>) -> Self {
        let mut faults = Self::default();
        faults.add(pointer, message);
        faults
    }

    /// Takes over the faults of an inner input, placed below `prefix`.
    pub fn add_below(&mut self, prefix: &str, other: Faults) {
        for fault in other.0.into_iter().take(MAX_FAULTS - self.0.len()) {
            self.add(format!("{prefix}{}", fault.pointer), fault.message);
        }
    }

    /// `Ok(value)` when there is no fault.
    pub fn into_result<T>(self, value: T) -> Result<T, Faults> {
        if self.0.is_empty() { Ok(value) } else { Err(self) }
    }

    /// Whether there is no fault.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The faults, in the order in which they were found.
    pub fn list(&self) -> &[Fault] {
        &self.0
    }

    fn summary(&self) -> String {
        let lines: Vec<_> = self.0.iter().map(|f| format!("{}: {}", f.pointer, f.message)).collect();
        lines.join("; ")
    }
}

fn truncated(mut text: String, max_chars: usize) -> String {
    if let Some((at, _)) = text.char_indices().nth(max_chars) {
        text.truncate(at);
        text.push('…');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_are_bounded_in_number_and_length() {
        let mut faults = Faults::default();
        for at in 0..1_000 {
            faults.add(format!("/{}{at}", "é".repeat(10_000)), "x".repeat(10_000));
        }
        let mut nested = Faults::single("", "is wrong");
        nested.add_below("/list", faults.clone());
        for faults in [faults, nested] {
            assert!(faults.is_full());
            assert_eq!(faults.list().len(), 100);
            let longest = faults.list().iter().map(|fault| fault.pointer.chars().count()).max();
            assert_eq!(longest, Some(201));
            assert!(faults.to_string().len() < 200_000);
        }
    }
}
