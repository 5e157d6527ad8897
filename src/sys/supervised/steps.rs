//! What the supervisor and the program's process do before `exec`: system calls and nothing else.
//!
//! All of it runs in the host's memory, while the host's other threads go on. `libc::syscall` is used throughout, since
//! the functions of the C library may be points of cancellation.

use super::vfork::{Stacks, vfork_on};
use super::{Ending, MAX_DESCRIPTORS, Program, refused};
use crate::error::{Error, Result, Status};
use std::ffi::{c_char, c_int, c_long, c_void};
use std::io;
use std::os::fd::AsRawFd;
use std::time::Duration;

/// Everything that the processes need, made beforehand: pointers and numbers.
pub(super) struct Plan {
    program: c_int,
    arguments: *const *const c_char,
    environment: *const *const c_char,
    descriptors: [c_int; MAX_DESCRIPTORS],
    descriptor_count: usize,
    /// Where the record goes that tells how it ended.
    record: c_int,
    /// The descriptors named above, ascending: the supervisor closes all others, so that it holds nothing of the host.
    kept: [c_int; MAX_DESCRIPTORS + 2],
    kept_count: usize,
    stack: *mut u8,
    /// Nanoseconds of the monotonic clock.
    deadline: i64,
    /// The supervisor, as it sees itself.
    supervisor: c_long,
}

/// The kind of the ending, its number, and whether the program was stopped.
type Record = [i32; 3];
pub(super) const RECORD_LEN: usize = size_of::<Record>();

const EXITED: i32 = 0;
const KILLED: i32 = 1;
const TIMED_OUT: i32 = 2;
/// The supervisor or the program's process could not do its part: an error number follows.
const NOT_ISOLATED: i32 = 3;
const NOT_MADE: i32 = 4;
const NOT_RUN: i32 = 5;
const NOT_WAITED_FOR: i32 = 6;

impl Plan {
    pub(super) fn new(
        program: &Program<'_>,
        arguments: &[*const c_char],
        environment: &[*const c_char],
        record: c_int,
        stacks: &Stacks,
        deadline: Duration,
    ) -> Result<Self> {
        if program.descriptors.len() > MAX_DESCRIPTORS {
            return Err(Error::new(Status::Internal, "run a process: too many descriptors"));
        }
        let mut plan = Self {
            program: program.file.as_raw_fd(),
            arguments: arguments.as_ptr(),
            environment: environment.as_ptr(),
            descriptors: [-1; MAX_DESCRIPTORS],
            descriptor_count: program.descriptors.len(),
            record,
            kept: [-1; MAX_DESCRIPTORS + 2],
            kept_count: 0,
            stack: stacks.second(),
            deadline: now().saturating_add(i64::try_from(deadline.as_nanos()).unwrap_or(i64::MAX)),
            supervisor: 0,
        };
        for (place, descriptor) in plan.descriptors.iter_mut().zip(program.descriptors) {
            *place = descriptor.as_raw_fd();
        }
        let given = program.descriptors.iter().map(AsRawFd::as_raw_fd);
        let mut kept: Vec<c_int> = given.chain([plan.program, record]).collect();
        kept.sort_unstable();
        kept.dedup();
        plan.kept_count = kept.len();
        for (place, descriptor) in plan.kept.iter_mut().zip(kept) {
            *place = descriptor;
        }
        Ok(plan)
    }
}

/// Makes the supervisor and waits until it has ended.
pub(super) fn supervise(stacks: &Stacks, plan: &mut Plan) -> io::Result<()> {
    let (all, mut before) = (u64::MAX, 0_u64);
    // SAFETY: the sets have the eight bytes that the kernel's have. The C library would leave its own signals open.
    unsafe { set_signal_mask(&raw const all, &raw mut before) };
    // SAFETY: signals are blocked; `supervisor` keeps the rules that vfork_on states; the stack is the first one, which
    // nobody else uses; the plan outlives the process, which this waits for.
    let made = unsafe {
        vfork_on(stacks.first(), 0, std::ptr::null_mut(), supervisor, std::ptr::from_mut(plan).cast())
    };
    if let Ok(id) = made {
        // SAFETY: waits for our own child, which `wait` without __WALL does not find, and takes no status.
        while unsafe { libc::waitpid(id, std::ptr::null_mut(), libc::__WALL) } < 0
            && io::Error::last_os_error().raw_os_error() == Some(libc::EINTR)
        {}
    }
    // SAFETY: as above; `before` was filled there.
    unsafe { set_signal_mask(&raw const before, std::ptr::null_mut()) };
    made.map(drop).map_err(io::Error::from_raw_os_error)
}

