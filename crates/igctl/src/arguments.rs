//! The command line.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

/// Runs and looks after an Integration Gateway.
#[derive(Debug, Parser)]
#[command(name = "igctl", version)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Runs all six services in this process, on loopback
    Up(UpArguments),
    /// Looks at the configuration
    Config {
        #[command(subcommand)]
        command: ConfigCommand,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Prints what is in force with secrets masked, or every fault
    Check,
}

/// What `igctl up` is told.
#[derive(Debug, Args)]
pub(crate) struct UpArguments {
    /// Where to serve HTTP [default: 127.0.0.1:4000]
    #[arg(long, value_name = "ADDR")]
    pub(crate) http: Option<SocketAddr>,
    /// The MongoDB to use; without it one is started under the data directory
    #[arg(long, value_name = "URI")]
    pub(crate) mongodb_uri: Option<String>,
    /// The MySQL to read events from; without it events come by push alone
    #[arg(long, value_name = "URL")]
    pub(crate) mysql_url: Option<String>,
    /// Where generated secrets and the database are kept
    #[arg(long, value_name = "DIR", default_value = ".run")]
    pub(crate) data_dir: PathBuf,
    /// Written when everything is ready
    #[arg(long, value_name = "PATH")]
    pub(crate) ready_file: Option<PathBuf>,
    /// Adds an organisation with integrations, a receiver and a trickle of events
    #[arg(long)]
    pub(crate) demo: bool,
}
