//! The handler of the fault signals: to the landing, or to the handler that was there before.
//!
//! Everything here runs at any instruction of any thread: no lock, no allocation, no thread-local of this library.

use super::Fault;
use super::guard;
use super::thread::{self, Frame, Record};
use crate::error::{Error, Result};
use crate::sync::Mutex;
use crate::sys::fork::PerProcess;
use std::ffi::{c_int, c_void};
use std::io;
use std::mem::MaybeUninit;
use std::ptr::null_mut;
use std::sync::atomic::{AtomicBool, AtomicPtr, Ordering};

type Handler = unsafe extern "C" fn(c_int, *mut libc::siginfo_t, *mut c_void);

/// A signal that a fault makes, with what was there before.
struct Slot {
    signal: c_int,
    /// Never freed: a handler may be reading it.
    previous: AtomicPtr<libc::sigaction>,
    /// The previous handler wanted to run once, and did (`SA_RESETHAND`).
    is_spent: AtomicBool,
}

/// Not `SIGABRT`: it comes from inside the C library, so it never is contained.
static SLOTS: [Slot; 4] =
    [Slot::new(libc::SIGSEGV), Slot::new(libc::SIGBUS), Slot::new(libc::SIGFPE), Slot::new(libc::SIGILL)];

impl Slot {
    const fn new(signal: c_int) -> Self {
        Self { signal, previous: AtomicPtr::new(null_mut()), is_spent: AtomicBool::new(false) }
    }
}

/// Installs the handler for the signals for which it is not installed yet.
pub(super) fn install() -> Result<()> {
    static ONE_AT_A_TIME: PerProcess<Mutex<()>> = PerProcess::new();
    let _guard = ONE_AT_A_TIME.get().lock();
    thread::prepare()?;
    for slot in &SLOTS {
        if slot.previous.load(Ordering::Acquire).is_null() {
            install_for(slot).map_err(|e| {
                Error::io(format_args!("install a handler for {}", super::name(slot.signal)), &e)
            })?;
        }
    }
    Ok(())
}

/// The signals that have another handler now.
pub(super) fn replaced() -> impl Iterator<Item = c_int> {
    SLOTS.iter().map(|slot| slot.signal).filter(|signal| {
        action_of(*signal).is_ok_and(|action| action.sa_sigaction != (on_fault as Handler as usize))
    })
}

fn install_for(slot: &Slot) -> io::Result<()> {
    let previous = action_of(slot.signal)?;
    // In place before the handler is: it may have to run at once, on another thread.
    slot.previous.store(Box::into_raw(Box::new(previous)), Ordering::Release);
    let mut own = previous;
    own.sa_sigaction = on_fault as Handler as usize;
    // The mask is that of the previous handler, which is set when it is called; a fault in here must not be blocked.
    own.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK | libc::SA_NODEFER;
    if previous.sa_sigaction == libc::SIG_IGN || previous.sa_flags & libc::SA_RESTART != 0 {
        own.sa_flags |= libc::SA_RESTART;
    }
    // SAFETY: sigemptyset initialises the set it is given.
    unsafe { libc::sigemptyset(&raw mut own.sa_mask) };
    set_action(slot.signal, &own)
}

/// Called by the kernel.
unsafe extern "C" fn on_fault(signal: c_int, info: *mut libc::siginfo_t, context: *mut c_void) {
    // SAFETY: what the kernel gives to a handler with SA_SIGINFO, for its duration.
    let (details, registers) = unsafe { (&*info, &mut *context.cast::<libc::ucontext_t>()) };
    let errno = Errno::keep();
    if let Some(frame) = Record::find().and_then(Record::innermost)
        && is_fault(details)
        && is_of(frame, registers)
        && is_intact(frame)
    {
        frame.fault.set(Fault {
            signal,
            instruction: register(registers, INSTRUCTION),
            // SAFETY: a fault signal has an address.
            address: unsafe { details.si_addr() }.addr(),
        });
        // SAFETY: the guard has written it, and is not running now.
        guard::land(registers, unsafe { &*frame.landing.get() });
        return;
    }
    if let Some(slot) = SLOTS.iter().find(|slot| slot.signal == signal) {
        // SAFETY: what the kernel gave.
        unsafe { forward(slot, info, context, errno) };
    }
}

/// Whether the processor raised the signal here and now, rather than `kill`, a timer, or memory that was found broken.
fn is_fault(details: &libc::siginfo_t) -> bool {
    details.si_code > 0 && (details.si_signo != libc::SIGBUS || details.si_code <= libc::BUS_OBJERR)
}

/// Whether the fault was made by the code of the call.
fn is_of(frame: &Frame, registers: &libc::ucontext_t) -> bool {
    if frame.owns(register(registers, INSTRUCTION)) {
        return true;
    }
    // A call of an address that is not executable: the instruction that made it has left its return address.
    is_failed_fetch(registers)
        && read_word(register(registers, STACK)).is_some_and(|caller| frame.owns(caller))
}

/// Whether the stack still is as the guard left it. Where the code wrote over it, there is no way back.
fn is_intact(frame: &Frame) -> bool {
    // SAFETY: the guard has written it, and is not running now.
    let landing = unsafe { &*frame.landing.get() };
    let place: *const usize = std::ptr::with_exposed_provenance(landing.rsp);
    // SAFETY: the stack of a function of this library that has not returned.
    unsafe { place.read_volatile() == landing.return_address }
}

