#![doc = include_str!("../README.md")]

mod api;
mod arguments;
mod check;
mod configuration_file;
mod data_directory;
mod demo;
mod output;
mod port;
mod ready_file;
mod runtime;
mod secrets;
mod settings;
mod sources;
mod stack_config;
mod up;

use std::process::ExitCode;

use clap::Parser as _;

use arguments::{Arguments, Command, ConfigCommand, SecretsCommand, SourcesCommand};

/// Parses the command line and runs the command.
pub fn main() -> ExitCode {
    let result = match Arguments::parse().command {
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
        Command::Export(arguments) => configuration_file::export(&arguments),
        Command::Apply(arguments) => configuration_file::apply(&arguments),
    };
    result.unwrap_or_else(|error| output::failure(&error))
}
