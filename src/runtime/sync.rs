//! The atomics of the lease protocol: the real ones, or loom's when the model is checked (`--cfg loom`).
#![forbid(unsafe_code)]

#[cfg(loom)]
pub(super) use loom::sync::atomic::{AtomicPtr, AtomicU64, AtomicUsize, Ordering};
#[cfg(not(loom))]
pub(super) use std::sync::atomic::{AtomicPtr, AtomicU64, AtomicUsize, Ordering};

/// Stands between a sequentially consistent write and the read that must not pass it. The accesses' own order is
/// enough by the memory model; loom knows sequential consistency of fences only, and gets one.
#[inline]
pub(super) fn write_before_read() {
    #[cfg(loom)]
    loom::sync::atomic::fence(Ordering::SeqCst);
}
