//! A document holds at most 16 MiB: what does not fit is left out, so that a delivery can always be recorded.

use ig_core::event::LARGEST_PAYLOAD;

/// How much room is left in a document.
pub(crate) struct Room {
    left: usize,
}

impl Room {
    pub(super) fn new() -> Self {
        Self { left: LARGEST_PAYLOAD }
    }

    /// The bytes, if there is room for them.
    pub(super) fn keep<'a>(&mut self, bytes: &'a [u8]) -> Option<&'a [u8]> {
        self.left = self.left.checked_sub(bytes.len())?;
        Some(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_is_left_out_and_what_fits_after_it_is_kept() {
        let mut room = Room::new();
        let large = vec![0; LARGEST_PAYLOAD - 10];
        assert!(room.keep(&large).is_some());
        assert!(room.keep(&large).is_none());
        assert!(room.keep(&[0; 10]).is_some());
        assert!(room.keep(&[0; 1]).is_none());
    }
}
