//! Sends a call once, within the time limits of its steps.

use std::time::Duration;

use http::Response;
use http::header::{AUTHORIZATION, HeaderValue};
use hyper::body::Incoming;
use hyper_util::client::legacy;
use hyper_util::client::legacy::connect::{CaptureConnection, capture_connection};
use ig_core::inbound::ProxyTimeouts;
use ig_core::outcome::{ErrorCategory, Failure};
use tokio::time::{Instant, sleep_until};

use super::call::ProxiedCall;
use super::response::{ProxyResponse, ResponseBody};
use super::upload::{Upload, UploadBody, UploadState, UploadStream};
use super::{Proxy, ProxyClient};
use crate::exchange::failure;
use crate::tokens::Token;

/// Why a call got no response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CallError {
    /// The target, or the way to it, failed.
    Target(Failure),
    /// No connection was established in time, so nothing was sent.
    NotConnected(Failure),
    /// The client's body broke off.
    ClientAborted,
    /// The client did not send the next chunk of its body for this long.
    ClientStalled(Duration),
}

impl Proxy {
    /// Sends a call once. The target must begin to respond before the deadline, which covers earlier attempts too. Streaming after that has
    /// no time limit as a whole.
    pub async fn pass(&self, call: &ProxiedCall, deadline: Instant) -> Result<ProxyResponse, CallError> {
        let spec = call.template.spec();
        let token = self.fetch_token(call, deadline).await.map_err(CallError::Target)?;
        let response = send(&self.client, build_request(call, token.as_ref(), deadline)?, call, deadline).await?;
        call.upload.mark_response_started();
        let ProxyTimeouts { idle, total, .. } = spec.timeouts;
        let mask = spec.credential_mask.with_token(token.as_ref().map(Token::expose));
        let body = |incoming| ResponseBody::new(incoming, idle, (deadline, total));
        Ok(ProxyResponse::new(response, body, token, mask))
    }

    /// Makes the next call carry a fresh token, unless the refused one has been replaced already.
    pub fn refuse_token(&self, call: &ProxiedCall, refused: &Token) {
        if let Some(key) = &call.template.spec().token_key {
            self.deliverer.tokens().invalidate(key, refused);
        }
    }

    async fn fetch_token(&self, call: &ProxiedCall, deadline: Instant) -> Result<Option<Token>, Failure> {
        let Some(key) = &call.template.spec().token_key else {
            return Ok(None);
        };
        let tokens = self.deliverer.tokens();
        tokens.get(key, self.deliverer.client(), deadline).await.map(Some)
    }
}

fn build_request(call: &ProxiedCall, token: Option<&Token>, deadline: Instant) -> Result<http::Request<UploadBody>, CallError> {
    let idle = call.template.spec().timeouts.idle;
    let mut request = http::Request::new(call.upload.body(idle, deadline));
    *request.method_mut() = call.method.clone();
    *request.uri_mut() = call.address.clone();
    *request.headers_mut() = call.headers.clone();
    if let Some(token) = token {
        let mut value = HeaderValue::from_str(&format!("Bearer {}", token.expose())).map_err(|_| {
            let message = "The token endpoint granted a token that no header can hold.";
            CallError::Target(Failure::new(ErrorCategory::Config, message))
        })?;
        value.set_sensitive(true);
        request.headers_mut().insert(AUTHORIZATION, value);
    }
    Ok(request)
}

async fn send(
    client: &ProxyClient,
    mut request: http::Request<UploadBody>,
    call: &ProxiedCall,
    deadline: Instant,
) -> Result<Response<Incoming>, CallError> {
    let watchdog = Watchdog {
        timeouts: call.template.spec().timeouts,
        started: Instant::now(),
        deadline,
        upload: &call.upload,
    };
    let connection = capture_connection(&mut request);
    tokio::select! {
        biased;
        response = client.request(request) => response.map_err(|error| watchdog.to_call_error(&error)),
        error = watchdog.wait_for_timeout(connection) => Err(error),
    }
}

/// The time limits of one attempt.
struct Watchdog<'a> {
    timeouts: ProxyTimeouts,
    started: Instant,
    deadline: Instant,
    upload: &'a Upload,
}

impl Watchdog<'_> {
    /// Waits until the current step exceeds its limit.
    async fn wait_for_timeout(&self, mut connection: CaptureConnection) -> CallError {
        let connecting = self.deadline.min(self.started + self.timeouts.connect);
        let connected = tokio::time::timeout_at(connecting, connection.wait_for_connection_metadata())
            .await
            .is_ok();
        if !connected {
            return CallError::NotConnected(self.timeout_failure("could not be connected to", self.timeouts.connect));
        }
        if let Upload::Streamed(stream) = self.upload
            && let Err(error) = self.wait_until_sent(stream).await
        {
            return error;
        }
        let first_byte = Instant::now() + self.timeouts.first_byte;
        sleep_until(self.deadline.min(first_byte)).await;
        CallError::Target(self.timeout_failure("did not begin to answer", self.timeouts.first_byte))
    }

    /// Why a request ended without a response.
    fn to_call_error(&self, error: &legacy::Error) -> CallError {
        match self.upload.state() {
            Some(UploadState::ClientAborted) => CallError::ClientAborted,
            Some(UploadState::ClientStalled) => self.stall_error(),
            _ => CallError::Target(failure::from_request_error(error)),
        }
    }

    /// The client stalled; at the deadline the call's own time ran out instead.
    fn stall_error(&self) -> CallError {
        if self.deadline <= Instant::now() {
            return CallError::Target(failure::deadline_exceeded(self.timeouts.total));
        }
        CallError::ClientStalled(self.timeouts.idle)
    }

    /// Waits until the whole body is sent; the error says which side stalled.
    async fn wait_until_sent(&self, stream: &UploadStream) -> Result<(), CallError> {
        loop {
            let (state, since) = stream.state();
            let until = match state {
                UploadState::Complete | UploadState::ClientAborted => return Ok(()),
                UploadState::ClientStalled => return Err(self.stall_error()),
                // The body itself times the client.
                UploadState::AwaitingClient => Instant::now() + self.timeouts.idle,
                UploadState::AwaitingTarget | UploadState::NotStarted => since + self.timeouts.idle,
            };
            if until <= Instant::now() {
                let failure = self.timeout_failure("stopped taking the request", self.timeouts.idle);
                return Err(CallError::Target(failure));
            }
            if self.deadline <= Instant::now() {
                return Err(CallError::Target(failure::deadline_exceeded(self.timeouts.total)));
            }
            let _ = tokio::time::timeout_at(self.deadline.min(until), stream.ended()).await;
        }
    }

    fn timeout_failure(&self, what: &str, after: Duration) -> Failure {
        if Instant::now() >= self.deadline {
            return failure::deadline_exceeded(self.timeouts.total);
        }
        let message = format!("The target {what} within {} ms.", after.as_millis());
        Failure::new(ErrorCategory::Timeout, message)
    }
}
