//! The beginning of a body that streams past, kept for its log.

use bytes::{Bytes, BytesMut};
use ig_core::delivery_log::KeptBody;

/// Keeps what passes, up to a cap; a cap of 0 keeps nothing at no cost.
///
/// It is copied: a part of a body is a window into the buffer of its connection, which could not be used again while that is held.
#[derive(Debug, Default)]
pub struct Keeping {
    kept: BytesMut,
    most: usize,
    passed: usize,
}

impl Keeping {
    /// Keeps at most so many bytes.
    pub fn at_most(most: usize) -> Self {
        Self { most, ..Self::default() }
    }

    /// Something passes.
    pub fn pass(&mut self, data: &Bytes) {
        let room = self.most - self.kept.len();
        self.passed += data.len();
        self.kept.extend_from_slice(&data[..data.len().min(room)]);
    }

    /// What was kept; nothing where nothing was to be.
    pub fn take(&mut self) -> Option<KeptBody> {
        if self.most == 0 {
            return None;
        }
        let truncated = self.passed > self.kept.len();
        let bytes = std::mem::take(&mut self.kept).freeze();
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
