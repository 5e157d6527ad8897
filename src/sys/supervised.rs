//! Runs a program under a deadline, unseen by the process that runs it.
//!
//! Two processes are made, because the host must not notice. `exec` makes a process whose end is announced by SIGCHLD,
//! whatever signal it was made with, and which `wait` finds; so the program cannot be a child of the host. Between them
//! stands a *supervisor*, which never calls `exec` and so keeps its exit signal 0: no SIGCHLD, invisible to `wait`
//! without `__WALL`, never reaped by a host that ignores SIGCHLD.
//!
//! ```text
//! host thread ──clone(VM, VFORK, exit signal 0)──▶ supervisor ──clone(VM, VFORK, PIDFD)──▶ program
//!    sleeps until the supervisor has ended           deadline, SIGKILL, reaping              own session, exec
//! ```
//!
//! The supervisor runs in the host's memory while the thread that made it sleeps, as after `vfork`: nothing is copied,
//! however large the host is and however many threads it has. It allocates nothing and takes no lock. It is the
//! subreaper of what the program leaves behind, so that nothing survives it, daemons included.

mod steps;
mod vfork;

use crate::error::{Error, Result, Status};
use crate::sys::faults::fault;
use std::ffi::{CStr, c_char};
use std::io::{self, PipeReader, Read};
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd};
use std::time::Duration;
use steps::Plan;
use vfork::Stacks;

/// What is run, and what it gets.
#[derive(Debug)]
pub struct Program<'a> {
    /// The file: an ELF program or the dynamic loader.
    pub file: BorrowedFd<'a>,
    /// Its arguments, the name first.
    pub arguments: &'a [&'a CStr],
    /// Its environment.
    pub environment: &'a [&'a CStr],
    /// Its descriptors from 0 on, at most [`MAX_DESCRIPTORS`]; it gets no other. Those given here close on `exec`.
    pub descriptors: &'a [BorrowedFd<'a>],
}

/// How it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// It called `exit` with this status.
    Exited(i32),
    /// A signal ended it.
    Killed(i32),
    /// It was ended at the deadline; `stopped` if it was stopped by a signal then.
    TimedOut {
        /// Whether it was stopped.
        stopped: bool,
    },
}

/// The most descriptors that a program gets.
pub const MAX_DESCRIPTORS: usize = 16;

/// Runs `program` to its end, or until `deadline` has passed, and ends whatever it left behind. The calling thread
/// sleeps meanwhile, with all signals blocked. Other threads go on, but for what has to reach every thread of the process:
/// `setuid` and its like, and collectors that stop the world by a signal, wait until the program has ended.
///
/// The program starts in a session of its own, with all signals blocked, and is killed if the calling thread dies.
/// Needs Linux 5.9.
pub fn run(program: &Program<'_>, deadline: Duration) -> Result<Ending> {
    fault!("supervised.pipe");
    let (mut record, record_end) = std::io::pipe().map_err(|e| Error::io("make a pipe", &e))?;
    let record_end = OwnedFd::from(record_end);
    fault!("supervised.stacks");
    let stacks = Stacks::new()?;
    let (arguments, environment) = (pointers(program.arguments), pointers(program.environment));
    // Before the deadline is set; beyond the next line there are system calls alone.
    fault!("supervised.process");
    let mut plan = Plan::new(program, &arguments, &environment, record_end.as_raw_fd(), &stacks, deadline)?;
    steps::supervise(&stacks, &mut plan).map_err(|e| Error::io("make a process", &e))?;
    drop(record_end);
    fault!("supervised.record");
    let mut bytes = [0; steps::RECORD_LEN];
    record
        .read_exact(&mut bytes)
        .map_err(|_| Error::new(Status::Io, "run a process: its supervisor was ended from outside"))?;
    steps::ending(bytes)
}

/// How many bytes a pipe takes before its writers wait; the least that a kernel gives where it does not say.
pub fn pipe_capacity(pipe: &PipeReader) -> usize {
    // SAFETY: a request without an argument.
    let found = unsafe { libc::fcntl(pipe.as_raw_fd(), libc::F_GETPIPE_SZ) };
    usize::try_from(found).unwrap_or(libc::PIPE_BUF)
}

/// What is in the pipe now. Does not wait for its writers: a process that the host forks meanwhile may be one.
pub fn take_all(mut pipe: PipeReader) -> io::Result<Vec<u8>> {
    // SAFETY: sets a flag of our own end.
    if unsafe { libc::fcntl(pipe.as_raw_fd(), libc::F_SETFL, libc::O_NONBLOCK) } != 0 {
        return Err(io::Error::last_os_error());
    }
    let mut bytes = Vec::new();
    match pipe.read_to_end(&mut bytes) {
        Err(e) if e.kind() != io::ErrorKind::WouldBlock => Err(e),
        _ => Ok(bytes),
    }
}

/// A vector of pointers as `exec` takes it.
fn pointers(texts: &[&CStr]) -> Vec<*const c_char> {
    texts.iter().map(|text| text.as_ptr()).chain([std::ptr::null()]).collect()
}

fn refused(what: &str, errno: i32) -> Error {
    Error::io(what, &io::Error::from_raw_os_error(errno))
}

#[cfg(test)]
mod tests;
