//! Why an image stays mapped.
#![forbid(unsafe_code)]

use crate::artifact::elf::hazards::{Hazard, HazardKind};
use crate::error::{Error, Status};
use std::fmt;

/// The class of a reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PinKind {
    /// Thread-local storage whose destructors are due, or in the static block of the process.
    Tls,
    /// A thread that runs in the image, or may.
    Thread,
    /// A destructor of thread-specific data (`pthread_key_create`).
    Tsd,
    /// A signal handler or an alternate stack.
    Signal,
    /// An STB_GNU_UNIQUE symbol.
    Unique,
    /// DF_1_NODELETE.
    NoDelete,
    /// A Go runtime.
    Go,
    /// Another image: one that it needs and that cannot be unloaded, or one that is bound to it.
    Dependency,
    /// An address of the image that the C or C++ library keeps.
    ExitHandler,
    /// The plugin's `stop` failed.
    Stop,
    /// Leases that did not end before a forced unload.
    Lease,
    /// Its code crashed.
    Crash,
    /// The dynamic linker refused to close the image.
    Dlclose,
}

impl PinKind {
    /// The one of a `stop` that ended so.
    pub(super) fn of_stop(refusal: &Error) -> Self {
        if refusal.status() == Status::PluginCrashed { Self::Crash } else { Self::Stop }
    }

    /// The word that reports begin with.
    pub fn name(self) -> &'static str {
        match self {
            Self::Tls => "tls",
            Self::Thread => "thread",
            Self::Tsd => "tsd",
            Self::Signal => "signal",
            Self::Unique => "unique",
            Self::NoDelete => "nodelete",
            Self::Go => "go",
            Self::Dependency => "dependency",
            Self::ExitHandler => "exit-handler",
            Self::Stop => "stop",
            Self::Lease => "lease",
            Self::Crash => "crash",
            Self::Dlclose => "dlclose",
        }
    }
}

/// Why an image stays mapped, and what shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PinReason {
    /// The class.
    pub kind: PinKind,
    /// What was seen, for people.
    pub evidence: String,
}

impl PinReason {
    /// A reason.
    pub fn new(kind: PinKind, evidence: impl Into<String>) -> Self {
        Self { kind, evidence: evidence.into() }
    }
}

impl fmt::Display for PinReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.kind.name(), self.evidence)
    }
}

impl From<Hazard> for PinReason {
    fn from(hazard: Hazard) -> Self {
        let kind = match hazard.kind {
            HazardKind::Go => PinKind::Go,
            HazardKind::NoDelete => PinKind::NoDelete,
            HazardKind::UniqueSymbol => PinKind::Unique,
            HazardKind::Tls | HazardKind::StaticTls => PinKind::Tls,
            HazardKind::Thread => PinKind::Thread,
            HazardKind::Signal => PinKind::Signal,
            HazardKind::ThreadSpecificData => PinKind::Tsd,
            HazardKind::ExitHandler => PinKind::ExitHandler,
        };
        Self { kind, evidence: hazard.evidence }
    }
}
