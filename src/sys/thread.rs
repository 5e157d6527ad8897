//! Threads that keep out of the host's way.

use std::io;
use std::thread::JoinHandle;

/// Starts a thread with all signals blocked: the host's handlers never run on it.
pub fn spawn_quiet(name: &str, body: impl FnOnce() + Send + 'static) -> io::Result<JoinHandle<()>> {
    let mut all = std::mem::MaybeUninit::<libc::sigset_t>::uninit();
    let mut before = std::mem::MaybeUninit::<libc::sigset_t>::uninit();
    // SAFETY: sigfillset initialises the set it is given, pthread_sigmask reads it and initialises `before`. The new
    // thread inherits the mask, which is put back right after.
    unsafe {
        libc::sigfillset(all.as_mut_ptr());
        libc::pthread_sigmask(libc::SIG_SETMASK, all.as_ptr(), before.as_mut_ptr());
    }
    let started = std::thread::Builder::new().name(name.to_owned()).spawn(body);
    // SAFETY: `before` was initialised above.
    unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, before.as_ptr(), std::ptr::null_mut()) };
    started
}

/// Makes the timers of the calling thread precise: as it is, the kernel lets them be late by 50 microseconds.
pub fn precise_timers() {
    const NANOSECONDS: libc::c_ulong = 1;
    // SAFETY: no pointers; it changes nothing but when this thread is woken.
    unsafe { libc::prctl(libc::PR_SET_TIMERSLACK, NANOSECONDS) };
}
