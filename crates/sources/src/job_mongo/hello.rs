//! One question to a server: what is it, and which others does it know?
//!
//! It is asked on a connection of its own and without credentials, because the driver would follow the answer.

use std::io;

use ig_core::job::FetchError;
use mongodb::bson::{RawDocument, RawDocumentBuf, doc};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::dialer::{Connection, Dialer};
use super::host::Host;

/// The operation of a message with documents (`OP_MSG`).
const MESSAGE: i32 = 2_013;
/// Length, request, response and operation of a message.
const HEADER_BYTES: usize = 16;
/// Flags and kind of section, before the document.
const PREFIX_BYTES: usize = 5;
/// The largest answer that is read: 50 members with long names are far smaller.
const MAX_ANSWER_BYTES: usize = 256 * 1024;

/// The role of a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// A server of its own, or a router of a cluster.
    Alone,
    /// A secondary of a replica set.
    Secondary,
    /// The primary of a replica set.
    Primary,
    /// An arbiter, or a member that has no data yet.
    Without,
}

/// A server's answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) role: Role,
    pub(super) replica_set: Option<String>,
    /// The other members with data that it knows.
    pub(super) members: Vec<Host>,
}

/// Asks a server.
pub(super) async fn ask(dialer: &Dialer<'_>, host: &Host) -> Result<Answer, FetchError> {
    let mut connection = dialer.dial(host).await?;
    let answer = exchange(connection.as_mut()).await;
    answer.map_err(|error| FetchError::Unavailable(format!("{host} does not answer like a MongoDB server: {error}.")))
}

async fn exchange(connection: &mut dyn Connection) -> io::Result<Answer> {
    connection.write_all(&question()?).await?;
    connection.flush().await?;
    let mut header = [0; HEADER_BYTES];
    connection.read_exact(&mut header).await?;
    let mut body = vec![0; body_bytes(&header)?];
    connection.read_exact(&mut body).await?;
    parse(&body).ok_or_else(|| malformed("its answer cannot be read"))
}

fn question() -> io::Result<Vec<u8>> {
    let hello = RawDocumentBuf::try_from(&doc! { "hello": 1, "$db": "admin" }).map_err(io::Error::other)?;
    let document = hello.as_bytes();
    let length = i32::try_from(HEADER_BYTES + PREFIX_BYTES + document.len()).map_err(io::Error::other)?;
    let mut message = Vec::new();
    for part in [length, 1, 0, MESSAGE] {
        message.extend(part.to_le_bytes());
    }
    message.extend([0; PREFIX_BYTES]);
    message.extend(document);
    Ok(message)
}

fn body_bytes(header: &[u8; HEADER_BYTES]) -> io::Result<usize> {
    let part = |at: usize| header[at..].first_chunk().map(|bytes| i32::from_le_bytes(*bytes));
    let length = part(0).and_then(|length| usize::try_from(length).ok()).unwrap_or_default();
    let is_message = part(12) == Some(MESSAGE);
    match length.checked_sub(HEADER_BYTES) {
        Some(body) if is_message && body <= MAX_ANSWER_BYTES => Ok(body),
        _ => Err(malformed("its answer has a wrong form")),
    }
}

fn malformed(reason: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, reason)
}

fn parse(body: &[u8]) -> Option<Answer> {
    let (prefix, rest) = body.split_at_checked(PREFIX_BYTES)?;
    let length = usize::try_from(i32::from_le_bytes(*rest.first_chunk()?)).ok()?;
    let document = RawDocument::from_bytes(rest.get(..length)?).ok()?;
    // The last byte of the prefix is the kind of the section: 0 is one document.
    (prefix.last() == Some(&0)).then(|| read(document))
}

fn read(answer: &RawDocument) -> Answer {
    let flag = |name: &str| answer.get_bool(name).unwrap_or(false);
    let replica_set = answer.get_str("setName").ok().map(str::to_owned);
    let is_router = answer.get_str("msg").is_ok_and(|message| message == "isdbgrid");
    let is_writable = flag("isWritablePrimary") || flag("ismaster");
    let role = match &replica_set {
        None if is_router || is_writable => Role::Alone,
        Some(_) if flag("secondary") => Role::Secondary,
        Some(_) if is_writable => Role::Primary,
        None | Some(_) => Role::Without,
    };
    // It was reached, whatever it calls itself.
    let own = answer.get_str("me").ok().and_then(Host::parse);
    let members = ["hosts", "passives"].into_iter().flat_map(|list| hosts(answer, list));
    let members = members.filter(|member| Some(member) != own.as_ref()).collect();
    Answer {
        role,
        replica_set,
        members,
    }
}

fn hosts<'a>(answer: &'a RawDocument, list: &str) -> impl Iterator<Item = Host> + use<'a> {
    let items = answer.get_array(list).ok().into_iter().flatten();
    items.filter_map(|item| Host::parse(item.ok()?.as_str()?))
}

#[cfg(test)]
mod tests {
    use mongodb::bson::Document;
    use proptest::prelude::*;

    use super::*;

    fn answer(document: &Document) -> Answer {
        read(&RawDocumentBuf::try_from(document).unwrap())
    }

    #[test]
    fn answer_tells_the_role_of_a_server() {
        let cases = [
            (doc! { "isWritablePrimary": true }, Role::Alone),
            (doc! { "ismaster": true, "msg": "isdbgrid" }, Role::Alone),
            (doc! { "setName": "rs", "isWritablePrimary": true }, Role::Primary),
            (
                doc! { "setName": "rs", "isWritablePrimary": false, "secondary": true },
                Role::Secondary,
            ),
            (doc! { "setName": "rs", "arbiterOnly": true }, Role::Without),
            (doc! { "isreplicaset": true, "isWritablePrimary": false }, Role::Without),
            (doc! {}, Role::Without),
        ];
        for (document, role) in cases {
            assert_eq!(answer(&document).role, role, "{document}");
        }
    }

    #[test]
    fn answer_names_other_members_and_no_sockets() {
        let document = doc! {
            "setName": "rs", "secondary": true, "arbiters": ["c:1"], "me": "internal:1",
            "hosts": ["a.example:1", "Internal:1", "/tmp/mongodb-27017.sock", 5], "passives": ["b.example"],
        };
        let members: Vec<_> = answer(&document).members.iter().map(Host::to_string).collect();
        assert_eq!(members, ["a.example:1", "b.example:27017"]);
    }

    #[test]
    fn answer_larger_than_any_replica_set_is_refused() {
        let header = |length: i32, operation: i32| {
            let parts = [length, 1, 1, operation].map(i32::to_le_bytes);
            <[u8; HEADER_BYTES]>::try_from(parts.concat()).unwrap()
        };
        assert_eq!(body_bytes(&header(100, MESSAGE)).unwrap(), 84);
        for (length, operation) in [(i32::MAX, MESSAGE), (15, MESSAGE), (-1, MESSAGE), (100, 1)] {
            assert!(body_bytes(&header(length, operation)).is_err());
        }
    }

    proptest! {
        #[test]
        fn parsing_an_answer_never_panics(body in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = parse(&body);
        }
    }
}
