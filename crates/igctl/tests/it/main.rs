//! The program itself, run as its users run it.

mod config_check;
mod declared;
mod program;
mod secrets;
mod up;
