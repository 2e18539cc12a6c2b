//! The program, run as its users run it.

mod config_check;
mod configuration_file;
mod fixture;
mod secrets;
mod up;
