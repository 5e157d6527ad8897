//! The `sogov` program: keys, signatures, trust and plugins from the command line.
//!
//! Each command is a file of `commands/` that describes itself (options, examples) and does its work; `args` reads
//! the command line by that description, `help` prints it, `output` writes results, `exit` decides the exit code.
#![forbid(unsafe_code)]

mod args;
mod commands;
mod engine;
mod exit;
mod help;
mod input;
mod output;

use args::Parsed;
use exit::{Exit, Failure};
use output::Output;
use std::ffi::OsString;
use std::process::ExitCode;

fn main() -> ExitCode {
    sogov::loader::preflight::run_if_child();
    let arguments: Vec<OsString> = std::env::args_os().skip(1).collect();
    std::panic::catch_unwind(|| run(arguments)).unwrap_or(Exit::Internal).into()
}

fn run(arguments: Vec<OsString>) -> Exit {
    let mut output = Output::stdout();
    let done = args::parse(arguments).and_then(|parsed| obey(parsed, &mut output));
    let exit = match done {
        Ok(()) => Exit::Ok,
        Err(failure) => tell(&failure, &mut output),
    };
    match output.finish() {
        Ok(()) => exit,
        Err(e) => {
            output::complain(&format!("write the result: {e}"));
            Exit::System
        }
    }
}

fn obey(parsed: Parsed, output: &mut Output) -> Result<(), Failure> {
    match parsed {
        Parsed::Help(subject) => output.text(&help::of(subject)),
        Parsed::Version => output.text(concat!("sogov ", env!("CARGO_PKG_VERSION"), "\n")),
        Parsed::Command(command, args) => {
            output.set_json(args.has("json"));
            (command.run)(&args, output)?;
        }
    }
    Ok(())
}

fn tell(failure: &Failure, output: &mut Output) -> Exit {
    match failure {
        Failure::Usage(message) => output::complain(&format!("{message}; see sogov --help")),
        Failure::Engine(error) => {
            output.error(error);
            output::complain(&format!("{error} ({})", error.status().name()));
        }
        Failure::Reported(_) => {}
    }
    failure.exit()
}
