//! The MongoDB of a local stack: somebody else's, or a server of our own.

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
use crate::kept::DataDirectory;
use crate::port;
use crate::settings::Settings;

/// A server that recovers from a crash takes its time.
const START: Duration = Duration::from_mins(1);
const STOP: Duration = Duration::from_secs(20);

/// Which database a stack uses.
#[derive(Debug)]
pub(crate) enum Choice {
    /// One that runs already.
    Given {
        /// Its address.
        uri: String,
    },
    /// One that is started and stopped with the stack.
    Own {
        /// Its address.
        uri: String,
        /// Where it listens.
        address: SocketAddr,
        /// How it is run.
        program: Program,
    },
}

/// A server that speaks MongoDB's protocol.
#[derive(Debug)]
pub(crate) enum Program {
    /// MongoDB itself, with its data folder.
    Mongod(PathBuf, PathBuf),
    /// A compatible server, with its data folder.
    Secantus(PathBuf, PathBuf),
}

impl Choice {
    /// The configured one, or one of our own under the data directory.
    pub(crate) fn make(settings: &mut Settings, data: &DataDirectory) -> anyhow::Result<Self> {
        if let Some(uri) = settings.get("mongodb.uri") {
            return Ok(Self::Given { uri });
        }
        let (program, address) = (Program::find(data)?, port::kept(&data.join("mongodb.port"))?);
        let uri = format!("mongodb://{address}/?directConnection=true");
        settings.force("mongodb.uri", &uri);
        Ok(Self::Own { uri, address, program })
    }

    /// Its address.
    pub(crate) fn uri(&self) -> &str {
        match self {
            Self::Given { uri } | Self::Own { uri, .. } => uri,
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

/// Without `--sync-on-commit` it loses acknowledged writes when it is killed.
fn secantus_arguments(folder: &std::path::Path, port: &str) -> Vec<OsString> {
    let mut arguments: Vec<OsString> = ["--host", "127.0.0.1", "--port", port, "--sync-on-commit", "--storage-path"]
        .map(Into::into)
        .into();
    arguments.push(folder.into());
    arguments
}

/// On PATH, in `.local/bin` here, or there where this program was built.
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
    let mut places = std::env::split_paths(&path).chain(local).chain(beside);
    places.find_map(|place| Some(place.join(name)).filter(|candidate| candidate.is_file()))
}

/// The database while the stack runs.
#[derive(Debug)]
pub(crate) struct Database(Option<Child>);

impl Database {
    /// Starts it where it is ours, and waits until it answers.
    pub(crate) async fn start(choice: &Choice, stop: &Stop) -> anyhow::Result<Self> {
        let Choice::Own { uri, address, program } = choice else {
            return Ok(Self(None));
        };
        let mut child = Child::start(program.command(*address)?)?;
        tokio::select! {
            answers = child.wait_for_port(*address, START) => answers?,
            () = stop.requested() => return Ok(Self(Some(child))),
        }
        if matches!(program, Program::Mongod(..)) {
            initiate::replica_set(uri).await?;
        }
        Ok(Self(Some(child)))
    }

    /// Waits for the stack; when the database dies under it, the stack ends too, as a failure.
    pub(crate) async fn while_it_lives(
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

    /// Stops it where it is ours.
    pub(crate) async fn stop(self) {
        if let Self(Some(child)) = self {
            child.stop(STOP).await;
        }
    }
}
