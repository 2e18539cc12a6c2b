//! Passing a call on, once, within the time that each of its steps may take.

use std::time::Duration;

use http::Response;
use http::header::{AUTHORIZATION, HeaderValue};
use hyper::body::Incoming;
use hyper_util::client::legacy;
use hyper_util::client::legacy::connect::{CaptureConnection, capture_connection};
use ig_core::inbound::ProxyTimeouts;
use ig_core::outcome::{ErrorCategory, Failure};
use tokio::time::{Instant, sleep_until};

use super::answered::{Answered, AnsweredBody};
use super::call::ProxiedCall;
use super::upload::{Stage, Stream, Upload, Uploading};
use super::{Proxy, ProxyClient};
use crate::exchange::failure;
use crate::tokens::Token;

/// Why a call was not answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CallError {
    /// The target, or the way to it, failed.
    Target(Failure),
    /// No connection to the target came about in time, so nothing was sent.
    Unconnected(Failure),
    /// The client's body broke off.
    ClientBroke,
    /// The client did not send the next part of its body for this long.
    ClientStalled(Duration),
}

impl Proxy {
    /// Passes a call on, once. Until the deadline the target has to begin to answer, earlier tries included; what streams then, in either
    /// direction, has as long as it goes on.
    pub async fn pass(&self, call: &ProxiedCall, deadline: Instant) -> Result<Answered, CallError> {
        let parts = call.template.parts();
        let token = self.token(call, deadline).await.map_err(CallError::Target)?;
        let response = send(&self.client, request(call, token.as_ref(), deadline)?, call, deadline).await?;
        call.upload.answered();
        let ProxyTimeouts { idle, total, .. } = parts.timeouts;
        let credentials = parts.credentials.with(token.as_ref().map(Token::expose));
        let body = |incoming| AnsweredBody::new(incoming, idle, (deadline, total));
        Ok(Answered::new(response, body, token, credentials))
    }

    /// Has the next call carry a fresh token, unless the one that was refused has been replaced already.
    pub fn refuse_token(&self, call: &ProxiedCall, refused: &Token) {
        if let Some(grant) = &call.template.parts().grant {
            self.deliverer.tokens().forget(grant, refused);
        }
    }

    async fn token(&self, call: &ProxiedCall, deadline: Instant) -> Result<Option<Token>, Failure> {
        let Some(grant) = &call.template.parts().grant else {
            return Ok(None);
        };
        let tokens = self.deliverer.tokens();
        tokens.get(grant, self.deliverer.client(), deadline).await.map(Some)
    }
}

fn request(call: &ProxiedCall, token: Option<&Token>, deadline: Instant) -> Result<http::Request<Uploading>, CallError> {
    let idle = call.template.parts().timeouts.idle;
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
    mut request: http::Request<Uploading>,
    call: &ProxiedCall,
    deadline: Instant,
) -> Result<Response<Incoming>, CallError> {
    let clock = Clock {
        timeouts: call.template.parts().timeouts,
        began: Instant::now(),
        deadline,
        upload: &call.upload,
    };
    let connection = capture_connection(&mut request);
    tokio::select! {
        biased;
        response = client.request(request) => response.map_err(|error| clock.ended(&error)),
        late = clock.runs_out(connection) => Err(late),
    }
}

/// The times of one try.
struct Clock<'a> {
    timeouts: ProxyTimeouts,
    began: Instant,
    deadline: Instant,
    upload: &'a Upload,
}

impl Clock<'_> {
    /// Waits until the present step has taken longer than it may.
    async fn runs_out(&self, mut connection: CaptureConnection) -> CallError {
        let connecting = self.deadline.min(self.began + self.timeouts.connect);
        let connected = tokio::time::timeout_at(connecting, connection.wait_for_connection_metadata())
            .await
            .is_ok();
        if !connected {
            return CallError::Unconnected(self.late("could not be connected to", self.timeouts.connect));
        }
        if let Upload::Streamed(stream) = self.upload
            && let Err(late) = self.sent(stream).await
        {
            return late;
        }
        let first_byte = Instant::now() + self.timeouts.first_byte;
        sleep_until(self.deadline.min(first_byte)).await;
        CallError::Target(self.late("did not begin to answer", self.timeouts.first_byte))
    }

    /// Why a request that ended without an answer did.
    fn ended(&self, error: &legacy::Error) -> CallError {
        match self.upload.stage() {
            Some(Stage::Broken) => CallError::ClientBroke,
            Some(Stage::Stalled) => self.stalled(),
            _ => CallError::Target(failure::of_request(error)),
        }
    }

    /// The client did not go on; at the end of the call's time it is that which ran out.
    fn stalled(&self) -> CallError {
        if self.deadline <= Instant::now() {
            return CallError::Target(failure::deadline(self.timeouts.total));
        }
        CallError::ClientStalled(self.timeouts.idle)
    }

    /// Waits until all of a body was handed on; the error is that somebody stopped in the middle.
    async fn sent(&self, stream: &Stream) -> Result<(), CallError> {
        loop {
            let (stage, since) = stream.stage();
            let until = match stage {
                Stage::Ended | Stage::Broken => return Ok(()),
                Stage::Stalled => return Err(self.stalled()),
                // The body keeps the client's time itself.
                Stage::Client => Instant::now() + self.timeouts.idle,
                Stage::Target | Stage::Waiting => since + self.timeouts.idle,
            };
            if until <= Instant::now() {
                let late = self.late("stopped taking the request", self.timeouts.idle);
                return Err(CallError::Target(late));
            }
            if self.deadline <= Instant::now() {
                return Err(CallError::Target(failure::deadline(self.timeouts.total)));
            }
            let _ = tokio::time::timeout_at(self.deadline.min(until), stream.ended()).await;
        }
    }

    fn late(&self, what: &str, after: Duration) -> Failure {
        if Instant::now() >= self.deadline {
            return failure::deadline(self.timeouts.total);
        }
        let message = format!("The target {what} within {} ms.", after.as_millis());
        Failure::new(ErrorCategory::Timeout, message)
    }
}
