//! The beginning of a body that streams past, kept for its log.

use bytes::{Bytes, BytesMut};
use ig_core::delivery_log::KeptBody;

/// Keeps what passes, up to a cap; a cap of 0 keeps nothing at no cost.
#[derive(Debug, Default)]
pub struct Keeping {
    first: Option<Bytes>,
    further: BytesMut,
    most: usize,
    passed: usize,
}

impl Keeping {
    /// Keeps at most so many bytes.
    pub fn at_most(most: usize) -> Self {
        Self { most, ..Self::default() }
    }

    /// Something passes. A body that comes as one piece is not copied.
    pub fn pass(&mut self, data: &Bytes) {
        let room = self.most - self.len();
        self.passed += data.len();
        if room == 0 || data.is_empty() {
            return;
        }
        let part = data.slice(..data.len().min(room));
        match &self.first {
            None => self.first = Some(part),
            Some(_) => self.further.extend_from_slice(&part),
        }
    }

    fn len(&self) -> usize {
        self.first.as_ref().map_or(0, Bytes::len) + self.further.len()
    }

    /// What was kept; nothing where nothing was to be.
    pub fn take(&mut self) -> Option<KeptBody> {
        if self.most == 0 {
            return None;
        }
        let truncated = self.passed > self.len();
        let first = self.first.take().unwrap_or_default();
        let bytes = if self.further.is_empty() {
            first
        } else {
            let mut whole = BytesMut::from(&first[..]);
            whole.unsplit(std::mem::take(&mut self.further));
            whole.freeze()
        };
        Some(KeptBody { bytes, truncated })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn the_beginning_of_all_parts_is_kept(parts in proptest::collection::vec(proptest::collection::vec(0u8.., 0..20), 0..8), most in 1usize..60) {
            let mut keeping = Keeping::at_most(most);
            let whole = parts.concat();
            for part in parts {
                keeping.pass(&Bytes::from(part));
            }
            let kept = keeping.take().unwrap();
            proptest::prop_assert_eq!(&kept.bytes[..], &whole[..whole.len().min(most)]);
            proptest::prop_assert_eq!(kept.truncated, whole.len() > most);
        }
    }
}
