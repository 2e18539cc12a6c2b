//! Writes the text that is sent to the server, with slots where values go.

use ig_core::job::TextPart;

/// Names that the guard itself writes begin with this; a query cannot use them.
pub(super) const RESERVED_PREFIX: &str = "ig_scope";

/// What a slot is filled with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum SlotKind {
    /// The tenant's numbers, which this column (quoted) must hold one of.
    Tenants {
        /// The column as written in SQL.
        column: String,
    },
    /// A text parameter, joined from texts and variables.
    Text(Vec<TextPart>),
    /// The most rows of the result, as the last parameter.
    RowLimit,
}

/// A place in the text that is filled when the query is bound.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Slot {
    /// The offset in the text, in bytes.
    pub(super) at: usize,
    /// What goes there.
    pub(super) kind: SlotKind,
}

/// SQL text with slots, in order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct SlottedSql {
    /// The text without what the slots add.
    pub(super) text: String,
    /// The slots, by offset.
    pub(super) slots: Vec<Slot>,
}

/// A place in the text that was written so far.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bookmark(usize);

impl SlottedSql {
    /// Appends SQL. Everything that comes from a query passes [`Self::name`] or [`Self::literal`] instead.
    pub(super) fn push(&mut self, sql: &str) {
        self.text.push_str(sql);
    }

    /// Appends a checked name in backticks.
    pub(super) fn name(&mut self, name: &str) {
        self.text.push('`');
        self.text.push_str(name);
        self.text.push('`');
    }

    /// Appends a text that [`is_plain`] in single quotes.
    pub(super) fn literal(&mut self, plain: &str) {
        self.text.push('\'');
        self.text.push_str(plain);
        self.text.push('\'');
    }

    /// Appends a slot.
    pub(super) fn slot(&mut self, kind: SlotKind) {
        let at = self.text.len();
        self.slots.push(Slot { at, kind });
    }

    /// The current end of the text.
    pub(super) fn bookmark(&self) -> Bookmark {
        Bookmark(self.text.len())
    }

    /// What was written since a bookmark, without backticks and with `?` for slots.
    pub(super) fn shown_since(&self, Bookmark(begin): Bookmark) -> String {
        let (mut shown, mut from) = (String::new(), begin);
        for slot in self.slots.iter().filter(|slot| slot.at >= begin) {
            shown.push_str(&self.text[from..slot.at]);
            shown.push('?');
            from = slot.at;
        }
        shown.push_str(&self.text[from..]);
        shown.replace('`', "")
    }
}

/// Whether a text means itself between single quotes, to every server and in every character set that we use.
pub(super) fn is_plain(text: &str) -> bool {
    !text.contains(['\'', '\\'])
        && text
            .chars()
            .all(|letter| !letter.is_control() || matches!(letter, '\n' | '\r' | '\t'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slotted_sql_shows_what_was_written_since_a_bookmark() {
        let mut sql = SlottedSql::default();
        sql.push("SELECT ");
        let here = sql.bookmark();
        sql.push("CONCAT(");
        sql.name("a");
        sql.push(", ");
        sql.slot(SlotKind::Text(Vec::new()));
        sql.push(", ");
        sql.literal("x");
        sql.push(")");
        assert_eq!(sql.shown_since(here), "CONCAT(a, ?, 'x')");
        assert_eq!(sql.text, "SELECT CONCAT(`a`, , 'x')");
    }

    #[test]
    fn plain_text_has_no_quotes_backslashes_and_control_characters() {
        assert!(is_plain("line\n\"two\" `3` ä 😀"));
        for text in ["'", "\\", "a\0", "\u{1a}", "\u{8}"] {
            assert!(!is_plain(text), "{text:?}");
        }
    }
}
