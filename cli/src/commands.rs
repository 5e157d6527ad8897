//! The commands: each describes itself and does its work.
#![forbid(unsafe_code)]

mod audit;
mod inspect;
mod install;
mod key_id;
mod keygen;
mod pack;
mod package;
mod run;
mod sign;
mod trust;
mod verify;

use crate::args::{Args, Opt};
use crate::exit::Failure;
use crate::output::Output;

/// Everything known of a command.
#[derive(Debug)]
pub struct Command {
    /// One word, or two: group and verb.
    pub name: &'static str,
    /// What it does, in half a line.
    pub summary: &'static str,
    /// The forms of its arguments.
    pub usage: &'static [&'static str],
    /// Paragraphs about what is not plain from the options.
    pub about: &'static [&'static str],
    /// Its options, without the common ones.
    pub options: &'static [Opt],
    /// How many operands it takes at most.
    pub operands: usize,
    /// Lines for a shell. The tests run them all, in the order of [`ALL`].
    pub examples: &'static [&'static str],
    /// Does the work.
    pub run: fn(&Args, &mut Output) -> Result<(), Failure>,
}

/// All commands, in the order in which a newcomer needs them.
pub const ALL: &[Command] = &[
    keygen::COMMAND,
    key_id::COMMAND,
    trust::INIT,
    trust::CHECK,
    trust::ADD_KEY,
    trust::SIGN,
    sign::COMMAND,
    verify::COMMAND,
    inspect::COMMAND,
    pack::COMMAND,
    install::COMMAND,
    package::CHECK,
    run::COMMAND,
    audit::VERIFY,
    audit::SHOW,
    trust::CONFIRM_TIME,
    trust::STATE,
];

/// The first words of commands with two.
pub const GROUPS: &[&str] = &["trust", "package", "audit"];

const PASSWORD_FILE: Opt = Opt::value("password-file", "FILE", "file with the password of the private key");
const USER_ID: Opt = Opt::value("user-id", "ID", "SM2 user id; default 1234567812345678");
