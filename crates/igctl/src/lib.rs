#![doc = include_str!("../README.md")]

mod api;
mod arguments;
mod check;
mod declared;
mod demo;
mod kept;
mod port;
mod ready_file;
mod runtime;
mod say;
mod secrets;
mod settings;
mod six;
mod sources;
mod up;

use std::process::ExitCode;

use clap::Parser as _;

use arguments::{Arguments, Command, ConfigCommand, SecretsCommand, SourcesCommand};

/// Reads the command line and does what it says.
pub fn main() -> ExitCode {
    let done = match Arguments::parse().command {
        Command::Up(arguments) => up::main(arguments),
        Command::Config {
            command: ConfigCommand::Check,
        } => check::main(),
        Command::Secrets {
            command: SecretsCommand::Rotate(arguments),
        } => secrets::rotate(&arguments),
        Command::Sources {
            command: SourcesCommand::Rewind(arguments),
        } => sources::rewind(&arguments),
        Command::Export(arguments) => declared::export(&arguments),
        Command::Apply(arguments) => declared::apply(&arguments),
    };
    done.unwrap_or_else(|error| say::failure(&error))
}
