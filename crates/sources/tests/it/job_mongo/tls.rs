//! TLS: the certificate is verified for the name that the tenant wrote.

use std::net::SocketAddr;
use std::sync::Arc;

use ig_core::job::{BsonStyle, FetchError, Fetched};
use ig_core::secret::Secret;
use ig_sources::{ExternalMongo, ExternalQuery};
use ig_testkit::mongo::TestDatabase;
use rcgen::{CertifiedKey, generate_simple_self_signed};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::{ClientConfig, RootCertStore, ServerConfig};
use tokio_util::sync::CancellationToken;

use super::{LIMITS, TestGuard, server, with_rows};

/// TLS in front of a server, with a certificate for `db.example`.
async fn behind_tls(real: SocketAddr) -> (JoinSet<()>, SocketAddr, CertificateDer<'static>) {
    let CertifiedKey { cert, signing_key } = generate_simple_self_signed(["db.example".to_owned()]).unwrap();
    let key = PrivateKeyDer::try_from(signing_key.serialize_der()).unwrap();
    let config = ServerConfig::builder().with_no_client_auth();
    let config = config.with_single_cert(vec![cert.der().clone()], key).unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let mut serving = JoinSet::new();
    serving.spawn(async move {
        let mut connections = JoinSet::new();
        while let Ok((stream, _)) = listener.accept().await {
            connections.spawn(pass_on(acceptor.clone(), stream, real));
        }
    });
    (serving, address, cert.der().clone())
}

async fn pass_on(acceptor: TlsAcceptor, stream: TcpStream, real: SocketAddr) -> Option<()> {
    let mut stream = acceptor.accept(stream).await.ok()?;
    let mut upstream = TcpStream::connect(real).await.ok()?;
    tokio::io::copy_bidirectional(&mut stream, &mut upstream).await.map(drop).ok()
}

async fn fetch_trusting(
    root: Option<CertificateDer<'static>>,
    connection: &str,
    database: &TestDatabase,
    guard: &TestGuard,
) -> Result<Fetched, FetchError> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(root);
    let config = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
    let query = ExternalQuery {
        connection: &Secret::new(connection),
        database: &database.name,
        collection: "rows",
        pipeline: &[],
        style: BsonStyle::Plain,
    };
    ExternalMongo::new(Arc::new(config))
        .fetch(&query, guard, &LIMITS, &CancellationToken::new())
        .await
}

#[tokio::test]
async fn external_mongo_verifies_certificates_for_the_name_in_the_string() {
    let database = with_rows(2).await;
    let (_serving, address, root) = behind_tls(server(&database)).await;
    let guard = TestGuard::leading_to(address);
    let tls = "mongodb://db.example/?tls=true";
    let found = fetch_trusting(Some(root.clone()), tls, &database, &guard).await.unwrap();
    assert_eq!(found.records.len(), 2);
    for (root, connection) in [
        (None, tls),
        (Some(root.clone()), "mongodb://other.example/?tls=true"),
        (Some(root.clone()), "mongodb://127.0.0.1/?tls=true"),
        (Some(root), "mongodb://db.example/?tls=false"),
    ] {
        let found = fetch_trusting(root, connection, &database, &guard).await;
        assert!(matches!(found, Err(FetchError::Unavailable(_))), "{connection}: {found:?}");
    }
}
