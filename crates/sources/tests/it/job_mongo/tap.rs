//! A server that records what it is told, and never runs an aggregation.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use mongodb::bson::{Document, RawDocument};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// A tap in front of a real server: all commands but aggregations reach it.
pub(crate) struct Tap {
    pub(crate) address: SocketAddr,
    commands: Arc<Mutex<Vec<Document>>>,
    _serving: JoinSet<()>,
}

impl Tap {
    pub(crate) async fn before(real: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let commands = Arc::new(Mutex::new(Vec::new()));
        let mut serving = JoinSet::new();
        let seen = Arc::clone(&commands);
        serving.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                connections.spawn(pass_on(stream, real, Arc::clone(&seen)));
            }
        });
        Self {
            address,
            commands,
            _serving: serving,
        }
    }

    /// The commands with this name.
    pub(crate) fn commands(&self, name: &str) -> Vec<Document> {
        let commands = self.commands.lock().unwrap();
        commands
            .iter()
            .filter(|command| command.contains_key(name))
            .cloned()
            .collect()
    }
}

async fn pass_on(stream: TcpStream, real: SocketAddr, seen: Arc<Mutex<Vec<Document>>>) -> Option<()> {
    let server = TcpStream::connect(real).await.ok()?;
    let (from_client, mut to_client) = stream.into_split();
    let (mut from_server, to_server) = server.into_split();
    tokio::select! {
        passed = pass_commands(from_client, to_server, &seen) => passed,
        passed = tokio::io::copy(&mut from_server, &mut to_client) => passed.map(drop).ok(),
    }
}

async fn pass_commands(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, seen: &Mutex<Vec<Document>>) -> Option<()> {
    loop {
        let mut message = vec![0; 16];
        from.read_exact(&mut message).await.ok()?;
        let length = usize::try_from(i32::from_le_bytes(*message.first_chunk()?)).ok()?;
        message.resize(length, 0);
        from.read_exact(&mut message[16..]).await.ok()?;
        // Behind the header are flags and the kind of the section.
        let command = message.get(21..).and_then(|bytes| RawDocument::from_bytes(bytes).ok());
        let command = command
            .and_then(|command| Document::try_from(command).ok())
            .unwrap_or_default();
        let is_held = command.contains_key("aggregate");
        seen.lock().unwrap().push(command);
        if !is_held {
            to.write_all(&message).await.ok()?;
        }
    }
}
