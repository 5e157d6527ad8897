//! Threads that keep out of the host's way.

use std::io;
use std::thread::JoinHandle;

/// Starts a thread with all signals blocked: the host's handlers never run on it.
pub fn spawn_quiet(name: &str, body: impl FnOnce() + Send + 'static) -> io::Result<JoinHandle<()>> {
    quietly(|| std::thread::Builder::new().name(name.to_owned()).spawn(body))
}

/// Runs `start` with all signals blocked, which the threads that it starts inherit.
pub fn quietly<R>(start: impl FnOnce() -> R) -> R {
    let _blocked = Blocked::all();
    start()
}

/// All signals are blocked on this thread until it is dropped.
struct Blocked(libc::sigset_t);

impl Blocked {
    fn all() -> Self {
        let mut all = std::mem::MaybeUninit::<libc::sigset_t>::uninit();
        let mut before = std::mem::MaybeUninit::<libc::sigset_t>::uninit();
        // SAFETY: sigfillset initialises the set it is given, pthread_sigmask reads it and initialises `before`.
        unsafe {
            libc::sigfillset(all.as_mut_ptr());
            libc::pthread_sigmask(libc::SIG_SETMASK, all.as_ptr(), before.as_mut_ptr());
            Self(before.assume_init())
        }
    }
}

impl Drop for Blocked {
    fn drop(&mut self) {
        // SAFETY: a set that the constructor got from the kernel.
        unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, &raw const self.0, std::ptr::null_mut()) };
    }
}

/// How many processors this thread may run on.
pub fn processors() -> usize {
    // SAFETY: a set of processors is plain bits, and the call fills the one that it is given.
    unsafe {
        let mut allowed: libc::cpu_set_t = std::mem::zeroed();
        if libc::sched_getaffinity(0, size_of_val(&allowed), &raw mut allowed) != 0 {
            return 1;
        }
        usize::try_from(libc::CPU_COUNT(&allowed)).unwrap_or(1)
    }
}

/// Makes the timers of the calling thread precise: as it is, the kernel lets them be late by 50 microseconds.
pub fn precise_timers() {
    const NANOSECONDS: libc::c_ulong = 1;
    // SAFETY: no pointers; it changes nothing but when this thread is woken.
    unsafe { libc::prctl(libc::PR_SET_TIMERSLACK, NANOSECONDS) };
}
