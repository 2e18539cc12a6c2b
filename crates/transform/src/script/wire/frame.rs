//! Encoding and decoding of frames.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::script::limits::MAX_FRAME_BYTES;

/// The two lengths before a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Header {
    head: usize,
    body: usize,
}

impl Header {
    /// Bytes of the header.
    pub(crate) const BYTES: usize = 8;

    /// Reads a header; `None` when the frame would exceed the limit.
    pub(crate) fn read(bytes: [u8; Self::BYTES]) -> Option<Self> {
        let ([head, body], []) = bytes.as_chunks::<4>() else {
            return None;
        };
        let head = usize::try_from(u32::from_le_bytes(*head)).ok()?;
        let body = usize::try_from(u32::from_le_bytes(*body)).ok()?;
        let frame = head.checked_add(body)?;
        (frame <= MAX_FRAME_BYTES).then_some(Self { head, body })
    }

    /// Bytes of head and body.
    pub(crate) fn rest(self) -> usize {
        self.head + self.body
    }
}

/// The bytes of a frame; `None` when it would exceed the limit.
pub(crate) fn encode<T: Serialize>(head: &T, body: &[u8]) -> Option<Vec<u8>> {
    let mut frame = Vec::with_capacity(Header::BYTES + 512 + body.len());
    frame.extend_from_slice(&[0; Header::BYTES]);
    serde_json::to_writer(&mut frame, head).ok()?;
    let head = frame.len() - Header::BYTES;
    if head + body.len() > MAX_FRAME_BYTES {
        return None;
    }
    frame[..4].copy_from_slice(&u32::try_from(head).ok()?.to_le_bytes());
    frame[4..8].copy_from_slice(&u32::try_from(body.len()).ok()?.to_le_bytes());
    frame.extend_from_slice(body);
    Some(frame)
}

/// Head and body of the bytes that follow a header.
pub(crate) fn decode<T: DeserializeOwned>(header: Header, rest: &[u8]) -> Option<(T, &[u8])> {
    let (head, body) = rest.split_at_checked(header.head)?;
    let head = serde_json::from_slice(head).ok()?;
    (body.len() == header.body).then_some((head, body))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;
    use crate::script::wire::{Request, Response};

    fn header(frame: &[u8]) -> Option<Header> {
        Header::read(frame.get(..Header::BYTES)?.try_into().ok()?)
    }

    proptest! {
        #[test]
        fn frames_round_trip(head in ".{0,200}", body in prop::collection::vec(any::<u8>(), 0..2000)) {
            let frame = encode(&head, &body).unwrap();
            let header = header(&frame).unwrap();
            prop_assert_eq!(header.rest(), frame.len() - Header::BYTES);
            let (read, rest) = decode::<String>(header, &frame[Header::BYTES..]).unwrap();
            prop_assert_eq!(read, head);
            prop_assert_eq!(rest, &body[..]);
        }

        #[test]
        fn decoding_survives_any_bytes(frame in prop::collection::vec(any::<u8>(), 0..400), claimed in any::<[u8; 8]>(), small in 0_u8..64) {
            let mild = [small, 0, 0, 0, claimed[4] % 64, 0, 0, 0];
            for header in [header(&frame), Header::read(claimed), Header::read(mild)].into_iter().flatten() {
                prop_assert!(header.rest() <= MAX_FRAME_BYTES);
                let _ = decode::<Value>(header, &frame);
                let _ = decode::<Request>(header, &frame);
                let _ = decode::<Response>(header, &frame);
            }
        }
    }

    #[test]
    fn frames_that_are_too_large_are_refused_on_both_sides() {
        assert_eq!(encode(&"", &vec![0; MAX_FRAME_BYTES]), None);
        assert_eq!(Header::read([0xff; 8]), None);
    }
}
