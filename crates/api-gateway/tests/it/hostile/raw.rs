//! Exchanges of raw bytes.

use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::api::{ADMIN_KEY, Api};

/// The start of a request with a key; `more` holds whole lines.
pub(super) fn head(method: &str, path: &str, more: &str) -> String {
    format!(
        "{method} /api/v1{path} HTTP/1.1\r\nhost: x\r\nx-api-key: {ADMIN_KEY}\r\ncontent-type: application/json\r\n{more}\r\n"
    )
}

/// Sends bytes and returns everything received until the gateway closes the connection, which it must.
pub(super) async fn exchange(api: &Api, bytes: &[u8]) -> Vec<u8> {
    exchanged(api, bytes, false).await
}

/// Sends bytes and closes the sending side.
pub(super) async fn exchange_to_the_end(api: &Api, bytes: &[u8]) -> Vec<u8> {
    exchanged(api, bytes, true).await
}

async fn exchanged(api: &Api, bytes: &[u8], ends: bool) -> Vec<u8> {
    let stream = TcpStream::connect(api.at.http).await.unwrap();
    let (mut reader, mut writer) = stream.into_split();
    let sending = async {
        // The gateway may close the connection before everything is sent.
        let _ = writer.write_all(bytes).await;
        if ends {
            let _ = writer.shutdown().await;
        }
    };
    let reading = async {
        let mut answer = Vec::new();
        // A gateway that closes early may reset the connection after its response.
        let _ = reader.read_to_end(&mut answer).await;
        answer
    };
    let both = async { tokio::join!(sending, reading).1 };
    tokio::time::timeout(Duration::from_mins(1), both)
        .await
        .expect("the connection ends")
}

/// The status of the first response, if there is one.
pub(super) fn status(answer: &[u8]) -> Option<u16> {
    let line = answer.split(|byte| *byte == b'\r').next()?;
    String::from_utf8_lossy(line).split(' ').nth(1)?.parse().ok()
}

/// The statuses of all responses, in order.
pub(super) fn statuses(answer: &[u8]) -> Vec<u16> {
    let text = String::from_utf8_lossy(answer).into_owned();
    let lines = text.split("HTTP/1.1 ").skip(1);
    lines.filter_map(|line| line.get(..3)?.parse().ok()).collect()
}

/// Whether the body has the usual shape of errors.
pub(super) fn is_in_shape(answer: &[u8]) -> bool {
    let text = String::from_utf8_lossy(answer).into_owned();
    let body = text.split("\r\n\r\n").nth(1).unwrap_or_default();
    serde_json::from_str::<serde_json::Value>(body)
        .is_ok_and(|body| body["code"].is_string() && body["requestId"].is_string() && body["statusCode"].is_number())
}

/// Asserts that the gateway still serves other clients.
pub(super) async fn serves(api: &Api) {
    let answer = api.get("/health").await;
    assert_eq!(answer.status, 200, "{answer:?}");
}
