//! Texts that are kept in part.

use std::borrow::Cow;

/// The longest excerpt of data, in bytes.
pub const MAX_EXCERPT_BYTES: usize = 50 * 1024;

/// The beginning of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Excerpt {
    text: String,
    is_cut: bool,
}

impl Excerpt {
    /// At most [`MAX_EXCERPT_BYTES`] of a text; what is no text is replaced letter by letter.
    pub fn of(bytes: &[u8]) -> Self {
        Self::within(bytes, MAX_EXCERPT_BYTES)
    }

    /// At most `max_bytes` of a text, whole characters only.
    pub fn within(bytes: &[u8], max_bytes: usize) -> Self {
        let kept = bytes.get(..max_bytes).unwrap_or(bytes);
        let text = match std::str::from_utf8(kept) {
            Ok(text) => Cow::Borrowed(text),
            // A character that the limit cuts in two is left out; other faults are faults of the text.
            Err(error) if kept.len() < bytes.len() && error.error_len().is_none() => {
                String::from_utf8_lossy(&kept[..error.valid_up_to()])
            }
            Err(_) => String::from_utf8_lossy(kept),
        };
        // A replacement may be longer than what it replaces.
        let end = text.floor_char_boundary(max_bytes);
        Self {
            is_cut: kept.len() < bytes.len() || end < text.len(),
            text: text[..end].to_owned(),
        }
    }

    /// An excerpt as it was stored.
    pub fn stored(text: String, is_cut: bool) -> Self {
        Self { text, is_cut }
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether there was more.
    pub fn is_cut(&self) -> bool {
        self.is_cut
    }

    /// The text alone.
    pub fn into_text(self) -> String {
        self.text
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_excerpt_ends_before_a_character_that_does_not_fit() {
        let excerpt = Excerpt::within("aé€".as_bytes(), 4);
        assert_eq!((excerpt.as_str(), excerpt.is_cut()), ("aé", true));
        let whole = Excerpt::within("aé€".as_bytes(), 6);
        assert_eq!((whole.as_str(), whole.is_cut()), ("aé€", false));
    }

    #[test]
    fn an_excerpt_of_binary_data_stays_within_its_limit() {
        let excerpt = Excerpt::of(&vec![0xff; MAX_EXCERPT_BYTES]);
        assert!(excerpt.as_str().len() <= MAX_EXCERPT_BYTES && excerpt.is_cut());
    }

    proptest! {
        #[test]
        fn an_excerpt_is_the_longest_beginning_that_fits(text in ".{0,40}", max_bytes in 0_usize..60) {
            let excerpt = Excerpt::within(text.as_bytes(), max_bytes);
            prop_assert_eq!(excerpt.as_str(), &text[..text.floor_char_boundary(max_bytes)]);
            prop_assert_eq!(excerpt.is_cut(), text.len() > max_bytes);
        }

        #[test]
        fn an_excerpt_of_any_bytes_fits(bytes in proptest::collection::vec(any::<u8>(), 0..80), max_bytes in 0_usize..100) {
            let excerpt = Excerpt::within(&bytes, max_bytes);
            prop_assert!(excerpt.as_str().len() <= max_bytes);
            prop_assert!(excerpt.is_cut() || excerpt.as_str() == String::from_utf8_lossy(&bytes));
        }
    }
}