/// Does what the kernel would have done without this library.
///
/// # Safety
/// `info` and `context` are what the kernel gave to the handler.
unsafe fn forward(slot: &Slot, info: *mut libc::siginfo_t, context: *mut c_void, errno: Errno) {
    // SAFETY: never freed; NULL before the installation.
    let Some(previous) = (unsafe { slot.previous.load(Ordering::Acquire).as_ref() }) else { return };
    // SAFETY: the caller's promise.
    let is_forced = is_fault(unsafe { &*info });
    let runs_once = previous.sa_flags & libc::SA_RESETHAND != 0;
    match previous.sa_sigaction {
        libc::SIG_IGN if !is_forced => {}
        // The kernel does not let a fault be ignored.
        libc::SIG_DFL | libc::SIG_IGN => die(slot.signal, info, is_forced),
        _ if runs_once && slot.is_spent.swap(true, Ordering::SeqCst) => die(slot.signal, info, is_forced),
        address => {
            block(slot.signal, previous);
            errno.restore();
            // SAFETY: it was installed as a handler. The kernel passes all three arguments whatever its flags; the
            // mask that is in force afterwards stands in `context`.
            unsafe { std::mem::transmute::<usize, Handler>(address)(slot.signal, info, context) };
        }
    }
    errno.restore();
}

/// Blocks what the kernel would have blocked while the handler runs.
fn block(signal: c_int, action: &libc::sigaction) {
    let mut mask = action.sa_mask;
    // SAFETY: the sets are initialised; changes nothing but this thread's mask.
    unsafe {
        if action.sa_flags & libc::SA_NODEFER == 0 {
            libc::sigaddset(&raw mut mask, signal);
        }
        libc::pthread_sigmask(libc::SIG_BLOCK, &raw const mask, null_mut());
    }
}

/// The default action: the process ends by this signal. A fault is made again, so that a core shows it where it was.
fn die(signal: c_int, info: *mut libc::siginfo_t, is_forced: bool) {
    // SAFETY: plain data, for which zero is valid: SIG_DFL, no flags, an empty mask.
    let default = unsafe { MaybeUninit::<libc::sigaction>::zeroed().assume_init() };
    if set_action(signal, &default).is_ok() && is_forced {
        return;
    }
    // SAFETY: sends this very signal to this thread, with what the kernel said of it.
    unsafe {
        libc::syscall(libc::SYS_rt_tgsigqueueinfo, libc::getpid(), libc::gettid(), signal, info);
    }
}

fn action_of(signal: c_int) -> io::Result<libc::sigaction> {
    let mut action = MaybeUninit::<libc::sigaction>::uninit();
    // SAFETY: only asks; `action` is a place for the answer.
    if unsafe { libc::sigaction(signal, std::ptr::null(), action.as_mut_ptr()) } != 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: sigaction succeeded and filled it.
    Ok(unsafe { action.assume_init() })
}

fn set_action(signal: c_int, action: &libc::sigaction) -> io::Result<()> {
    // SAFETY: a whole action, whose handler stays mapped.
    if unsafe { libc::sigaction(signal, action, null_mut()) } == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}

/// The word at an address that may be no address at all.
fn read_word(address: usize) -> Option<usize> {
    let mut word = 0_usize;
    let local = libc::iovec { iov_base: (&raw mut word).cast(), iov_len: size_of::<usize>() };
    let remote =
        libc::iovec { iov_base: std::ptr::without_provenance_mut(address), iov_len: size_of::<usize>() };
    // SAFETY: the kernel checks `remote`; `local` is the word above.
    let read =
        unsafe { libc::process_vm_readv(libc::getpid(), &raw const local, 1, &raw const remote, 1, 0) };
    (read == size_of::<usize>().cast_signed()).then_some(word)
}

/// The calling thread's `errno`, which a handler must leave as it was.
#[derive(Clone, Copy)]
struct Errno(c_int);

impl Errno {
    fn keep() -> Self {
        // SAFETY: the address of this thread's errno.
        Self(unsafe { *libc::__errno_location() })
    }

    fn restore(self) {
        // SAFETY: as above.
        unsafe { *libc::__errno_location() = self.0 };
    }
}

#[cfg(target_arch = "x86_64")]
use x86_64::{INSTRUCTION, STACK, is_failed_fetch, register};

#[cfg(target_arch = "x86_64")]
mod x86_64 {
    use std::ffi::c_int;

    pub(super) const INSTRUCTION: c_int = libc::REG_RIP;
    pub(super) const STACK: c_int = libc::REG_RSP;

    pub(super) fn register(context: &libc::ucontext_t, number: c_int) -> usize {
        let value = usize::try_from(number).ok().and_then(|index| context.uc_mcontext.gregs.get(index));
        value.and_then(|value| usize::try_from(value.cast_unsigned()).ok()).unwrap_or(0)
    }

    /// Whether it is a page fault for want of an instruction.
    pub(super) fn is_failed_fetch(context: &libc::ucontext_t) -> bool {
        const PAGE_FAULT: usize = 14;
        const WAS_FETCH: usize = 1 << 4;
        register(context, libc::REG_TRAPNO) == PAGE_FAULT && register(context, libc::REG_ERR) & WAS_FETCH != 0
    }
}

#[cfg(not(target_arch = "x86_64"))]
use elsewhere::{INSTRUCTION, STACK, is_failed_fetch, register};

/// Never installed there.
#[cfg(not(target_arch = "x86_64"))]
mod elsewhere {
    use std::ffi::c_int;

    pub(super) const INSTRUCTION: c_int = 0;
    pub(super) const STACK: c_int = 0;

    pub(super) fn register(_: &libc::ucontext_t, _: c_int) -> usize {
        0
    }

    pub(super) fn is_failed_fetch(_: &libc::ucontext_t) -> bool {
        false
    }
}
