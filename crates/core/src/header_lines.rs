//! Message headers as stored and shown.

/// Headers with secrets masked, as one text: a line `name: value` for each. One text is stored, written and read at the cost of
/// one value.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HeaderLines(String);

impl HeaderLines {
    /// No headers yet, with capacity for this many bytes.
    pub fn with_capacity(bytes: usize) -> Self {
        Self(String::with_capacity(bytes))
    }

    /// Reads the text form of [`HeaderLines::as_str`].
    pub fn read(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// Adds a header; line breaks in its value become spaces, since a value has one line, as on the wire.
    pub fn push(&mut self, name: &str, value: &str) {
        for text in [name, ": "] {
            self.0.push_str(text);
        }
        if value.contains(is_break) {
            self.0
                .extend(value.chars().map(|letter| if is_break(letter) { ' ' } else { letter }));
        } else {
            self.0.push_str(value);
        }
        self.0.push('\n');
    }

    /// Names and values, in order; a name may repeat.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        let lines = self.0.split_terminator('\n');
        lines.map(|line| line.split_once(": ").unwrap_or((line, "")))
    }

    /// The value of a header; its name is case-insensitive.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.iter()
            .find_map(|(given, value)| given.eq_ignore_ascii_case(name).then_some(value))
    }

    /// The text form.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn is_break(letter: char) -> bool {
    matches!(letter, '\n' | '\r')
}

impl<N: AsRef<str>, V: AsRef<str>> FromIterator<(N, V)> for HeaderLines {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(headers: I) -> Self {
        let mut lines = Self::default();
        for (name, value) in headers {
            lines.push(name.as_ref(), value.as_ref());
        }
        lines
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn header_lines_return_what_was_pushed(headers in proptest::collection::vec(("[a-z0-9!#$.-]{1,12}", "[^\r\n]{0,20}"), 0..6)) {
            let lines: HeaderLines = headers.iter().map(|(name, value)| (name, value)).collect();
            let read = HeaderLines::read(lines.as_str());
            let read: Vec<_> = read.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
            proptest::prop_assert_eq!(read, headers);
        }
    }

    #[test]
    fn a_header_value_never_starts_a_line_of_its_own() {
        let lines: HeaderLines = [("a", "1\r\nb: 2"), ("c", "")].into_iter().collect();
        assert_eq!(lines.iter().collect::<Vec<_>>(), [("a", "1  b: 2"), ("c", "")]);
        assert_eq!((lines.get("C"), lines.get("b")), (Some(""), None));
    }
}
