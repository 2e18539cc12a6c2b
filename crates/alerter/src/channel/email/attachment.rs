//! Files that a mail carries.

use bytes::Bytes;
use lettre::message::header::{ContentTransferEncoding, ContentType};
use lettre::message::{Body, SinglePart};

/// The largest file, in bytes; many servers take 10 MB, and mail makes a file a third larger.
const MAX_BYTES: usize = 5 * 1024 * 1024;
const MAX_NAME_BYTES: usize = 80;
const NAMELESS: &str = "report.csv";

/// A file is too large for mail.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the file has {bytes} bytes; mail takes {MAX_BYTES}")]
pub struct TooLarge {
    /// The size of the file, in bytes.
    pub bytes: usize,
}

/// A CSV file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attachment {
    name: String,
    content: Bytes,
}

impl Attachment {
    /// A CSV file in UTF-8 of at most 5 MiB; characters other than letters, digits and `. _ -` of its name become `-`.
    pub fn csv(name: &str, content: Bytes) -> Result<Self, TooLarge> {
        if content.len() > MAX_BYTES {
            return Err(TooLarge { bytes: content.len() });
        }
        let name: String = name.chars().take(MAX_NAME_BYTES).map(plain).collect();
        let name = name.trim_start_matches(['.', '-']);
        Ok(Self {
            name: if name.is_empty() {
                NAMELESS.to_owned()
            } else {
                name.to_owned()
            },
            content,
        })
    }

    /// Always in base64: a line of a file must not be read as the end of the mail.
    pub(super) fn part(&self) -> Option<SinglePart> {
        let body = Body::new_with_encoding(self.content.to_vec(), ContentTransferEncoding::Base64).ok()?;
        let kind = ContentType::parse("text/csv; charset=utf-8").ok()?;
        Some(lettre::message::Attachment::new(self.name.clone()).body(body, kind))
    }
}

fn plain(character: char) -> char {
    let is_plain = character.is_ascii_alphanumeric() || matches!(character, '.' | '_' | '-');
    if is_plain { character } else { '-' }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attachment_has_a_plain_name_and_a_bounded_size() {
        let name = |given: &str| Attachment::csv(given, Bytes::new()).unwrap().name;
        assert_eq!(name("failures 2026-01-01.csv"), "failures-2026-01-01.csv");
        assert_eq!(name("../\"x\r\n.csv"), "x--.csv".to_owned());
        assert_eq!(name(""), NAMELESS);
        assert_eq!(name(&"ü".repeat(1 << 20)), NAMELESS);
        let large = Bytes::from(vec![0; MAX_BYTES + 1]);
        assert_eq!(Attachment::csv("x.csv", large), Err(TooLarge { bytes: MAX_BYTES + 1 }));
    }
}
