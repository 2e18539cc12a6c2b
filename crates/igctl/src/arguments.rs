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
    /// Looks after what is encrypted at rest
    Secrets {
        #[command(subcommand)]
        command: SecretsCommand,
    },
    /// Looks after the sources of events
    Sources {
        #[command(subcommand)]
        command: SourcesCommand,
    },
    /// Writes what an organisation has configured as one YAML document, secrets masked
    Export(ExportArguments),
    /// Makes an organisation's configuration what a YAML or JSON document says, after showing the changes
    Apply(ApplyArguments),
}

/// Which organisation, and where.
#[derive(Debug, Args)]
pub(crate) struct GatewayArguments {
    /// Where the gateway is
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:4000")]
    pub(crate) gateway: String,
    #[arg(
        long,
        value_name = "KEY",
        help = "A key for its API [default: the environment's IG_API_KEY]"
    )]
    pub(crate) api_key: Option<String>,
    /// The organisation
    #[arg(long, value_name = "ORG_ID")]
    pub(crate) org: i64,
}

/// Arguments of `igctl export`.
#[derive(Debug, Args)]
pub(crate) struct ExportArguments {
    #[command(flatten)]
    pub(crate) gateway: GatewayArguments,
    /// The file to write; printed where it is left out
    #[arg(long, short, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
}

/// Arguments of `igctl apply`.
#[derive(Debug, Args)]
pub(crate) struct ApplyArguments {
    #[command(flatten)]
    pub(crate) gateway: GatewayArguments,
    /// The document, - for the standard input; ${env:NAME} in its texts stands for a variable of the environment
    #[arg(long, short, value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// Delete what the document leaves out, of the parts that it has
    #[arg(long)]
    pub(crate) prune: bool,
    /// Show the changes and make none
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Make the changes without asking
    #[arg(long, short)]
    pub(crate) yes: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Prints what is in force with secrets masked, or every fault
    Check,
}

#[derive(Debug, Subcommand)]
pub(crate) enum SecretsCommand {
    /// Seals every stored secret under the first of secrets.keys, so that the others may be taken out
    Rotate(RotateArguments),
}

#[derive(Debug, Subcommand)]
pub(crate) enum SourcesCommand {
    /// Has a source read again from behind a row: after its table was emptied and began anew, or to take up what was passed over
    Rewind(RewindArguments),
}

/// Arguments of `igctl sources rewind`.
#[derive(Debug, Args)]
pub(crate) struct RewindArguments {
    /// The source, such as mysql
    #[arg(long, value_name = "NAME")]
    pub(crate) source: String,
    /// The id of the row behind which reading begins again; 0 for the first row
    #[arg(long, value_name = "ID")]
    pub(crate) to: u64,
    /// Its table was emptied and its ids begin anew: rows with ids that were read before are other events
    #[arg(long)]
    pub(crate) anew: bool,
}

/// Arguments of `igctl secrets rotate`.
#[derive(Debug, Args)]
pub(crate) struct RotateArguments {
    /// Count what is sealed under which key and change nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
}

/// Arguments of `igctl up`.
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
