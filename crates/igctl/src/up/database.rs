//! The MongoDB of a local stack: an existing one, or a managed child process.

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::pin::pin;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, bail};
use ig_service::Stop;
use ig_service::child::{Child, Command};

use super::initiate;
use crate::data_directory::DataDirectory;
use crate::port;
use crate::settings::Settings;

/// Includes the time for recovery from a crash.
const START_TIMEOUT: Duration = Duration::from_mins(1);
const STOP_GRACE: Duration = Duration::from_secs(20);

/// The database of a stack.
#[derive(Debug)]
pub(crate) enum DatabaseSetup {
    /// A server that runs already.
    External {
        /// Its address.
        uri: String,
    },
    /// A server that starts and stops with the stack.
    Managed {
        /// Its address.
        uri: String,
        /// Its listen address.
        address: SocketAddr,
        /// Its program.
        program: Program,
    },
}

/// A server that speaks MongoDB's protocol.
#[derive(Debug)]
pub(crate) enum Program {
    /// MongoDB, with its data folder.
    Mongod(PathBuf, PathBuf),
    /// A compatible server, with its data folder.
    Secantus(PathBuf, PathBuf),
}

impl DatabaseSetup {
    /// The configured database, or a managed one under the data directory.
    pub(crate) fn make(settings: &mut Settings, data: &DataDirectory) -> anyhow::Result<Self> {
        if let Some(uri) = settings.get("mongodb.uri") {
            return Ok(Self::External { uri });
        }
        let (program, address) = (Program::find(data)?, port::reuse_or_allocate(&data.join("mongodb.port"))?);
        let uri = format!("mongodb://{address}/?directConnection=true");
        settings.set("mongodb.uri", &uri);
        Ok(Self::Managed { uri, address, program })
    }

    /// The connection string.
    pub(crate) fn uri(&self) -> &str {
        match self {
            Self::External { uri } | Self::Managed { uri, .. } => uri,
        }
    }
}

impl Program {
    fn find(data: &DataDirectory) -> anyhow::Result<Self> {
        if let Some(program) = find("mongod") {
            return Ok(Self::Mongod(program, data.join("mongod")));
        }
        let Some(program) = find("secantusd-rs") else {
            bail!("there is neither mongod nor secantusd-rs on PATH or in .local/bin; run `make setup`, or give --mongodb-uri");
        };
        Ok(Self::Secantus(program, data.join("secantusd")))
    }

    fn command(&self, address: SocketAddr) -> anyhow::Result<Command> {
        let port = address.port().to_string();
        let (program, folder, arguments) = match self {
            Self::Mongod(program, folder) => (program, folder, mongod_arguments(folder, &port)),
            Self::Secantus(program, folder) => (program, folder, secantus_arguments(folder, &port)),
        };
        std::fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
        Ok(Command {
            program: program.clone(),
            arguments,
        })
    }
}

fn mongod_arguments(folder: &std::path::Path, port: &str) -> Vec<OsString> {
    let mut arguments: Vec<OsString> = ["--bind_ip", "127.0.0.1", "--replSet", "ig", "--port", port, "--dbpath"]
        .map(Into::into)
        .into();
    arguments.push(folder.into());
    arguments
}

/// Without `--sync-on-commit` the server loses acknowledged writes when it is killed.
fn secantus_arguments(folder: &std::path::Path, port: &str) -> Vec<OsString> {
    let mut arguments: Vec<OsString> = ["--host", "127.0.0.1", "--port", port, "--sync-on-commit", "--storage-path"]
        .map(Into::into)
        .into();
    arguments.push(folder.into());
    arguments
}

/// Finds a program on PATH, in `.local/bin` here or above this program, or beside this program.
fn find(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let here = std::env::current_dir().ok();
    let program = std::env::current_exe().ok();
    let above = program.iter().flat_map(|program| program.ancestors().skip(1).take(3));
    let local = here
        .iter()
        .map(PathBuf::as_path)
        .chain(above)
        .map(|folder| folder.join(".local/bin"));
    let beside = program.iter().filter_map(|program| program.parent().map(PathBuf::from));
    let mut folders = std::env::split_paths(&path).chain(local).chain(beside);
    folders.find_map(|folder| Some(folder.join(name)).filter(|candidate| candidate.is_file()))
}

/// The running database; `None` if it is external.
#[derive(Debug)]
pub(crate) struct Database(Option<Child>);

impl Database {
    /// Starts a managed database and waits until it is ready.
    pub(crate) async fn start(setup: &DatabaseSetup, stop: &Stop) -> anyhow::Result<Self> {
        let DatabaseSetup::Managed { uri, address, program } = setup else {
            return Ok(Self(None));
        };
        let mut child = Child::start(program.command(*address)?)?;
        tokio::select! {
            ready = child.wait_for_port(*address, START_TIMEOUT) => ready?,
            () = stop.requested() => return Ok(Self(Some(child))),
        }
        if matches!(program, Program::Mongod(..)) {
            initiate::replica_set(uri).await?;
        }
        Ok(Self(Some(child)))
    }

    /// Waits for the stack; if a managed database exits before it, the stack stops as a failure.
    pub(crate) async fn supervise(
        &self,
        stack: impl Future<Output = anyhow::Result<ExitCode>>,
        stop: &Stop,
    ) -> anyhow::Result<ExitCode> {
        let Self(Some(child)) = self else {
            return stack.await;
        };
        let mut stack = pin!(stack);
        tokio::select! {
            code = &mut stack => return code,
            status = child.wait() => tracing::error!(status = status.map(tracing::field::display), "the database server died"),
        }
        stop.fail();
        stack.await
    }

    /// Stops a managed database.
    pub(crate) async fn stop(self) {
        if let Self(Some(child)) = self {
            child.stop(STOP_GRACE).await;
        }
    }
}
