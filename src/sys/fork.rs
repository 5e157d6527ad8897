//! Telling a forked child from the process that opened the engine.

use std::sync::Once;
use std::sync::atomic::{AtomicU64, Ordering};

/// How many forks lie between the process that asked first and this one: a number that differs in a child from what its
/// parent found, and costs no system call.
pub fn generation() -> u64 {
    static GENERATION: AtomicU64 = AtomicU64::new(0);
    static INSTALL: Once = Once::new();
    extern "C" fn count() {
        GENERATION.fetch_add(1, Ordering::Relaxed);
    }
    INSTALL.call_once(|| {
        // SAFETY: `count` is a function of this library, which is never unloaded (`-z nodelete`).
        unsafe { libc::pthread_atfork(None, None, Some(as_unsafe(count))) };
    });
    GENERATION.load(Ordering::Relaxed)
}

/// Runs `handler` in every child that `fork` makes from now on. Only the first call installs its handler.
///
/// The handler runs between `fork` and the child's return from it: it may touch atomics, and nothing that locks or
/// allocates.
pub fn on_fork_in_child(handler: extern "C" fn()) {
    static INSTALL: Once = Once::new();
    INSTALL.call_once(|| {
        // SAFETY: `handler` is a function of this library, which is never unloaded (`-z nodelete`).
        unsafe { libc::pthread_atfork(None, None, Some(as_unsafe(handler))) };
    });
}

fn as_unsafe(handler: extern "C" fn()) -> unsafe extern "C" fn() {
    handler
}
