//! A document holds at most 16 MiB: bytes that do not fit are left out, so that every delivery can be recorded.

use ig_core::event::MAX_PAYLOAD_BYTES;

/// The bytes that still fit into a document.
pub(crate) struct DocumentBudget {
    left: usize,
}

impl DocumentBudget {
    pub(super) fn new() -> Self {
        Self { left: MAX_PAYLOAD_BYTES }
    }

    /// Returns the bytes if they fit.
    pub(super) fn take<'a>(&mut self, bytes: &'a [u8]) -> Option<&'a [u8]> {
        self.left = self.left.checked_sub(bytes.len())?;
        Some(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn document_room_leaves_out_what_does_not_fit_and_keeps_what_fits_after_it() {
        let mut budget = DocumentBudget::new();
        let large = vec![0; MAX_PAYLOAD_BYTES - 10];
        assert!(budget.take(&large).is_some());
        assert!(budget.take(&large).is_none());
        assert!(budget.take(&[0; 10]).is_some());
        assert!(budget.take(&[0; 1]).is_none());
    }
}
