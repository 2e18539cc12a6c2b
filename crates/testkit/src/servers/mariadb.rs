//! A private MariaDB server.

use std::ffi::OsString;
use std::path::Path;
use std::process::Command;

use mysql_async::{Conn, Opts};
use rustix::process::{Signal, getuid};

use super::process::{self, Server};
use crate::port::free_port;

/// A test's own MariaDB server, on its own port and data; `root` needs no password.
#[derive(Debug)]
pub struct Mariadb {
    port: u16,
    server: Server,
}

impl Mariadb {
    /// Creates a data directory, starts the server and waits until it answers.
    ///
    /// # Panics
    /// If the server is not installed or does not start.
    pub async fn start() -> Self {
        let (port, directory) = (free_port(), process::directory());
        let data = directory.path().join("data");
        install(directory.path(), &data);
        let arguments = arguments(port, directory.path(), &data);
        let server = Server::new(process::find("mariadbd"), directory, arguments);
        let mut mariadb = Self { port, server };
        mariadb.restart().await;
        mariadb
    }

    /// The server's address, without a database.
    pub fn url(&self) -> String {
        format!("mysql://root@127.0.0.1:{}", self.port)
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
        let opts = Opts::from_url(&self.url()).expect("a well-formed address");
        self.server.start(async || Conn::new(opts.clone()).await.is_ok()).await;
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

fn install(directory: &Path, data: &Path) {
    let output = Command::new(process::find("mariadb-install-db"))
        .args(["--no-defaults", "--skip-test-db", "--auth-root-authentication-method=normal"])
        .args(run_as())
        .arg(option("--datadir=", data))
        // Concurrent installations would share temporary tables.
        .env("TMPDIR", directory)
        .output()
        .expect("mariadb-install-db starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

fn arguments(port: u16, directory: &Path, data: &Path) -> Vec<OsString> {
    let mut arguments: Vec<OsString> = vec![
        "--no-defaults".into(),
        "--bind-address=127.0.0.1".into(),
        "--skip-name-resolve".into(),
    ];
    arguments.extend(run_as().map(Into::into));
    arguments.push(format!("--port={port}").into());
    arguments.push(option("--datadir=", data));
    arguments.push(option("--tmpdir=", directory));
    arguments.push(option("--socket=", &directory.join("mariadb.sock")));
    arguments.push("--innodb-buffer-pool-size=64M".into());
    arguments.push("--max-allowed-packet=64M".into());
    arguments
}

/// MariaDB runs as root only with an explicit option.
fn run_as() -> Option<&'static str> {
    getuid().is_root().then_some("--user=root")
}

fn option(name: &str, path: &Path) -> OsString {
    let mut option = OsString::from(name);
    option.push(path);
    option
}
