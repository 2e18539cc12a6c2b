//! A guarded request whose whole response is read, up to a size: for data that is fetched, not for deliveries.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::header::{CONTENT_ENCODING, HeaderMap, HeaderValue, USER_AGENT};
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use ig_core::integration::TargetUrl;
use ig_core::outcome::{ErrorCategory, Failure};
use tokio::time::{Instant, timeout_at};

use crate::deliverer::Deliverer;
use crate::exchange::decompress::decode_up_to;
use crate::exchange::failure;
use crate::template::AGENT;

/// A request for data.
#[derive(Debug, Clone)]
pub struct DataRequest {
    /// The method.
    pub method: Method,
    /// The address.
    pub url: TargetUrl,
    /// The headers.
    pub headers: HeaderMap,
    /// The body; empty for none.
    pub body: Bytes,
}

/// A whole response.
#[derive(Debug, Clone)]
pub struct DataResponse {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body, decompressed.
    pub body: Bytes,
}

/// Why there is no whole response.
#[derive(Debug, thiserror::Error)]
pub enum DataRequestError {
    /// The exchange failed, or the egress guard refused the address.
    #[error("{}", .0.message)]
    Failed(Failure),
    /// The body is larger than the caller takes.
    #[error("the answer has more than {max_bytes} bytes")]
    TooLarge {
        /// The bound.
        max_bytes: usize,
    },
}

impl Deliverer {
    /// Sends a request through the egress guard and reads the whole response. Redirects are not followed.
    ///
    /// The timeout covers all of it; `max_bytes` bounds the body before and after decompression.
    pub async fn request_data(
        &self,
        request: DataRequest,
        max_bytes: usize,
        timeout: Duration,
    ) -> Result<DataResponse, DataRequestError> {
        let deadline = Instant::now() + timeout;
        let sent = timeout_at(deadline, self.client().request(into_http(request))).await;
        let sent = sent.map_err(|_| DataRequestError::Failed(failure::deadline_exceeded(timeout)))?;
        let response = sent.map_err(|error| DataRequestError::Failed(failure::from_request_error(&error)))?;
        read_whole(response, max_bytes, deadline, timeout).await
    }
}

fn into_http(request: DataRequest) -> Request<Full<Bytes>> {
    let DataRequest {
        method,
        url,
        headers,
        body,
    } = request;
    let mut request = Request::new(Full::new(body));
    *request.method_mut() = method;
    *request.uri_mut() = url.uri().clone();
    *request.headers_mut() = headers;
    let agent = request.headers_mut().entry(USER_AGENT);
    agent.or_insert(HeaderValue::from_static(AGENT));
    request
}

async fn read_whole(
    response: Response<Incoming>,
    max_bytes: usize,
    deadline: Instant,
    timeout: Duration,
) -> Result<DataResponse, DataRequestError> {
    let (head, mut incoming) = response.into_parts();
    let timed_out = || DataRequestError::Failed(failure::deadline_exceeded(timeout));
    let mut received = BytesMut::new();
    loop {
        // A peer that always has one more empty frame ready would never let the timer be polled.
        if Instant::now() >= deadline {
            return Err(timed_out());
        }
        let frame = timeout_at(deadline, incoming.frame()).await.map_err(|_| timed_out())?;
        let frame = frame.transpose();
        let frame = frame.map_err(|error| DataRequestError::Failed(failure::from_body_error(&error)))?;
        let Some(frame) = frame else { break };
        received.extend_from_slice(frame.data_ref().map_or(&[], |data| data));
        if received.len() > max_bytes {
            return Err(DataRequestError::TooLarge { max_bytes });
        }
    }
    Ok(DataResponse {
        status: head.status,
        body: decoded(received.freeze(), &head.headers, max_bytes).await?,
        headers: head.headers,
    })
}

async fn decoded(received: Bytes, headers: &HeaderMap, max_bytes: usize) -> Result<Bytes, DataRequestError> {
    let encoding = headers.get(CONTENT_ENCODING).and_then(|value| value.to_str().ok());
    let encoding = encoding.unwrap_or_default().trim().to_ascii_lowercase();
    if encoding.is_empty() || encoding == "identity" || received.is_empty() {
        return Ok(received);
    }
    let unreadable = || {
        let message = format!("The body of the answer cannot be decompressed: its encoding is {encoding}.");
        DataRequestError::Failed(Failure::new(ErrorCategory::ServerError, message))
    };
    let body = decode_up_to(&received, &encoding, max_bytes).await.ok_or_else(unreadable)?;
    if body.bytes.len() >= max_bytes && body.truncated {
        return Err(DataRequestError::TooLarge { max_bytes });
    }
    if body.truncated { Err(unreadable()) } else { Ok(body.bytes) }
}
