//! Faults of foreign code that become an error of the call that made them.
//!
//! A contained call remembers where it began (`guard`), in a record of its thread (`thread`). The handler of the fault
//! signals (`handler`) looks whether the fault is that of the innermost contained call of this very thread. Then the
//! call returns with a [`Fault`]; every other fault goes to the handler that was there before.
//!
//! What counts is narrow, since nothing that the code was doing is undone: memory stays allocated, locks stay locked.
//! A fault is contained where the processor raised it (not `kill`), while it executed an instruction of the range that
//! the call named, or called an address that is not executable from there. A fault in the C library, which may hold the
//! lock of its allocator then, is not; nor is `abort`, which ends in the C library; nor one of another thread.
//!
//! Frames of others between the call and the fault are lost without a word: `qsort` with a comparison that faults. Those
//! of this library are not: what its callbacks do is not in the range.

mod guard;
mod handler;
mod thread;

use crate::error::{Error, Result, Status};
use std::ffi::c_void;
use std::fmt;
use std::ops::Range;

/// The handlers are installed. They stay for the rest of the process.
#[derive(Clone, Copy, Debug)]
pub struct Containment(());

/// A C function of at most four integers and pointers, whichever and in whatever order: a fault is contained on x86-64
/// alone, where the guard puts them into the registers of the C ABI and the function finds those that it takes.
pub type Function = unsafe extern "C" fn(*mut c_void, *const c_void, usize, *const c_void) -> i32;

/// What it is called with; what it does not take is not looked at.
pub type Arguments = (*mut c_void, *const c_void, usize, *const c_void);

/// What became of a contained call.
#[derive(Clone, Copy, Debug)]
pub enum Ended {
    /// The function returned.
    Returned(i32),
    /// It was given up at a fault.
    Faulted(Fault),
}

/// What the processor complained of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault {
    /// `SIGSEGV`, `SIGBUS`, `SIGFPE` or `SIGILL`.
    pub signal: i32,
    /// The instruction, or the address that was called.
    pub instruction: usize,
    /// What `si_addr` says: for memory, the address that was accessed, where it is known.
    pub address: usize,
}

impl Containment {
    /// Installs the handlers, once for the process. [`Status::Unsupported`] on other processors than x86-64.
    pub fn install() -> Result<Self> {
        if !guard::IS_SUPPORTED {
            return Err(Error::new(
                Status::Unsupported,
                "containment of crashes: expected an x86-64 processor, found another one",
            ));
        }
        handler::install()?;
        Ok(Self(()))
    }

    /// The signals whose handler somebody has replaced since: whether a fault is contained is then up to that handler.
    pub fn replaced(self) -> impl Iterator<Item = &'static str> {
        handler::replaced().map(name)
    }

    /// Calls `function`. A fault with its instruction in `code` ends the call.
    ///
    /// The first call on a thread gives it a record and, where it has none, an alternate signal stack: without one, a
    /// fault for want of stack could not be handled. Both go when the thread ends.
    ///
    /// # Errors
    /// [`Status::Io`] where there is no memory for the record, [`Status::LimitExceeded`] for more than
    /// [`MAX_DEPTH`] calls inside each other.
    ///
    /// # Safety
    /// `function` may be called with these arguments, and may be left at any instruction in `code`: no frame between is
    /// relied upon by anybody.
    #[inline]
    pub unsafe fn call(self, code: &Range<usize>, function: Function, arguments: Arguments) -> Result<Ended> {
        let thread = thread::Record::of_this_thread()?;
        let frame = thread.push(code)?;
        // SAFETY: the frame is this call's until it is popped, and the rest is the caller's promise.
        let returned = unsafe { guard::call(frame.landing.get(), function, arguments) };
        let ended = match returned.landed {
            0 => Ended::Returned(returned.answer),
            _ => Ended::Faulted(frame.fault.get()),
        };
        thread.pop();
        Ok(ended)
    }
}

/// The most contained calls inside each other, on a thread.
pub const MAX_DEPTH: usize = 32;

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (address {:#x})", name(self.signal), self.address)
    }
}

fn name(signal: i32) -> &'static str {
    match signal {
        libc::SIGSEGV => "SIGSEGV",
        libc::SIGBUS => "SIGBUS",
        libc::SIGFPE => "SIGFPE",
        libc::SIGILL => "SIGILL",
        _ => "a signal",
    }
}
