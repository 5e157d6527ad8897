//! What a thread remembers from one request to the next: where its slot is, and which plugin calls it is inside of.
//! One thread-local for all of it, as each costs a look-up of its own.
#![forbid(unsafe_code)]

use super::directory::VersionId;
use crate::error::{Error, Result, Status};
use std::cell::Cell;

/// The deepest nesting of plugin calls on one thread.
const MAX_DEPTH: usize = 32;

struct Thread {
    /// One more than the slot that this thread used last; 0 before its first.
    hint: Cell<usize>,
    depth: Cell<usize>,
    inside: [Cell<Option<VersionId>>; MAX_DEPTH],
}

impl Thread {
    const fn new() -> Self {
        Self { hint: Cell::new(0), depth: Cell::new(0), inside: [const { Cell::new(None) }; MAX_DEPTH] }
    }
}

#[cfg(not(loom))]
thread_local! {
    static THREAD: Thread = const { Thread::new() };
}

#[cfg(loom)]
loom::thread_local! {
    static THREAD: Thread = Thread::new();
}

/// One more than the slot that this thread used last; 0 before its first.
#[inline]
pub(super) fn hint() -> usize {
    THREAD.with(|thread| thread.hint.get())
}

/// Remembers one more than the slot that this thread used.
#[inline]
pub(super) fn set_hint(hint: usize) {
    THREAD.with(|thread| thread.hint.set(hint));
}

/// Marks that this thread is inside a call of a version.
pub(super) struct Inside(());

impl Inside {
    #[inline]
    pub(super) fn new(version: VersionId) -> Result<Self> {
        THREAD.with(|thread| {
            let depth = thread.depth.get();
            let Some(place) = thread.inside.get(depth) else {
                return Err(Error::new(
                    Status::LimitExceeded,
                    format!("expected at most {MAX_DEPTH} plugin calls inside each other"),
                ));
            };
            place.set(Some(version));
            thread.depth.set(depth + 1);
            Ok(Self(()))
        })
    }
}

impl Drop for Inside {
    #[inline]
    fn drop(&mut self) {
        THREAD.with(|thread| thread.depth.set(thread.depth.get().saturating_sub(1)));
    }
}

/// Whether this thread is inside a call of `version`.
pub(super) fn is_inside(version: VersionId) -> bool {
    THREAD.with(|thread| {
        thread.inside.iter().take(thread.depth.get()).any(|place| place.get() == Some(version))
    })
}
