//! Telling a forked child from the process that opened the engine.

use std::ptr::null_mut;
use std::sync::Once;
use std::sync::atomic::{AtomicPtr, AtomicU64, Ordering};

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

/// A value that each process has for itself. A forked child begins with a fresh one: in what it inherited, a lock may be
/// held by a thread that it did not inherit. What its parent had there is never freed in the child.
#[derive(Debug)]
pub struct PerProcess<T: 'static>(AtomicPtr<OfProcess<T>>);

#[derive(Debug)]
struct OfProcess<T> {
    generation: u64,
    value: T,
}

#[allow(clippy::new_without_default, reason = "it is for statics")]
impl<T: Default + Send + Sync + 'static> PerProcess<T> {
    /// The values come into being when they are asked for.
    pub const fn new() -> Self {
        Self(AtomicPtr::new(null_mut()))
    }

    /// The value of this process. No lock is taken.
    pub fn get(&self) -> &'static T {
        let generation = generation();
        let found = self.0.load(Ordering::Acquire);
        // SAFETY: null, or leaked below.
        if let Some(found) = unsafe { found.as_ref() }.filter(|found| found.generation == generation) {
            return &found.value;
        }
        let fresh = Box::into_raw(Box::new(OfProcess { generation, value: T::default() }));
        match self.0.compare_exchange(found, fresh, Ordering::AcqRel, Ordering::Acquire) {
            // SAFETY: leaked just now.
            Ok(_) => unsafe { &(*fresh).value },
            Err(other) => {
                // SAFETY: nobody else has seen `fresh`; another thread of this process was faster, and `other` is leaked.
                unsafe {
                    drop(Box::from_raw(fresh));
                    &(*other).value
                }
            }
        }
    }
}

fn as_unsafe(handler: extern "C" fn()) -> unsafe extern "C" fn() {
    handler
}
