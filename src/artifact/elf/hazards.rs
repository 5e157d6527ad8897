//! What will keep an image mapped after `dlclose`, or crash the host if it is unmapped: judged from the
//! file before any of its code has run.
#![forbid(unsafe_code)]
#![deny(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use super::{Elf, shown};
use std::fmt;

/// Why unloading fails or is dangerous; the order is from the most serious to the least.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum HazardKind {
    /// A Go runtime, whose threads and signal handlers never end.
    Go,
    /// DF_1_NODELETE.
    NoDelete,
    /// An STB_GNU_UNIQUE symbol, to which other images bind.
    UniqueSymbol,
    /// Thread-local storage in the static block of the process, which is not given back in every order.
    StaticTls,
    /// Threads that may still run in the image.
    Thread,
    /// Signal handlers or alternate stacks.
    Signal,
    /// Destructors of `pthread_key_create`, which `dlclose` does not know.
    ThreadSpecificData,
    /// Other addresses of the image that the C library keeps: handlers, buffers, environment strings.
    ExitHandler,
    /// Thread-local storage with destructors. The dynamic linker counts those that are due and keeps the image for them,
    /// so this alone makes `dlclose` ineffective, not dangerous.
    Tls,
}

impl HazardKind {
    /// The name in listings and reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Go => "go",
            Self::NoDelete => "nodelete",
            Self::UniqueSymbol => "unique",
            Self::StaticTls | Self::Tls => "tls",
            Self::Thread => "thread",
            Self::Signal => "signal",
            Self::ThreadSpecificData => "tsd",
            Self::ExitHandler => "exit-handler",
        }
    }
}

/// One reason with what it was seen by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hazard {
    /// The class of the reason.
    pub kind: HazardKind,
    /// What in the file says so, for people.
    pub evidence: String,
}

impl Hazard {
    /// Whether a plugin that declares a clean stop vouches for this. It cannot where the linker itself, or
    /// a runtime without an end, holds the image.
    pub fn is_waived_by_clean_stop(&self) -> bool {
        use HazardKind::{ExitHandler, Signal, Thread, ThreadSpecificData};
        matches!(self.kind, Thread | ThreadSpecificData | Signal | ExitHandler)
    }

    /// Whether closing the image while this stands may crash the host.
    pub fn forbids_closing(&self) -> bool {
        self.kind != HazardKind::Tls
    }
}

impl fmt::Display for Hazard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.kind.name(), self.evidence)
    }
}

/// The reasons against unloading that the file shows, most serious first.
///
/// A plain `atexit` or `__cxa_atexit` is none: `dlclose` runs those handlers. Dependencies are not looked at here,
/// and what the code obtains by `dlsym` or system calls of its own leaves no trace.
pub fn unload_hazards(elf: &Elf<'_>) -> Vec<Hazard> {
    let mut hazards: Vec<Hazard> = elf.imports().filter_map(of_import).collect();
    let mut add = |kind, evidence| hazards.push(Hazard { kind, evidence });
    if let Some(evidence) = go_runtime(elf) {
        add(HazardKind::Go, evidence);
    }
    if elf.nodelete() {
        add(HazardKind::NoDelete, "DF_1_NODELETE is set".into());
    }
    if let Some(name) = elf.unique_symbol() {
        add(HazardKind::UniqueSymbol, format!("defines {} as STB_GNU_UNIQUE", shown(name)));
    }
    if elf.static_tls() {
        add(HazardKind::StaticTls, "uses the initial-exec model (DF_STATIC_TLS)".into());
    }
    hazards.sort_by_key(|hazard| hazard.kind);
    hazards
}

fn of_import(name: &str) -> Option<Hazard> {
    let kind = match name {
        "__cxa_thread_atexit" | "__cxa_thread_atexit_impl" => HazardKind::Tls,
        "pthread_create" | "thrd_create" | "clone" | "mq_notify" | "getaddrinfo_a" => HazardKind::Thread,
        "pthread_key_create" | "tss_create" => HazardKind::ThreadSpecificData,
        "signal" | "bsd_signal" | "__sysv_signal" | "sigset" | "sigaction" | "sigaltstack" => {
            HazardKind::Signal
        }
        "on_exit"
        | "putenv"
        | "setvbuf"
        | "setbuf"
        | "setbuffer"
        | "fopencookie"
        | "openlog"
        | "initstate"
        | "setstate"
        | "register_printf_function"
        | "register_printf_specifier"
        | "timer_create" => HazardKind::ExitHandler,
        // std::thread, std::set_terminate and std::set_new_handler.
        _ if name.starts_with("_ZNSt6thread15_M_start_thread") => HazardKind::Thread,
        "_ZSt13set_terminatePFvvE" | "_ZSt15set_new_handlerPFvvE" => HazardKind::ExitHandler,
        _ => return None,
    };
    Some(Hazard { kind, evidence: format!("imports {name}") })
}

fn go_runtime(elf: &Elf<'_>) -> Option<String> {
    let cgo = elf.exports().find(|export| export.name.starts_with("_cgo_"));
    let section = || elf.sections().iter().find(|section| section.name == ".note.go.buildid");
    cgo.map(|export| format!("exports {}", shown(export.name)))
        .or_else(|| section().map(|section| format!("has a section {}", section.name)))
}
