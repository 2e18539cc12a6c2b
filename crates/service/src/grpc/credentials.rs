//! Who may call: mutual TLS where there are certificates, a shared token otherwise, nobody but loopback without either.

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

/// What a caller has to show.
#[derive(Debug, Clone)]
pub(super) enum Required {
    /// A certificate that our authority signed.
    Certificate,
    /// The token that all services share.
    Token(Secret),
    /// Nothing: only this machine can reach us.
    Nothing,
}

impl Required {
    pub(super) fn of(config: &GrpcConfig) -> Result<Self, GrpcError> {
        match (config.tls.files(), &config.token) {
            (Some(_), _) => Ok(Self::Certificate),
            (None, Some(token)) => Ok(Self::Token(token.clone())),
            (None, None) if config.listen.ip().is_loopback() => Ok(Self::Nothing),
            (None, None) => Err(GrpcError::Unprotected(config.listen)),
        }
    }

    fn allows(&self, request: &Request) -> bool {
        match self {
            Self::Certificate => has_certificate(request),
            Self::Token(token) => has_token(request, token),
            Self::Nothing => true,
        }
    }
}

/// Answers UNAUTHENTICATED to whoever does not show what is required.
pub(super) async fn check(State(required): State<Required>, request: Request, next: Next) -> Response {
    if required.allows(&request) {
        return next.run(request).await;
    }
    Status::unauthenticated("credentials are missing or wrong").into_http()
}

/// The handshake has verified what was shown; health checks are let in without, so it may have been nothing.
fn has_certificate(request: &Request) -> bool {
    let connection = request.extensions().get::<TlsConnectInfo<TcpConnectInfo>>();
    let shown = connection.and_then(TlsConnectInfo::peer_certs);
    shown.is_some_and(|chain| !chain.is_empty())
}

fn has_token(request: &Request, token: &Secret) -> bool {
    let header = request.headers().get(http::header::AUTHORIZATION);
    let shown = header.and_then(|value| value.as_bytes().strip_prefix(b"Bearer "));
    shown.is_some_and(|shown| bool::from(shown.ct_eq(token.expose().as_bytes())))
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

/// The header that shows our token; none where certificates speak for us.
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
