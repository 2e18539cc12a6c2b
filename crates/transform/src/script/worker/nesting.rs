//! Measures how deep a source nests without parsing it: the parser would overflow its stack.
//!
//! It recognises texts, templates, comments and regular expressions only to ignore the brackets in them. Where it mistakes one for another,
//! the worker is still a process that may die; this only turns the common case into a clear error.

use crate::script::limits::{MAX_NESTING, MAX_SOURCE_BYTES};
use crate::script::wire::Failure;
use crate::script::{Position, ScriptFault};

/// Refuses a source that is too large or nests too deep.
pub(super) fn inspect(source: &str) -> Result<(), Failure> {
    if source.len() > MAX_SOURCE_BYTES {
        let message = format!(
            "the source has {} bytes, at most {MAX_SOURCE_BYTES} are allowed",
            source.len()
        );
        return Err(Failure::new(ScriptFault::Limit, message));
    }
    let Some(offset) = too_deep(source.as_bytes()) else {
        return Ok(());
    };
    let message = format!("the source nests more than {MAX_NESTING} brackets within each other");
    let position = Some(position(source, offset));
    let fault = ScriptFault::Limit;
    Err(Failure {
        fault,
        message,
        position,
    })
}

/// The start of the first unclosed text, template, comment or regular expression.
pub(super) fn unclosed(source: &str) -> Option<Position> {
    let mut scanner = Scanner::new(source.as_bytes());
    while let Some(byte) = scanner.next() {
        scanner.step(byte);
    }
    scanner.unclosed.map(|offset| position(source, offset))
}

/// The position of a byte.
fn position(source: &str, offset: usize) -> Position {
    let before = &source.as_bytes()[..offset];
    let line = before.split(|byte| *byte == b'\n').count();
    let start = before
        .iter()
        .rposition(|byte| *byte == b'\n')
        .map_or(0, |newline| newline + 1);
    let column = String::from_utf8_lossy(&before[start..]).chars().count() + 1;
    let number = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
    Position {
        line: number(line),
        column: number(column),
    }
}

/// The offset of the first bracket beyond the limit.
fn too_deep(source: &[u8]) -> Option<usize> {
    let mut scanner = Scanner::new(source);
    while let Some(byte) = scanner.next() {
        scanner.step(byte);
        if scanner.open.len() > MAX_NESTING {
            return Some(scanner.at - 1);
        }
    }
    None
}

struct Scanner<'a> {
    source: &'a [u8],
    at: usize,
    /// The open brackets.
    open: Vec<u8>,
    /// Whether an operand has just ended, so that a slash is a division.
    after_operand: bool,
    /// The offset of the first unclosed text.
    unclosed: Option<usize>,
}

impl<'a> Scanner<'a> {
    fn new(source: &'a [u8]) -> Self {
        Self {
            source,
            at: 0,
            open: Vec::new(),
            after_operand: false,
            unclosed: None,
        }
    }

    fn record_unclosed(&mut self, start: usize) {
        self.unclosed.get_or_insert(start);
    }

    fn next(&mut self) -> Option<u8> {
        let byte = self.source.get(self.at).copied();
        self.at += usize::from(byte.is_some());
        byte
    }

    fn step(&mut self, byte: u8) {
        match byte {
            b'"' | b'\'' => self.text(byte),
            b'`' => self.template(),
            b'/' => self.slash(),
            b'(' | b'[' | b'{' => self.enter(byte),
            b'}' if self.open.last() == Some(&b'`') => {
                self.open.pop();
                self.template();
            }
            b')' | b']' | b'}' => {
                self.open.pop();
                self.after_operand = byte != b'}';
            }
            _ if byte.is_ascii_whitespace() => {}
            _ if is_word(byte) => self.word(),
            _ => self.after_operand = false,
        }
    }

    fn enter(&mut self, bracket: u8) {
        self.open.push(bracket);
        self.after_operand = false;
    }

    fn text(&mut self, quote: u8) {
        let start = self.at - 1;
        self.after_operand = true;
        while let Some(byte) = self.next() {
            match byte {
                b'\\' => self.at += 1,
                b'\n' => break,
                _ if byte == quote => return,
                _ => {}
            }
        }
        self.record_unclosed(start);
    }

    /// Scans a template to its end or to the next `${`, which counts as a bracket.
    fn template(&mut self) {
        let start = self.at - 1;
        self.after_operand = true;
        while let Some(byte) = self.next() {
            match byte {
                b'\\' => self.at += 1,
                b'`' => return,
                b'$' if self.source.get(self.at) == Some(&b'{') => {
                    self.at += 1;
                    return self.enter(b'`');
                }
                _ => {}
            }
        }
        self.record_unclosed(start);
    }

