//! gRPC plumbing: servers, clients, and the credentials between services.

mod client;
mod credentials;
mod deadline;
mod fleet;
mod in_flight;
mod server;
mod span;

use std::{io, net::SocketAddr, path::PathBuf};

pub use client::{Client, channel};
pub use fleet::Fleet;
pub use server::Services;

pub(crate) use in_flight::InFlightCalls;
pub(crate) use server::serve;

/// gRPC plumbing that could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum GrpcError {
    /// The server has no credentials, and its address is not loopback.
    #[error(
        "refusing to serve gRPC without credentials on {0} (key `grpc.listen`); \
         set `grpc.tls.cert_file`, `key_file` and `ca_file`, or `grpc.token`, or listen on loopback"
    )]
    Unprotected(SocketAddr),
    /// The address is taken or not local.
    #[error("cannot listen on {address} (key `grpc.listen`): {source}; stop what holds port {} or choose another", address.port())]
    Listen {
        /// The configured address.
        address: SocketAddr,
        /// The error of the system.
        #[source]
        source: io::Error,
    },
    /// A certificate file could not be read.
    #[error("cannot read {file} (section `grpc.tls`): {source}", file = file.display())]
    Certificate {
        /// The configured file.
        file: PathBuf,
        /// The error of the system.
        #[source]
        source: io::Error,
    },
    /// The certificates are not usable.
    #[error("certificates (section `grpc.tls`) are not usable: {0}")]
    Tls(#[source] tonic::transport::Error),
    /// The token cannot be sent as metadata.
    #[error("`grpc.token` has characters that cannot be sent")]
    Token,
    /// The target is not `host:port`.
    #[error("`{0}` is no gRPC target; use host:port")]
    Target(String),
    /// A file descriptor set cannot be read.
    #[error("file descriptors for reflection are not usable: {0}")]
    Descriptors(#[from] tonic_reflection::server::Error),
}
