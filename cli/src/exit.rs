//! Exit codes: part of the interface, so a number never changes its meaning.
#![forbid(unsafe_code)]

use sogov::error::{Error, Status};
use std::process::ExitCode;

/// How the program ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    Ok = 0,
    Refused = 1,
    Usage = 2,
    System = 3,
    CallFailed = 4,
    /// EX_SOFTWARE of sysexits.h.
    Internal = 70,
}

/// What each code means, for `--help`.
pub const MEANINGS: [(Exit, &str); 6] = [
    (Exit::Ok, "done"),
    (
        Exit::Refused,
        "refused: a signature, a key, the trust directory, an image or a route policy is not acceptable",
    ),
    (Exit::Usage, "the command line is wrong, or an argument is out of range"),
    (Exit::System, "a file or the system: missing, exists already, unreadable, not writable, not supported"),
    (Exit::CallFailed, "a plugin failed to load, to start or to answer, or no version serves"),
    (Exit::Internal, "a fault inside sogov; please report it"),
];

/// Why a command did not do what it says.
#[derive(Debug)]
pub enum Failure {
    /// The command line is wrong.
    Usage(String),
    /// The engine, or this program in the engine's terms, refused.
    Engine(Error),
    /// The command has said everything in its result.
    Reported(Exit),
}

impl Failure {
    pub fn exit(&self) -> Exit {
        match self {
            Self::Usage(_) => Exit::Usage,
            Self::Engine(error) => error.status().into(),
            Self::Reported(exit) => *exit,
        }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Engine(error)
    }
}

impl From<Status> for Exit {
    fn from(status: Status) -> Self {
        match status {
            Status::Ok => Self::Ok,
            Status::InvalidArgument => Self::Usage,
            Status::NotFound
            | Status::Busy
            | Status::LimitExceeded
            | Status::Io
            | Status::Unsupported
            | Status::AuditBroken
            | Status::CustodyFailed => Self::System,
            Status::KeyInvalid
            | Status::SignatureInvalid
            | Status::KeyLostAfterFork
            | Status::Unsigned
            | Status::Modified
            | Status::Ambiguous
            | Status::Expired
            | Status::NotYetValid
            | Status::UntrustedKey
            | Status::WrongService
            | Status::BelowFloor
            | Status::TrustInvalid
            | Status::Revoked
            | Status::ClockRefused
            | Status::SbomInvalid
            | Status::ComponentDenied
            | Status::PackageInvalid
            | Status::WrongAudience
            | Status::Replayed
            | Status::ImageRejected
            | Status::RoutePolicyInvalid => Self::Refused,
            Status::Closed
            | Status::Cancelled
            | Status::UpdateFailed
            | Status::Deadlock
            | Status::LoadFailed
            | Status::Pinned
            | Status::NoVersion
            | Status::LeaseGone
            | Status::BreakerOpen
            | Status::PluginFailed
            | Status::PluginCrashed
            | Status::PreflightFailed => Self::CallFailed,
            Status::Internal => Self::Internal,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}
