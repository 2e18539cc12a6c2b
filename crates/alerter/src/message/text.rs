//! Names on one line, whoever chose them.

use std::fmt;

/// The longest name, in characters.
const MAX_LABEL_CHARS: usize = 120;
/// The longest line of a mail's head, in bytes.
const MAX_HEAD_BYTES: usize = 240;
const NAMELESS: &str = "(without a name)";

/// A name that people chose: one line of at most 120 characters, without control characters and without marks that change the direction
/// of text or hide it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Label(String);

impl Label {
    /// Cleans and cuts a name; an empty one reads "(without a name)".
    pub fn new(raw: &str) -> Self {
        // A mail client makes a link of an address in a name, and an operator reads names that tenants chose.
        let line = one_line(raw, MAX_LABEL_CHARS).replace("://", ": //");
        let line = capped(&line, MAX_LABEL_CHARS);
        Self(if line.is_empty() { NAMELESS.to_owned() } else { line })
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A line of a mail's head: at most 240 bytes, without control characters and without marks that change the direction of text.
pub(crate) fn head_line(raw: &str) -> String {
    capped_bytes(&one_line(raw, MAX_HEAD_BYTES), MAX_HEAD_BYTES)
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The first characters of a text on one line: white space and control characters become single spaces, invisible marks go. A longer text
/// ends in `…`.
pub(super) fn one_line(raw: &str, max_chars: usize) -> String {
    let mut line = String::new();
    let (mut kept, mut space) = (0, false);
    for character in raw.chars().filter(|character| !is_invisible(*character)) {
        if character.is_whitespace() || character.is_control() {
            space = kept > 0;
            continue;
        }
        if kept + usize::from(space) >= max_chars {
            line.push('…');
            break;
        }
        if space {
            line.push(' ');
            kept += 1;
        }
        line.push(character);
        (kept, space) = (kept + 1, false);
    }
    line
}

/// At most so many characters; a longer text ends in `…`, which counts.
pub(super) fn capped(text: &str, max_chars: usize) -> String {
    if text.chars().nth(max_chars).is_none() {
        return text.to_owned();
    }
    let kept: String = text.chars().take(max_chars.saturating_sub(1)).collect();
    format!("{}…", kept.trim_end())
}

/// At most so many bytes; a longer text ends in `…`, which counts.
pub(crate) fn capped_bytes(text: &str, max_bytes: usize) -> String {
    if text.len() <= max_bytes {
        return text.to_owned();
    }
    let room = max_bytes.saturating_sub('…'.len_utf8());
    format!("{}…", first_bytes(text, room).trim_end())
}

/// At most so many bytes of a text, cut between characters.
pub(crate) fn first_bytes(text: &str, max_bytes: usize) -> &str {
    &text[..text.floor_char_boundary(max_bytes)]
}

/// Marks that reorder the characters around them, or that are not seen at all. Joiners stay: some scripts need them.
fn is_invisible(character: char) -> bool {
    matches!(character,
        '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn label_is_one_line_without_invisible_marks() {
        let table = [
            ("  Bills\r\nBcc: a@b.example\t x ", "Bills Bcc: a@b.example x"),
            ("\u{202e}gpj.exe\u{2066}", "gpj.exe"),
            ("a\u{0}b\u{1b}[31mc", "a b [31mc"),
            ("see https://evil.example", "see https: //evil.example"),
            (" \u{200b} ", NAMELESS),
            ("\u{915}\u{94d}\u{200d}\u{937}", "\u{915}\u{94d}\u{200d}\u{937}"),
        ];
        for (raw, clean) in table {
            assert_eq!(Label::new(raw).as_str(), clean, "{raw:?}");
        }
    }

    #[test]
    fn label_of_a_megabyte_is_cut() {
        for raw in [
            "é".repeat(1 << 20),
            " ".repeat(1 << 20) + "x",
            "a b".repeat(1 << 18),
            "://".repeat(1 << 18),
        ] {
            let label = Label::new(&raw);
            assert!(
                label.as_str().chars().count() <= MAX_LABEL_CHARS,
                "{}",
                label.as_str().chars().count()
            );
        }
    }

    #[test]
    fn text_is_cut_between_characters() {
        assert_eq!(capped("abcd", 4), "abcd");
        assert_eq!(capped("ab cd", 4), "ab…");
        assert_eq!(capped_bytes("éééé", 7), "éé…");
        assert_eq!(capped_bytes("éé", 4), "éé");
        assert_eq!(capped_bytes("abc", 1), "…");
    }
}
