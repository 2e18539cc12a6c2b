//! Masks credentials that a target echoes in its response.

use std::borrow::Cow;

use bytes::Bytes;
use ig_core::header_lines::HeaderLines;
use ig_core::secret::MASK;

/// A shorter credential would match in ordinary text.
const MIN_LENGTH: usize = 4;

/// The credentials of a request, as an echo would contain them.
#[derive(Debug, Default)]
pub(crate) struct CredentialMask(Vec<Vec<u8>>);

impl CredentialMask {
    /// Takes the values of credential headers, and drops the scheme before each.
    pub(crate) fn new<'a>(values: impl Iterator<Item = &'a [u8]>) -> Self {
        let bare = |value: &'a [u8]| {
            value
                .strip_prefix(b"Bearer ")
                .or(value.strip_prefix(b"Basic "))
                .unwrap_or(value)
        };
        let long_enough = |value: &&[u8]| value.len() >= MIN_LENGTH;
        Self(values.map(bare).filter(long_enough).map(<[u8]>::to_vec).collect())
    }

    /// These credentials and the token of one request.
    pub(crate) fn with_token(&self, granted: Option<&str>) -> Self {
        let mut all = self.0.clone();
        let granted = granted.map(str::as_bytes).filter(|value| value.len() >= MIN_LENGTH);
        all.extend(granted.map(<[u8]>::to_vec));
        Self(all)
    }

    /// The body with credentials masked.
    pub(crate) fn mask_body(&self, body: Bytes) -> Bytes {
        match self.masked_bytes(&body) {
            Cow::Borrowed(_) => body,
            Cow::Owned(masked) => masked.into(),
        }
    }

    /// The headers with credentials masked.
    pub(crate) fn mask_headers(&self, headers: HeaderLines) -> HeaderLines {
        match self.masked_bytes(headers.as_str().as_bytes()) {
            Cow::Borrowed(_) => headers,
            Cow::Owned(masked) => HeaderLines::read(String::from_utf8_lossy(&masked)),
        }
    }

    fn masked_bytes<'a>(&self, bytes: &'a [u8]) -> Cow<'a, [u8]> {
        self.0
            .iter()
            .fold(Cow::Borrowed(bytes), |bytes, credential| match find(&bytes, credential) {
                Some(_) => Cow::Owned(replaced(&bytes, credential)),
                None => bytes,
            })
    }
}

fn replaced(mut rest: &[u8], credential: &[u8]) -> Vec<u8> {
    let mut masked = Vec::with_capacity(rest.len());
    while let Some(at) = find(rest, credential) {
        masked.extend_from_slice(&rest[..at]);
        masked.extend_from_slice(MASK.as_bytes());
        rest = &rest[at + credential.len()..];
    }
    masked.extend_from_slice(rest);
    masked
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes.windows(wanted.len()).position(|window| window == wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credential_mask_hides_every_occurrence_and_nothing_else() {
        let mask = CredentialMask::new([b"Bearer tok3n".as_slice(), b"abc", b"k-1-k-1"].into_iter());
        let body = Bytes::from_static(b"tok3ntok3n k-1-k-1-k-1 abc");
        assert_eq!(&mask.mask_body(body)[..], b"**************** ********-k-1 abc");
        let headers = |text: &str| HeaderLines::from_iter([("a", text), ("b", "no")]);
        assert_eq!(mask.mask_headers(headers("a tok3n")), headers("a ********"));
    }
}
