//! A cursor over a text that is read from left to right.

/// The rest of the text.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cursor<'a>(&'a str);

impl<'a> Cursor<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self(text)
    }

    /// How many bytes are left.
    pub(super) fn left(self) -> usize {
        self.0.len()
    }

    pub(super) fn is_done(self) -> bool {
        self.0.is_empty()
    }

    /// A run of digits with its length; `None` where there is none, or too many for a `u32`.
    pub(super) fn digits(&mut self) -> Option<(u32, usize)> {
        let length = self.length(|byte| byte.is_ascii_digit());
        let value = self.0.get(..length)?.parse().ok()?;
        self.0 = &self.0[length..];
        Some((value, length))
    }

    /// Exactly `count` digits.
    pub(super) fn exactly(&mut self, count: usize) -> Option<u32> {
        let digits = self.0.get(..count)?;
        if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        self.0 = &self.0[count..];
        digits.parse().ok()
    }

    /// Digits as a fraction of a second, in nanoseconds; digits beyond the ninth are cut off.
    pub(super) fn nanoseconds(&mut self) -> Option<u32> {
        let length = self.length(|byte| byte.is_ascii_digit());
        let digits = &self.0[..length];
        let kept: u32 = digits.get(..length.min(9))?.parse().ok()?;
        self.0 = &self.0[length..];
        let missing = u32::try_from(9_usize.saturating_sub(length)).ok()?;
        Some(kept * 10_u32.pow(missing))
    }

    /// A run of letters, which may be empty.
    pub(super) fn word(&mut self) -> &'a str {
        let (word, rest) = self.0.split_at(self.length(|byte| byte.is_ascii_alphabetic()));
        self.0 = rest;
        word
    }

    /// How many digits come next.
    pub(super) fn digits_ahead(self) -> usize {
        self.length(|byte| byte.is_ascii_digit())
    }

    pub(super) fn letter_ahead(self) -> bool {
        self.0.starts_with(|letter: char| letter.is_ascii_alphabetic())
    }

    /// Skips one of these characters and returns it.
    pub(super) fn one_of(&mut self, marks: &[char]) -> Option<char> {
        let mark = self.0.chars().next().filter(|mark| marks.contains(mark))?;
        self.0 = &self.0[mark.len_utf8()..];
        Some(mark)
    }

    /// Skips white space and returns whether there was any.
    pub(super) fn spaces(&mut self) -> bool {
        let before = self.0.len();
        self.0 = self.0.trim_start();
        self.0.len() < before
    }

    /// Skips a remark in parentheses at the end, such as the name of a timezone.
    pub(super) fn remark(&mut self) {
        if self.0.starts_with('(') && self.0.ends_with(')') {
            self.0 = "";
        }
    }

    fn length(self, belongs: impl Fn(u8) -> bool) -> usize {
        self.0.bytes().take_while(|byte| belongs(*byte)).count()
    }
}
