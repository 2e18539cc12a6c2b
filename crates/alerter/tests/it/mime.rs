//! Reads a mail, as far as tests need it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// A mail or a part of one.
#[derive(Debug, Clone)]
pub(crate) struct Part {
    headers: Vec<(String, String)>,
    body: String,
}

impl Part {
    pub(crate) fn read(text: &str) -> Self {
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or((text, ""));
        let head = head.replace("\r\n ", " ").replace("\r\n\t", " ");
        let headers = head.split("\r\n").map(|line| {
            let (name, value) = line.split_once(": ").unwrap_or_else(|| panic!("a header: {line:?}"));
            (name.to_ascii_lowercase(), value.to_owned())
        });
        Self {
            headers: headers.collect(),
            body: body.to_owned(),
        }
    }

    /// The names of the headers, in order.
    pub(crate) fn names(&self) -> Vec<&str> {
        self.headers.iter().map(|(name, _)| name.as_str()).collect()
    }

    /// The only header of a name.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut values = self
            .headers
            .iter()
            .filter(|(given, _)| given == name)
            .map(|(_, value)| value.as_str());
        let value = values.next();
        assert_eq!(values.next(), None, "{name} is there once");
        value
    }

    /// The parts of a multipart, in order, at any depth.
    pub(crate) fn leaves(&self) -> Vec<Part> {
        let kind = self.header("content-type").unwrap_or_default();
        let Some((_, boundary)) = kind.split_once("boundary=\"") else {
            return vec![self.clone()];
        };
        let boundary = format!("--{}", boundary.split('"').next().unwrap());
        let inner = self
            .body
            .split(boundary.as_str())
            .skip(1)
            .filter(|part| !part.starts_with("--"));
        inner
            .flat_map(|part| Part::read(part.trim_start_matches("\r\n")).leaves())
            .collect()
    }

    /// The body, decoded.
    pub(crate) fn content(&self) -> String {
        let bytes = match self.header("content-transfer-encoding").unwrap_or("7bit") {
            "base64" => STANDARD.decode(self.body.replace("\r\n", "")).unwrap(),
            "quoted-printable" => quoted_printable(&self.body),
            _ => self.body.clone().into_bytes(),
        };
        String::from_utf8(bytes).unwrap().replace("\r\n", "\n")
    }
}

fn quoted_printable(text: &str) -> Vec<u8> {
    let joined = text.replace("=\r\n", "");
    let mut pieces = joined.split('=');
    let mut bytes = pieces.next().unwrap_or_default().as_bytes().to_vec();
    for piece in pieces {
        bytes.push(u8::from_str_radix(&piece[..2], 16).unwrap());
        bytes.extend_from_slice(&piece.as_bytes()[2..]);
    }
    bytes
}

/// A header's value with its encoded words read (RFC 2047).
pub(crate) fn words(value: &str) -> String {
    let joined = value.replace("?= =?utf-8?b?", "");
    let mut rest = joined.as_str();
    let mut text = String::new();
    while let Some((before, encoded)) = rest.split_once("=?utf-8?b?") {
        let (encoded, after) = encoded.split_once("?=").unwrap();
        text.push_str(before);
        text.push_str(&String::from_utf8(joined_words(encoded)).unwrap());
        rest = after;
    }
    text + rest
}

/// Words that were joined may each end in padding.
fn joined_words(encoded: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut word = String::new();
    for (at, character) in encoded.char_indices() {
        word.push(character);
        let ends = character == '=' && !encoded[at + 1..].starts_with('=');
        if ends || at + 1 == encoded.len() {
            bytes.extend(STANDARD.decode(std::mem::take(&mut word)).unwrap());
        }
    }
    bytes
}
