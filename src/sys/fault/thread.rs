//! The record of a thread: the contained calls that it is inside of, and its alternate signal stack.
//!
//! The handler has to find the record, at any instruction of any thread, also of one that never made a contained call. A
//! `thread_local!` of a shared library is no way: its first use on a thread may allocate, and the fault may stand in the
//! allocator. `pthread_getspecific` is one: it reads the thread's descriptor, and the C library's manual calls it safe
//! in a signal handler. On a thread without a record it answers NULL.

use super::guard::Landing;
use super::{Fault, MAX_DEPTH};
use crate::error::{Error, Result, Status};
use std::cell::{Cell, UnsafeCell};
use std::ffi::c_void;
use std::io;
use std::ops::Range;
use std::ptr::null_mut;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering, compiler_fence};

/// What the handler needs of a thread. It lies at the end of its mapping, above the alternate stack, which grows down
/// towards a page that cannot be accessed.
#[repr(C, align(64))]
#[derive(Debug)]
pub(super) struct Record {
    depth: AtomicUsize,
    frames: [Frame; MAX_DEPTH],
    /// The mapping, from its guard page to the end of the record.
    mapping: Range<usize>,
    /// The part of it that is the thread's alternate stack, if it had none of its own.
    stack: Option<Range<usize>>,
}

/// A contained call.
#[derive(Debug)]
pub(super) struct Frame {
    pub(super) landing: UnsafeCell<Landing>,
    /// Written by the handler before it sends the thread to the landing.
    pub(super) fault: Cell<Fault>,
    code: Cell<(usize, usize)>,
}

impl Frame {
    /// Whether the call may be given up at this instruction.
    pub(super) fn owns(&self, instruction: usize) -> bool {
        let (start, end) = self.code.get();
        (start..end).contains(&instruction)
    }
}

/// Makes records possible.
pub(super) fn prepare() -> Result<()> {
    if KEY.get().is_some() {
        return Ok(());
    }
    let mut key = 0;
    // SAFETY: `key` is a place for the answer; `end_of_thread` is a function of this library, which is never unloaded.
    let refused = unsafe { libc::pthread_key_create(&raw mut key, Some(end_of_thread)) };
    if refused != 0 {
        return Err(Error::io("containment of crashes: make a key", &io::Error::from_raw_os_error(refused)));
    }
    // Only the installation comes here, one thread at a time.
    let _ = KEY.set(key);
    Ok(())
}

static KEY: OnceLock<libc::pthread_key_t> = OnceLock::new();

impl Record {
    /// The record of the calling thread, if it ever made a contained call. Safe in a signal handler.
    #[inline]
    pub(super) fn find<'a>() -> Option<&'a Self> {
        // SAFETY: the key exists; its value is NULL or a record, which lives until the thread ends.
        KEY.get().and_then(|key| unsafe { libc::pthread_getspecific(*key).cast::<Self>().as_ref() })
    }

    /// The record of the calling thread, made where there is none.
    #[inline]
    pub(super) fn of_this_thread<'a>() -> Result<&'a Self> {
        Self::find().map_or_else(Self::make, Ok)
    }

    /// The innermost contained call of this thread. Safe in a signal handler.
    pub(super) fn innermost(&self) -> Option<&Frame> {
        self.depth.load(Ordering::Relaxed).checked_sub(1).and_then(|last| self.frames.get(last))
    }

    /// Begins a contained call.
    #[inline]
    pub(super) fn push(&self, code: &Range<usize>) -> Result<&Frame> {
        let depth = self.depth.load(Ordering::Relaxed);
        let frame = self.frames.get(depth).ok_or_else(|| {
            Error::new(
                Status::LimitExceeded,
                format!("expected at most {MAX_DEPTH} contained calls inside each other"),
            )
        })?;
        frame.code.set((code.start, code.end));
        // The handler runs on this thread: what it sees is a matter of the compiler's order alone. Until the guard has
        // stored the registers no instruction of `code` is executed, so the frame may be seen before that.
        compiler_fence(Ordering::Release);
        self.depth.store(depth + 1, Ordering::Relaxed);
        Ok(frame)
    }

    /// Ends the innermost contained call.
    #[inline]
    pub(super) fn pop(&self) {
        self.depth.store(self.depth.load(Ordering::Relaxed).saturating_sub(1), Ordering::Relaxed);
        compiler_fence(Ordering::Release);
    }

