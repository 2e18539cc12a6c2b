//! How deep a source nests, told without parsing it: the parser would overflow its stack on the way.
//!
//! It knows texts, templates, comments and regular expressions as far as brackets in them go. Where it takes one for the other
//! the worker is still a process that may die; this only turns the common case into a clear answer.

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

/// Where the first text, template, comment or regular expression begins that nothing closes.
pub(super) fn unclosed(source: &str) -> Option<Position> {
    let mut scan = Scan::new(source.as_bytes());
    while let Some(byte) = scan.next() {
        scan.step(byte);
    }
    scan.unclosed.map(|offset| position(source, offset))
}

/// The place of a byte.
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

/// Where the bracket stands that is one too many.
fn too_deep(source: &[u8]) -> Option<usize> {
    let mut scan = Scan::new(source);
    while let Some(byte) = scan.next() {
        scan.step(byte);
        if scan.open.len() > MAX_NESTING {
            return Some(scan.at - 1);
        }
    }
    None
}

struct Scan<'a> {
    source: &'a [u8],
    at: usize,
    /// The brackets that are open.
    open: Vec<u8>,
    /// Whether an operand has just ended, so that a slash divides.
    operand: bool,
    /// Where the first text begins that nothing closes.
    unclosed: Option<usize>,
}

impl<'a> Scan<'a> {
    fn new(source: &'a [u8]) -> Self {
        Self {
            source,
            at: 0,
            open: Vec::new(),
            operand: false,
            unclosed: None,
        }
    }

    /// What began here has come to no end.
    fn not_closed(&mut self, began: usize) {
        self.unclosed.get_or_insert(began);
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
                self.operand = byte != b'}';
            }
            _ if byte.is_ascii_whitespace() => {}
            _ if is_word(byte) => self.word(),
            _ => self.operand = false,
        }
    }

    fn enter(&mut self, bracket: u8) {
        self.open.push(bracket);
        self.operand = false;
    }

    fn text(&mut self, quote: u8) {
        let began = self.at - 1;
        self.operand = true;
        while let Some(byte) = self.next() {
            match byte {
                b'\\' => self.at += 1,
                b'\n' => break,
                _ if byte == quote => return,
                _ => {}
            }
        }
        self.not_closed(began);
    }

    /// The characters of a template up to its end or to the next `${`, which counts as a bracket.
    fn template(&mut self) {
        let began = self.at - 1;
        self.operand = true;
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
        self.not_closed(began);
    }

    fn slash(&mut self) {
        match self.source.get(self.at) {
            Some(b'/') => while self.next().is_some_and(|byte| byte != b'\n') {},
            Some(b'*') => self.comment(),
            _ if self.operand => self.operand = false,
            _ => self.expression(),
        }
    }

    fn comment(&mut self) {
        let began = self.at - 1;
        self.at += 1;
        while let Some(byte) = self.next() {
            if byte == b'*' && self.source.get(self.at) == Some(&b'/') {
                self.at += 1;
                return;
            }
        }
        self.not_closed(began);
    }

    fn expression(&mut self) {
        let began = self.at - 1;
        self.operand = true;
        let mut class = false;
        while let Some(byte) = self.next() {
            match byte {
                b'\\' => self.at += 1,
                b'\n' => break,
                b'[' => class = true,
                b']' => class = false,
                b'/' if !class => return,
                _ => {}
            }
        }
        self.not_closed(began);
    }

    fn word(&mut self) {
        let start = self.at - 1;
        while self.source.get(self.at).copied().is_some_and(is_word) {
            self.at += 1;
        }
        self.operand = !BEFORE_OPERANDS.contains(&&self.source[start..self.at]);
    }
}

/// Words after which an operand comes, so that a slash begins a regular expression.
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
    fn brackets_nest_up_to_the_limit() {
        for (open, close) in [("(", ")"), ("[", "]"), ("{a:", "}"), ("`${", "}`")] {
            assert_eq!(inspect(&nested(open, close, MAX_NESTING)), Ok(()), "{open}");
            let failure = inspect(&nested(open, close, MAX_NESTING + 1)).unwrap_err();
            assert_eq!(failure.fault, ScriptFault::Limit, "{open}");
            assert_eq!(failure.position.unwrap().line, 1);
        }
    }

    #[test]
    fn brackets_in_texts_comments_and_regular_expressions_are_none() {
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
    fn a_closing_bracket_in_a_text_does_not_close() {
        let source = "(')' + ".repeat(MAX_NESTING + 1);
        assert!(inspect(&source).is_err());
        let source = "a / (b) / [`)` + ".repeat(MAX_NESTING + 1);
        assert!(inspect(&source).is_err());
    }

    #[test]
    fn what_nothing_closes_is_found_where_it_begins() {
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
    fn the_place_is_that_of_the_bracket() {
        let source = format!("let é = 1;\né{}", "[".repeat(MAX_NESTING + 1));
        let position = inspect(&source).unwrap_err().position.unwrap();
        assert_eq!((position.line, position.column), (2, 202));
    }

    proptest! {
        #[test]
        fn no_source_makes_it_panic(source in ".{0,400}", tokens in prop::collection::vec("[(){}\\[\\]`$/*'\"\\\\\na ]{0,6}", 0..80)) {
            let _ = inspect(&source);
            let _ = inspect(&tokens.concat());
            let _ = (unclosed(&source), unclosed(&tokens.concat()));
        }
    }
}