/// What the record says.
pub(super) fn ending(bytes: [u8; RECORD_LEN]) -> Result<Ending> {
    let mut words = bytes.as_chunks::<4>().0.iter().copied().map(i32::from_ne_bytes);
    let (kind, value, stopped) = (words.next(), words.next().unwrap_or(0), words.next());
    match kind {
        Some(EXITED) => Ok(Ending::Exited(value)),
        Some(KILLED) => Ok(Ending::Killed(value)),
        Some(TIMED_OUT) => Ok(Ending::TimedOut { stopped: stopped == Some(1) }),
        Some(NOT_ISOLATED) => Err(refused("close descriptors in a process", value)),
        Some(NOT_MADE) => Err(refused("make a process", value)),
        Some(NOT_WAITED_FOR) => Err(refused("wait for a process", value)),
        Some(NOT_RUN) => Err(refused("run a program", value)),
        _ => Err(Error::new(Status::Internal, "run a process: its record is malformed")),
    }
}

/// The supervisor's life.
unsafe extern "C" fn supervisor(plan: *mut c_void) -> ! {
    // SAFETY: the pointer given in `supervise`, whose thread sleeps.
    let plan = unsafe { &mut *plan.cast::<Plan>() };
    let record = supervised(plan);
    end_with(plan.record, record)
}

