//! A private MongoDB-compatible server.

use std::time::Duration;

use mongodb::Client;
use mongodb::bson::doc;
use rustix::process::Signal;

use super::process::{self, Server};
use crate::port::free_port;

/// A test's own MongoDB-compatible server, on its own port and data.
#[derive(Debug)]
pub struct Mongo {
    port: u16,
    server: Server,
}

impl Mongo {
    /// Starts a server and waits until it answers.
    ///
    /// # Panics
    /// If the server is not installed or does not start.
    pub async fn start() -> Self {
        let (port, directory) = (free_port(), process::directory());
        let data = directory.path().join("data");
        let port_text = port.to_string();
        let mut arguments: Vec<_> = [
            "--host",
            "127.0.0.1",
            "--port",
            &port_text,
            "--cache-size",
            "256M",
            "--log-file-max",
            "16MB",
        ]
        .map(Into::into)
        .into();
        arguments.extend(["--sync-on-commit".into(), "--storage-path".into(), data.into()]);
        let server = Server::new(process::find("secantusd-rs"), directory, arguments);
        let mut mongo = Self { port, server };
        mongo.restart().await;
        mongo
    }

    /// The server's address.
    pub fn uri(&self) -> String {
        format!("mongodb://127.0.0.1:{}", self.port)
    }

    /// Kills the server with SIGKILL.
    pub fn kill(&mut self) {
        self.server.kill();
    }

    /// Restarts the server after [`Self::kill`], on the same port and data.
    ///
    /// # Panics
    /// If the server still runs or does not start.
    pub async fn restart(&mut self) {
        let uri = format!("{}/?serverSelectionTimeoutMS=1000", self.uri());
        self.server.start(async || responds(&uri).await).await;
    }

    /// Freezes the server: connections stay open without an answer.
    ///
    /// # Panics
    /// If the server does not run.
    pub fn freeze(&self) {
        self.server.freeze();
    }

    /// Resumes the server after [`Self::freeze`].
    ///
    /// # Panics
    /// If the server does not run.
    pub fn thaw(&self) {
        self.server.signal(Signal::CONT);
    }
}

async fn responds(uri: &str) -> bool {
    let Ok(client) = Client::with_uri_str(uri).await else {
        return false;
    };
    let ping = client.database("admin").run_command(doc! {"ping": 1}).await;
    client.shutdown().immediate(true).await;
    if ping.is_err() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    ping.is_ok()
}
