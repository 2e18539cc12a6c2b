//! The current place of a walk through an input.

use std::fmt;

/// A place in an input. It costs nothing during the walk: its JSON pointer is only written out for a fault.
#[derive(Debug, Clone, Copy)]
pub struct InputPath<'a> {
    parent: Option<&'a InputPath<'a>>,
    step: Step<'a>,
}

#[derive(Debug, Clone, Copy)]
enum Step<'a> {
    Pointer(&'a str),
    Field(&'a str),
    At(usize),
}

impl<'a> InputPath<'a> {
    /// The start of a walk, as a JSON pointer.
    pub fn new(pointer: &'a str) -> Self {
        Self {
            parent: None,
            step: Step::Pointer(pointer),
        }
    }

    /// A field of the object at this place.
    #[must_use]
    pub fn field(&'a self, name: &'a str) -> Self {
        self.below(Step::Field(name))
    }

    /// An item of the list at this place.
    #[must_use]
    pub fn at(&'a self, index: usize) -> Self {
        self.below(Step::At(index))
    }

    fn below(&'a self, step: Step<'a>) -> Self {
        Self {
            parent: Some(self),
            step,
        }
    }
}

/// As a JSON pointer (RFC 6901).
impl fmt::Display for InputPath<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(parent) = self.parent {
            parent.fmt(f)?;
        }
        match self.step {
            Step::Pointer(pointer) => f.write_str(pointer),
            Step::Field(name) => write!(f, "/{}", name.replace('~', "~0").replace('/', "~1")),
            Step::At(index) => write!(f, "/{index}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_written_as_a_pointer() {
        let (start, name) = (InputPath::new("/body"), "a/b~c".to_owned());
        let list = start.field(&name);
        let item = list.at(3);
        assert_eq!(item.field("d").to_string(), "/body/a~1b~0c/3/d");
    }
}