    #[cold]
    fn make<'a>() -> Result<&'a Self> {
        let failed = |what: &str| {
            Error::io(format_args!("containment of crashes: {what}"), &io::Error::last_os_error())
        };
        let page = page_size();
        let stack = stack_size().next_multiple_of(page);
        let len = page + stack + size_of::<Self>().next_multiple_of(page);
        // SAFETY: a fresh private mapping; the kernel chooses the address.
        let mapped = unsafe {
            libc::mmap(
                null_mut(),
                len,
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE,
                -1,
                0,
            )
        };
        if mapped == libc::MAP_FAILED {
            return Err(failed("map a signal stack"));
        }
        let mapping = mapped.addr()..mapped.addr() + len;
        let place = mapped.wrapping_byte_add(page + stack).cast::<Self>();
        // SAFETY: the place lies in the fresh mapping, with room for a record, at a page's begin.
        let record = unsafe {
            place.write(Self {
                depth: AtomicUsize::new(0),
                frames: std::array::from_fn(|_| Frame::unused()),
                mapping: mapping.clone(),
                stack: None,
            });
            &mut *place
        };
        // SAFETY: the first page of the mapping, which nobody uses.
        if unsafe { libc::mprotect(mapped, page, libc::PROT_NONE) } != 0 {
            let refused = failed("protect a signal stack");
            unmap(mapping);
            return Err(refused);
        }
        if !has_alternate_stack() {
            let own = mapping.start + page..mapping.start + page + stack;
            if !set_alternate_stack(Some(&own)) {
                let refused = failed("set a signal stack");
                unmap(mapping);
                return Err(refused);
            }
            record.stack = Some(own);
        }
        let Some(key) = KEY.get() else {
            return Err(Error::new(Status::Internal, "containment of crashes: was not prepared"));
        };
        // SAFETY: the key exists; the record lives until `end_of_thread` gets it.
        let refused = unsafe { libc::pthread_setspecific(*key, std::ptr::from_mut(record).cast()) };
        if refused != 0 {
            dismiss(record);
            return Err(Error::io(
                "containment of crashes: keep a record",
                &io::Error::from_raw_os_error(refused),
            ));
        }
        Ok(record)
    }
}

impl Frame {
    fn unused() -> Self {
        Self {
            landing: UnsafeCell::new(Landing::default()),
            fault: Cell::new(Fault { signal: 0, instruction: 0, address: 0 }),
            code: Cell::new((0, 0)),
        }
    }
}

/// The C library calls this at the end of a thread that has a record.
unsafe extern "C" fn end_of_thread(record: *mut c_void) {
    // SAFETY: the value of the key on this thread, which the C library has taken out: nobody finds it any more.
    dismiss(unsafe { &*record.cast::<Record>() });
}

/// Takes the alternate stack back and unmaps everything.
fn dismiss(record: &Record) {
    let mapping = record.mapping.clone();
    if record.stack.as_ref().is_some_and(is_alternate_stack) {
        set_alternate_stack(None);
    }
    unmap(mapping);
}

fn unmap(mapping: Range<usize>) {
    // SAFETY: a mapping of `make`, to which no reference is left.
    unsafe { libc::munmap(std::ptr::without_provenance_mut(mapping.start), mapping.len()) };
}

/// Enough for the handlers that were there before, which may write reports, on top of what the kernel stores there.
fn stack_size() -> usize {
    const ROOM: usize = 128 << 10;
    // SAFETY: no pointers; answers 0 where the kernel does not tell.
    let least = usize::try_from(unsafe { libc::getauxval(libc::AT_MINSIGSTKSZ) }).unwrap_or(0);
    ROOM + least.max(libc::MINSIGSTKSZ)
}

fn page_size() -> usize {
    // SAFETY: no pointers.
    usize::try_from(unsafe { libc::sysconf(libc::_SC_PAGESIZE) }).unwrap_or(1 << 16)
}

fn has_alternate_stack() -> bool {
    alternate_stack().is_some_and(|stack| stack.ss_flags & libc::SS_DISABLE == 0)
}

fn is_alternate_stack(stack: &Range<usize>) -> bool {
    alternate_stack().is_some_and(|found| found.ss_sp.addr() == stack.start)
}

fn alternate_stack() -> Option<libc::stack_t> {
    let mut found = libc::stack_t { ss_sp: null_mut(), ss_flags: 0, ss_size: 0 };
    // SAFETY: only asks; `found` is a place for the answer.
    (unsafe { libc::sigaltstack(std::ptr::null(), &raw mut found) } == 0).then_some(found)
}

fn set_alternate_stack(stack: Option<&Range<usize>>) -> bool {
    let new = stack.map_or(
        libc::stack_t { ss_sp: null_mut(), ss_flags: libc::SS_DISABLE, ss_size: libc::MINSIGSTKSZ },
        |stack| libc::stack_t {
            ss_sp: std::ptr::with_exposed_provenance_mut(stack.start),
            ss_flags: 0,
            ss_size: stack.len(),
        },
    );
    // SAFETY: the stack is mapped until it is taken back.
    unsafe { libc::sigaltstack(&raw const new, null_mut()) == 0 }
}