    fn slash(&mut self) {
        match self.source.get(self.at) {
            Some(b'/') => while self.next().is_some_and(|byte| byte != b'\n') {},
            Some(b'*') => self.comment(),
            _ if self.after_operand => self.after_operand = false,
            _ => self.regular_expression(),
        }
    }

    fn comment(&mut self) {
        let start = self.at - 1;
        self.at += 1;
        while let Some(byte) = self.next() {
            if byte == b'*' && self.source.get(self.at) == Some(&b'/') {
                self.at += 1;
                return;
            }
        }
        self.record_unclosed(start);
    }

    fn regular_expression(&mut self) {
        let start = self.at - 1;
        self.after_operand = true;
        let mut in_class = false;
        while let Some(byte) = self.next() {
            match byte {
                b'\\' => self.at += 1,
                b'\n' => break,
                b'[' => in_class = true,
                b']' => in_class = false,
                b'/' if !in_class => return,
                _ => {}
            }
        }
        self.record_unclosed(start);
    }

    fn word(&mut self) {
        let start = self.at - 1;
        while self.source.get(self.at).copied().is_some_and(is_word) {
            self.at += 1;
        }
        self.after_operand = !BEFORE_OPERANDS.contains(&&self.source[start..self.at]);
    }
}

/// Words that an operand follows, so that a slash begins a regular expression.
const BEFORE_OPERANDS: [&[u8]; 12] = [
    b"return", b"typeof", b"case", b"in", b"of", b"do", b"else", b"void", b"delete", b"new", b"await", b"throw",
];

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'$' || byte >= 0x80
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn nested(open: &str, close: &str, times: usize) -> String {
        format!("return {}1{}", open.repeat(times), close.repeat(times))
    }

    #[test]
    fn nesting_is_allowed_up_to_the_limit() {
        for (open, close) in [("(", ")"), ("[", "]"), ("{a:", "}"), ("`${", "}`")] {
            assert_eq!(inspect(&nested(open, close, MAX_NESTING)), Ok(()), "{open}");
            let failure = inspect(&nested(open, close, MAX_NESTING + 1)).unwrap_err();
            assert_eq!(failure.fault, ScriptFault::Limit, "{open}");
            assert_eq!(failure.position.unwrap().line, 1);
        }
    }

    #[test]
    fn nesting_ignores_brackets_in_texts_comments_and_regular_expressions() {
        let many = "(".repeat(400);
        for source in [
            format!("return '{many}'"),
            format!("return \"\\\"{many}\""),
            format!("return `\\`{many}`"),
            format!("// {many}\nreturn 1"),
            format!("/* {many} */ return 1"),
            format!("return /[/{many}]/.test(x)"),
            format!("return x.replace(/\\/{many}/g, '')"),
        ] {
            assert_eq!(inspect(&source), Ok(()), "{}", &source[..30]);
        }
    }

    #[test]
    fn nesting_ignores_a_closing_bracket_in_a_text() {
        let source = "(')' + ".repeat(MAX_NESTING + 1);
        assert!(inspect(&source).is_err());
        let source = "a / (b) / [`)` + ".repeat(MAX_NESTING + 1);
        assert!(inspect(&source).is_err());
    }

    #[test]
    fn unclosed_texts_are_found_where_they_begin() {
        let table = [
            ("return 'a", Some((1, 8))),
            ("const a = \"b\";\nreturn \"c\n", Some((2, 8))),
            ("return `a ${b", None),
            ("return `a ${b} c", Some((1, 14))),
            ("/* a", Some((1, 1))),
            ("return /a[/]", Some((1, 8))),
            ("return 'it\\'s' + /[/]'/.source", None),
        ];
        for (source, wanted) in table {
            let found = unclosed(source).map(|place| (place.line, place.column));
            assert_eq!(found, wanted, "{source}");
        }
    }

    #[test]
    fn nesting_error_has_the_position_of_the_bracket() {
        let source = format!("let é = 1;\né{}", "[".repeat(MAX_NESTING + 1));
        let position = inspect(&source).unwrap_err().position.unwrap();
        assert_eq!((position.line, position.column), (2, 202));
    }

    proptest! {
        #[test]
        fn nesting_scan_survives_any_source(source in ".{0,400}", tokens in prop::collection::vec("[(){}\\[\\]`$/*'\"\\\\\na ]{0,6}", 0..80)) {
            let _ = inspect(&source);
            let _ = inspect(&tokens.concat());
            let _ = (unclosed(&source), unclosed(&tokens.concat()));
        }
    }
}
