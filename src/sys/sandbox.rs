//! Takes from the calling process what it does not need: memory, time, files, the network, other processes. For ever.
//!
//! It keeps accidents in, not attackers: the process shares the user, the kernel and the readable files of its host.

mod filter;
mod landlock;

pub use filter::name_of as denied_call;

use std::fs;
use std::io;
use std::time::Duration;

/// What a process may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quota {
    /// Bytes of private memory.
    pub memory: u64,
    /// Processor time, rounded up to seconds.
    pub processor: Duration,
}

/// Something that this kernel could not take away, or would not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gap {
    /// No Landlock: that no file is opened for writing is held by the system call filter alone.
    Landlock,
    /// No seccomp filter: system calls are not looked at.
    Filter,
    /// A resource limit could not be set.
    Limits,
    /// The process could not be made invisible to debuggers and core dumps.
    Dumpable,
}

impl Gap {
    /// Each of them.
    pub fn all() -> [Self; 4] {
        [Self::Landlock, Self::Filter, Self::Limits, Self::Dumpable]
    }

    /// What is missing and what it means.
    pub fn text(self) -> &'static str {
        match self {
            Self::Landlock => {
                "this kernel has no Landlock: writing files is refused by the system call filter alone"
            }
            Self::Filter => {
                "no seccomp filter can be set: processes, signals, sockets and file modes are not guarded"
            }
            Self::Limits => {
                "a resource limit could not be set: memory and time are held by the deadline alone"
            }
            Self::Dumpable => "core dumps and debuggers could not be kept away",
        }
    }
}

/// Room beyond [`Quota::memory`] before the kernel refuses: whoever gets that far is seen to have used too much.
pub const HEADROOM: u64 = 64 << 20;
/// Address space for each byte of memory: runtimes reserve much more than they use (Go more than a gigabyte).
const ADDRESS_SPACE: u64 = 8;
const DESCRIPTORS: u64 = 1024;

/// Enters the sandbox and answers what is missing of it. Called once, while the process has one thread.
///
/// Files cannot be opened for writing but `/dev/null`, processes cannot be made, other processes cannot be signalled,
/// no socket can be opened. A system call that ends or replaces a process, or changes the machine, raises SIGSYS; what a
/// program may well try and do without answers EACCES. `on_denied` handles that SIGSYS; it gets the call's number, and
/// must be safe in a signal handler.
pub fn enter(quota: Quota, on_denied: fn(i64) -> !) -> Vec<Gap> {
    let mut gaps = Vec::new();
    // The first to go when memory runs out; raising it needs no privilege, and without it the limits stand all the same.
    let _ = fs::write("/proc/self/oom_score_adj", "1000");
    if !set_limits(quota) {
        gaps.push(Gap::Limits);
    }
    // SAFETY: settings of this process, no pointers.
    let set = |option, value: libc::c_ulong| unsafe { libc::prctl(option, value, 0, 0, 0) } == 0;
    if !set(libc::PR_SET_DUMPABLE, 0) {
        gaps.push(Gap::Dumpable);
    }
    let privileges = set(libc::PR_SET_NO_NEW_PRIVS, 1);
    let landlock = privileges && landlock::no_writing().is_ok();
    if !landlock {
        gaps.push(Gap::Landlock);
    }
    if !privileges || filter::install(!landlock, on_denied).is_err() {
        gaps.push(Gap::Filter);
    }
    gaps
}

/// Gives every signal its default action and lets all of them in: `exec` keeps a mask and what was ignored.
pub fn reset_signals() {
    let none = 0_u64;
    for signal in 1..=64 {
        // SAFETY: the default action; SIGKILL, SIGSTOP and the C library's own are refused, which changes nothing.
        unsafe { libc::signal(signal, libc::SIG_DFL) };
    }
    // SAFETY: an empty set of eight bytes, as the kernel's are.
    unsafe {
        let before = std::ptr::null_mut::<u64>();
        libc::syscall(libc::SYS_rt_sigprocmask, libc::SIG_SETMASK, &raw const none, before, size_of::<u64>());
    }
}

/// The most memory that this process has had at once, in bytes, from `/proc/self/status`.
pub fn peak_memory() -> io::Result<u64> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kibibytes = line.and_then(|line| line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok());
    kibibytes.map(|kibibytes| kibibytes.saturating_mul(1024)).ok_or_else(|| io::ErrorKind::InvalidData.into())
}

fn set_limits(quota: Quota) -> bool {
    let seconds = quota.processor.as_secs().saturating_add(u64::from(quota.processor.subsec_nanos() > 0));
    let memory = quota.memory.saturating_add(HEADROOM);
    [
        (libc::RLIMIT_CORE, 0),
        (libc::RLIMIT_CPU, seconds.max(1)),
        (libc::RLIMIT_DATA, memory),
        (libc::RLIMIT_AS, memory.saturating_mul(ADDRESS_SPACE)),
        // Files cannot be written in any case; this is for memfds, which are memory.
        (libc::RLIMIT_FSIZE, quota.memory),
        (libc::RLIMIT_NOFILE, DESCRIPTORS),
    ]
    .map(|(resource, limit)| lower(resource, limit))
    .iter()
    .all(|lowered| *lowered)
}

/// Lowers a limit, soft and hard, to `limit` or to what it is already.
fn lower(resource: libc::__rlimit_resource_t, limit: u64) -> bool {
    let mut now = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: room for the answer.
    if unsafe { libc::getrlimit(resource, &raw mut now) } != 0 {
        return false;
    }
    let limit = limit.min(now.rlim_max);
    // SAFETY: a plain struct that is read.
    unsafe { libc::setrlimit(resource, &libc::rlimit { rlim_cur: limit, rlim_max: limit }) == 0 }
}