fn supervised(plan: &mut Plan) -> Record {
    // SAFETY: both settings concern the calling process alone, which is the supervisor: the subreaper's mark is kept
    // for each process, memory shared or not.
    unsafe {
        libc::syscall(libc::SYS_prctl, libc::PR_SET_PDEATHSIG, libc::SIGKILL, 0, 0, 0);
        libc::syscall(libc::SYS_prctl, libc::PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
        plan.supervisor = libc::syscall(libc::SYS_getpid);
    }
    // Where the host ignores SIGCHLD, its copy here would have the kernel reap the program and drop its status.
    if let Err(error) = default_action(libc::SIGCHLD).and_then(|()| close_others(plan)) {
        return [NOT_ISOLATED, error, 0];
    }
    let mut pidfd = -1;
    let (stack, flags) = (plan.stack, libc::CLONE_PIDFD | libc::SIGCHLD);
    // SAFETY: signals are blocked; `program` keeps the rules that vfork_on states; the stack is the second one, and the
    // supervisor sleeps until the program runs.
    let made = unsafe { vfork_on(stack, flags, &raw mut pidfd, program, std::ptr::from_mut(plan).cast()) };
    let id = match made {
        Ok(id) => id,
        Err(error) => return [NOT_MADE, error, 0],
    };
    let in_time = wait_until(pidfd, plan.deadline);
    let stopped = !in_time && is_stopped(id);
    // What the program left behind in its group goes before it is reaped: until then nobody else has the number.
    kill(-id);
    kill(id);
    let reaped = reap(id);
    end_orphans();
    let status = match reaped {
        Ok(status) => status,
        Err(error) => return [NOT_WAITED_FOR, error, 0],
    };
    if !in_time {
        [TIMED_OUT, 0, i32::from(stopped)]
    } else if libc::WIFEXITED(status) {
        [EXITED, libc::WEXITSTATUS(status), 0]
    } else {
        [KILLED, libc::WTERMSIG(status), 0]
    }
}

/// The life of the program's process up to `exec`.
unsafe extern "C" fn program(plan: *mut c_void) -> ! {
    // SAFETY: the pointer given above, whose owner sleeps.
    let plan = unsafe { &*plan.cast::<Plan>() };
    let (record, error) = become_program(plan);
    end_with(record, [NOT_RUN, error, 0])
}

/// Writes the record and ends the calling process.
fn end_with(descriptor: c_int, record: Record) -> ! {
    // SAFETY: the record is plain data of that length; the process ends here.
    unsafe {
        libc::syscall(libc::SYS_write, descriptor, record.as_ptr(), RECORD_LEN);
        libc::syscall(libc::SYS_exit_group, 0);
    }
    loop {
        std::hint::spin_loop();
    }
}

/// Returns only with where the record goes and an error number: the program's descriptors may stand in the place of the
/// record's own. Signals stay blocked: the host's handlers must not run here.
fn become_program(plan: &Plan) -> (c_int, c_int) {
    let mut record_end = plan.record;
    // SAFETY: system calls on numbers and on pointers of the plan, which are valid until `exec`.
    unsafe {
        libc::syscall(libc::SYS_setsid);
        libc::syscall(libc::SYS_prctl, libc::PR_SET_PDEATHSIG, libc::SIGKILL, 0, 0, 0);
        if libc::syscall(libc::SYS_getppid) != plan.supervisor {
            // It died before the line above.
            libc::syscall(libc::SYS_exit_group, 127);
        }
        let room = c_long::try_from(MAX_DESCRIPTORS).unwrap_or(0);
        // Out of the way first, then to their places: a source may stand where another one goes.
        let mut moved = [-1; MAX_DESCRIPTORS];
        for (place, &descriptor) in moved.iter_mut().zip(&plan.descriptors).take(plan.descriptor_count) {
            *place = libc::syscall(libc::SYS_fcntl, descriptor, libc::F_DUPFD_CLOEXEC, room);
            if *place < 0 {
                return (record_end, errno());
            }
        }
        let file = libc::syscall(libc::SYS_fcntl, plan.program, libc::F_DUPFD_CLOEXEC, room);
        let record = libc::syscall(libc::SYS_fcntl, plan.record, libc::F_DUPFD_CLOEXEC, room);
        if file < 0 || record < 0 {
            return (record_end, errno());
        }
        record_end = c_int::try_from(record).unwrap_or(plan.record);
        for (target, &source) in (0..).zip(&moved).take(plan.descriptor_count) {
            let target: c_int = target;
            if libc::syscall(libc::SYS_dup3, source, target, 0) < 0 {
                return (record_end, errno());
            }
        }
        let empty = c"".as_ptr();
        libc::syscall(libc::SYS_execveat, file, empty, plan.arguments, plan.environment, libc::AT_EMPTY_PATH);
    }
    (record_end, errno())
}

/// Closes everything but what the plan keeps.
fn close_others(plan: &Plan) -> std::result::Result<(), c_int> {
    let mut next: c_int = 0;
    for &kept in plan.kept.iter().take(plan.kept_count) {
        if kept > next {
            close_range(next, kept.wrapping_sub(1).cast_unsigned())?;
        }
        next = kept.wrapping_add(1);
    }
    close_range(next, c_int::MAX.cast_unsigned())
}

/// For this process alone: processes made without CLONE_SIGHAND have a table of their own.
fn default_action(signal: c_int) -> std::result::Result<(), c_int> {
    // The kernel's `struct sigaction`, handler, flags, restorer and mask: zeros are SIG_DFL without flags.
    let action = [0_u64; 4];
    // SAFETY: a readable struct and the size of its mask.
    let set = unsafe {
        let none = std::ptr::null_mut::<u64>();
        libc::syscall(libc::SYS_rt_sigaction, signal, action.as_ptr(), none, size_of::<u64>())
    };
    if set == 0 { Ok(()) } else { Err(errno()) }
}

fn close_range(first: c_int, last: u32) -> std::result::Result<(), c_int> {
    // SAFETY: the descriptors are copies: the process has a table of its own.
    if unsafe { libc::syscall(libc::SYS_close_range, first, last, 0) } == 0 { Ok(()) } else { Err(errno()) }
}

/// Whether the process ended before the deadline.
fn wait_until(pidfd: c_int, deadline: i64) -> bool {
    loop {
        let left = deadline.saturating_sub(now());
        if left <= 0 {
            return false;
        }
        let patience =
            libc::timespec { tv_sec: left / 1_000_000_000, tv_nsec: left.wrapping_rem(1_000_000_000) };
        let mut polled = libc::pollfd { fd: pidfd, events: libc::POLLIN, revents: 0 };
        // SAFETY: one entry, a time to wait, no signal mask.
        let found = unsafe {
            let no_mask = std::ptr::null::<u64>();
            libc::syscall(libc::SYS_ppoll, &raw mut polled, 1, &raw const patience, no_mask, size_of::<u64>())
        };
        if found > 0 {
            return true;
        }
        // Without a descriptor that can be polled only the deadline is left.
        if found < 0 && errno() != libc::EINTR && errno() != libc::EAGAIN {
            return false;
        }
    }
}

fn is_stopped(id: libc::pid_t) -> bool {
    // SAFETY: zeros are a valid value of this plain struct, which the kernel fills.
    let mut found: libc::siginfo_t = unsafe { std::mem::zeroed() };
    let options = libc::WSTOPPED | libc::WNOHANG | libc::WNOWAIT;
    // SAFETY: room for the answer; no resource usage is asked for.
    let waited = unsafe {
        let no_usage = std::ptr::null_mut::<libc::rusage>();
        libc::syscall(libc::SYS_waitid, libc::P_PID, id, &raw mut found, options | libc::__WALL, no_usage)
    };
    // SAFETY: a union whose member is set where the call found something, and zero otherwise.
    waited == 0 && unsafe { found.si_pid() } == id
}

fn kill(id: libc::pid_t) {
    // SAFETY: a child of ours that was not reaped, or its group.
    unsafe { libc::syscall(libc::SYS_kill, id, libc::SIGKILL) };
}

/// The wait status of a process that has ended or is about to.
fn reap(id: libc::pid_t) -> std::result::Result<c_int, c_int> {
    let mut status = 0;
    loop {
        // SAFETY: room for a status; no resource usage is asked for.
        let waited = unsafe {
            let no_usage = std::ptr::null_mut::<libc::rusage>();
            libc::syscall(libc::SYS_wait4, id, &raw mut status, libc::__WALL, no_usage)
        };
        if waited >= 0 {
            return Ok(status);
        }
        if errno() != libc::EINTR {
            return Err(errno());
        }
    }
}

/// Ends what the program left behind outside of its group: it became a child of the supervisor, the subreaper. Where
/// the kernel does not list children (no CONFIG_PROC_CHILDREN), they are left to PR_SET_PDEATHSIG and to `init`.
fn end_orphans() {
    // Each round ends those that are seen; what they leave behind in turn is seen in the next.
    for _ in 0..64 {
        let mut list = [0_u8; 4096];
        let Some(len) = read_file(c"/proc/thread-self/children", &mut list) else { return };
        let mut id: libc::pid_t = 0;
        for &byte in list.iter().take(len) {
            if byte.is_ascii_digit() {
                id = id.wrapping_mul(10).wrapping_add(libc::pid_t::from(byte.wrapping_sub(b'0')));
            } else if id > 0 {
                kill(id);
                // A child that is gone already is as good.
                let _ = reap(id);
                id = 0;
            }
        }
        if len == 0 {
            return;
        }
    }
}

fn read_file(path: &std::ffi::CStr, into: &mut [u8]) -> Option<usize> {
    // SAFETY: a NUL-terminated path and a buffer with its length; the descriptor is closed where it was opened.
    unsafe {
        let flags = libc::O_RDONLY | libc::O_CLOEXEC;
        let file = libc::syscall(libc::SYS_openat, libc::AT_FDCWD, path.as_ptr(), flags);
        if file < 0 {
            return None;
        }
        let len = libc::syscall(libc::SYS_read, file, into.as_mut_ptr(), into.len());
        libc::syscall(libc::SYS_close, file);
        usize::try_from(len).ok()
    }
}

/// # Safety
/// `mask` is readable, `before` writable or NULL.
unsafe fn set_signal_mask(mask: *const u64, before: *mut u64) {
    // SAFETY: the caller's promise.
    unsafe {
        libc::syscall(libc::SYS_rt_sigprocmask, libc::SIG_SETMASK, mask, before, size_of::<u64>());
    }
}

/// Nanoseconds of the monotonic clock.
fn now() -> i64 {
    let mut now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: room for the answer.
    unsafe { libc::syscall(libc::SYS_clock_gettime, libc::CLOCK_MONOTONIC, &raw mut now) };
    now.tv_sec.wrapping_mul(1_000_000_000).wrapping_add(now.tv_nsec)
}

fn errno() -> c_int {
    // SAFETY: the thread's own; the thread that it is shared with sleeps.
    unsafe { *libc::__errno_location() }
}
