//! Authentication of callers: mutual TLS with certificates, a shared token otherwise, loopback alone without either.

use std::{fs, path::Path};

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::Response,
};
use http::HeaderValue;
use subtle::ConstantTimeEq;
use tonic::{
    Status,
    transport::{
        Certificate, ClientTlsConfig, Identity, ServerTlsConfig,
        server::{TcpConnectInfo, TlsConnectInfo},
    },
};

use super::GrpcError;
use crate::config::{GrpcConfig, Secret};

/// How a caller authenticates.
#[derive(Debug, Clone)]
pub(super) enum CallerAuth {
    /// With a certificate that our authority signed.
    Certificate,
    /// With the token that all services share.
    Token(Secret),
    /// Not at all: only this machine can reach the server.
    LoopbackOnly,
}

impl CallerAuth {
    pub(super) fn of(config: &GrpcConfig) -> Result<Self, GrpcError> {
        match (config.tls.files(), &config.token) {
            (Some(_), _) => Ok(Self::Certificate),
            (None, Some(token)) => Ok(Self::Token(token.clone())),
            (None, None) if config.listen.ip().is_loopback() => Ok(Self::LoopbackOnly),
            (None, None) => Err(GrpcError::Unprotected(config.listen)),
        }
    }

    fn allows(&self, request: &Request) -> bool {
        match self {
            Self::Certificate => has_certificate(request),
            Self::Token(token) => has_token(request, token),
            Self::LoopbackOnly => true,
        }
    }
}

/// Rejects a call without valid credentials as UNAUTHENTICATED.
pub(super) async fn authenticate(State(auth): State<CallerAuth>, request: Request, next: Next) -> Response {
    if auth.allows(&request) {
        return next.run(request).await;
    }
    Status::unauthenticated("credentials are missing or wrong").into_http()
}

/// The handshake verifies a certificate that is presented, but does not demand one: health checks come without.
fn has_certificate(request: &Request) -> bool {
    let connection = request.extensions().get::<TlsConnectInfo<TcpConnectInfo>>();
    let presented = connection.and_then(TlsConnectInfo::peer_certs);
    presented.is_some_and(|chain| !chain.is_empty())
}

fn has_token(request: &Request, token: &Secret) -> bool {
    let header = request.headers().get(http::header::AUTHORIZATION);
    let presented = header.and_then(|value| value.as_bytes().strip_prefix(b"Bearer "));
    presented.is_some_and(|presented| bool::from(presented.ct_eq(token.expose().as_bytes())))
}

pub(super) fn server_tls(config: &GrpcConfig) -> Result<Option<ServerTlsConfig>, GrpcError> {
    let Some((cert, key, ca)) = config.tls.files() else {
        return Ok(None);
    };
    let tls = ServerTlsConfig::new().identity(Identity::from_pem(read(cert)?, read(key)?));
    Ok(Some(
        tls.client_ca_root(Certificate::from_pem(read(ca)?))
            .client_auth_optional(true),
    ))
}

pub(super) fn client_tls(config: &GrpcConfig, host: &str) -> Result<Option<ClientTlsConfig>, GrpcError> {
    let Some((cert, key, ca)) = config.tls.files() else {
        return Ok(None);
    };
    let tls = ClientTlsConfig::new().identity(Identity::from_pem(read(cert)?, read(key)?));
    Ok(Some(tls.ca_certificate(Certificate::from_pem(read(ca)?)).domain_name(host)))
}

/// The authorization header with our token; `None` with certificates, which authenticate us already.
pub(super) fn bearer(config: &GrpcConfig) -> Result<Option<HeaderValue>, GrpcError> {
    let Some(token) = config.token.as_ref().filter(|_| config.tls.files().is_none()) else {
        return Ok(None);
    };
    let mut value = HeaderValue::try_from(format!("Bearer {}", token.expose())).map_err(|_| GrpcError::Token)?;
    value.set_sensitive(true);
    Ok(Some(value))
}

fn read(file: &Path) -> Result<Vec<u8>, GrpcError> {
    fs::read(file).map_err(|source| GrpcError::Certificate {
        file: file.to_owned(),
        source,
    })
}
