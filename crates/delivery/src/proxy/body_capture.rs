//! Captures the beginning of a streamed body for the log.

use bytes::{Bytes, BytesMut};
use ig_core::delivery_log::BodyExcerpt;

/// Captures a body up to a limit; a limit of 0 costs nothing.
///
/// The bytes are copied: a chunk is a window into its connection's buffer, which could not be reused while the chunk is held.
#[derive(Debug, Default)]
pub struct BodyCapture {
    captured: BytesMut,
    max_bytes: usize,
    seen: usize,
}

impl BodyCapture {
    /// Captures at most this many bytes.
    pub fn with_limit(max_bytes: usize) -> Self {
        Self {
            max_bytes,
            ..Self::default()
        }
    }

    /// Records a chunk of the body.
    pub fn record(&mut self, data: &Bytes) {
        let free = self.max_bytes - self.captured.len();
        self.seen += data.len();
        self.captured.extend_from_slice(&data[..data.len().min(free)]);
    }

    /// The captured bytes; `None` with a limit of 0.
    pub fn take(&mut self) -> Option<BodyExcerpt> {
        if self.max_bytes == 0 {
            return None;
        }
        let truncated = self.seen > self.captured.len();
        let bytes = std::mem::take(&mut self.captured).freeze();
        Some(BodyExcerpt { bytes, truncated })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn body_capture_keeps_the_beginning_of_all_chunks(parts in proptest::collection::vec(proptest::collection::vec(0u8.., 0..20), 0..8), max_bytes in 1usize..60) {
            let mut capture = BodyCapture::with_limit(max_bytes);
            let whole = parts.concat();
            for part in parts {
                capture.record(&Bytes::from(part));
            }
            let kept = capture.take().unwrap();
            proptest::prop_assert_eq!(&kept.bytes[..], &whole[..whole.len().min(max_bytes)]);
            proptest::prop_assert_eq!(kept.truncated, whole.len() > max_bytes);
        }
    }
}
