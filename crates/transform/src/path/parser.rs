//! Parser of paths.

use super::{Segment, Stage};

/// Parses a path one character at a time.
#[derive(Default)]
pub(super) struct Parser {
    stages: Vec<Stage>,
    stage: Stage,
    key: String,
    escaped: bool,
    after_bracket: bool,
}

impl Parser {
    pub(super) fn parse(mut self, text: &str) -> Result<Vec<Stage>, String> {
        let mut letters = text.chars();
        while let Some(letter) = letters.next() {
            match letter {
                '\\' => self.escape(letters.next())?,
                '.' => self.end_segment()?,
                '[' => self.bracket(&mut letters)?,
                ']' => return Err("has a ] without a [".to_owned()),
                _ => self.push(letter)?,
            }
        }
        self.end_segment()?;
        self.stages.push(self.stage);
        Ok(self.stages)
    }

    fn push(&mut self, letter: char) -> Result<(), String> {
        if self.after_bracket {
            return Err("needs a dot or a bracket after ]".to_owned());
        }
        self.key.push(letter);
        Ok(())
    }

    fn escape(&mut self, letter: Option<char>) -> Result<(), String> {
        let letter = letter.ok_or("must not end with a backslash")?;
        self.escaped = true;
        self.push(letter)
    }

    fn end_segment(&mut self) -> Result<(), String> {
        if !self.after_bracket {
            self.end_key()?;
        }
        self.after_bracket = false;
        Ok(())
    }

    fn end_key(&mut self) -> Result<(), String> {
        let text = std::mem::take(&mut self.key);
        if text.is_empty() {
            return Err("must name a key between dots, such as patient.name".to_owned());
        }
        let escaped = std::mem::take(&mut self.escaped);
        self.stage.push(segment(text, escaped));
        Ok(())
    }

    /// Parses what follows a `[`: `]` for every element, or an index.
    fn bracket(&mut self, letters: &mut impl Iterator<Item = char>) -> Result<(), String> {
        if !self.after_bracket {
            self.end_key()?;
        }
        self.after_bracket = true;
        let text = until_bracket(letters)?;
        if text.is_empty() {
            self.stages.push(std::mem::take(&mut self.stage));
            return Ok(());
        }
        match segment(text, false) {
            Segment::Key(_) => Err("must hold a number or nothing between [ and ]".to_owned()),
            index @ Segment::Index { .. } => {
                self.stage.push(index);
                Ok(())
            }
        }
    }
}

/// The text before the next `]`.
fn until_bracket(letters: &mut impl Iterator<Item = char>) -> Result<String, String> {
    let mut text = String::new();
    loop {
        match letters.next() {
            Some(']') => return Ok(text),
            Some(letter) => text.push(letter),
            None => return Err("has a [ without a ]".to_owned()),
        }
    }
}

fn segment(text: String, escaped: bool) -> Segment {
    let digits = !escaped && text.bytes().all(|byte| byte.is_ascii_digit());
    match text.parse() {
        Ok(at) if digits => Segment::Index { at, text },
        _ => Segment::Key(text),
    }
}
