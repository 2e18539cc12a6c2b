//! gRPC plumbing: servers, clients, and the credentials between services.

mod calls;
mod client;
mod credentials;
mod deadline;
mod fleet;
mod server;
mod span;

use std::{io, net::SocketAddr, path::PathBuf};

pub use client::{Client, channel};
pub use fleet::Fleet;
pub use server::Services;

pub(crate) use calls::Calls;
pub(crate) use server::serve;

/// gRPC plumbing that could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum GrpcError {
    /// There are no credentials, and the address can be reached by others.
    #[error(
        "refusing to serve gRPC without credentials on {0} (key `grpc.listen`); \
         set `grpc.tls.cert_file`, `key_file` and `ca_file`, or `grpc.token`, or listen on loopback"
    )]
    Unprotected(SocketAddr),
    /// The address is taken or is not ours.
    #[error("cannot listen on {address} (key `grpc.listen`): {source}; stop what holds port {} or choose another", address.port())]
    Listen {
        /// The configured address.
        address: SocketAddr,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// A certificate file could not be read.
    #[error("cannot read {file} (section `grpc.tls`): {source}", file = file.display())]
    Certificate {
        /// The configured file.
        file: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The certificates are no good.
    #[error("certificates (section `grpc.tls`) are not usable: {0}")]
    Tls(#[source] tonic::transport::Error),
    /// The token cannot be sent as metadata.
    #[error("`grpc.token` has characters that cannot be sent")]
    Token,
    /// The target is no `host:port`.
    #[error("`{0}` is no gRPC target; use host:port")]
    Target(String),
    /// A file descriptor set cannot be read.
    #[error("file descriptors for reflection are not usable: {0}")]
    Descriptors(#[from] tonic_reflection::server::Error),
}
