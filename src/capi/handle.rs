//! Handles that survive their use after being freed.
//!
//! What a handle points at is a small cell that is never given back to the allocator. Freeing a handle empties its
//! cell, so a later use finds nothing and answers [`Status::Closed`]. Emptied cells wait in a long queue before they
//! serve again, so that a stale pointer stays recognisable for a long time.

use crate::error::{Error, Result, Status};
use arc_swap::ArcSwapOption;
use parking_lot::Mutex;
use std::collections::VecDeque;
use std::sync::Arc;

/// How many cells of a kind wait before the oldest serves again.
const QUARANTINE: usize = 4096;

/// A kind of handle: the opaque C type, around a cell with a `Target`.
pub(super) trait Handle: Sized + Send + Sync + 'static {
    /// What a handle of this kind stands for.
    type Target: Send + Sync;
    /// Its name in messages.
    const NAME: &'static str;
    /// Makes the opaque type.
    fn with_cell(cell: ArcSwapOption<Self::Target>) -> Self;
    /// The cell in it.
    fn cell(&self) -> &ArcSwapOption<Self::Target>;
    /// The cells of this kind that wait.
    fn freed() -> &'static Mutex<VecDeque<&'static Self>>;
}

/// A fresh handle for `target`.
pub(super) fn issue<H: Handle>(target: Arc<H::Target>) -> *mut H {
    let reused = {
        let mut freed = H::freed().lock();
        if freed.len() > QUARANTINE { freed.pop_front() } else { None }
    };
    let handle = reused.unwrap_or_else(|| Box::leak(Box::new(H::with_cell(ArcSwapOption::empty()))));
    handle.cell().store(Some(target));
    std::ptr::from_ref(handle).cast_mut()
}

/// Empties the handle's cell and answers what was in it; `None` for NULL and for a handle that was freed before.
///
/// # Safety
/// `handle` is NULL or was issued for this kind, at whatever time.
pub(super) unsafe fn free<H: Handle>(handle: *const H) -> Option<Arc<H::Target>> {
    // SAFETY: the caller's promise; cells live for ever.
    let handle: &'static H = unsafe { handle.as_ref() }?;
    let target = handle.cell().swap(None)?;
    H::freed().lock().push_back(handle);
    Some(target)
}

/// Runs `body` on what the handle stands for, which stays alive meanwhile whoever frees the handle.
///
/// # Safety
/// `handle` is NULL or was issued for this kind, at whatever time.
#[inline]
pub(super) unsafe fn with<H: Handle, R>(
    handle: *const H,
    body: impl FnOnce(&Arc<H::Target>) -> Result<R>,
) -> Result<R> {
    // SAFETY: the caller's promise; cells live for ever.
    let Some(handle) = (unsafe { handle.as_ref() }) else {
        return Err(Error::argument(format!("{}: expected a handle, found NULL", H::NAME)));
    };
    match &*handle.cell().load() {
        Some(target) => body(target),
        None => Err(Error::new(Status::Closed, format!("{}: the handle was freed", H::NAME))),
    }
}

/// What the handle stands for, to be kept for longer than [`with`] would.
///
/// # Safety
/// `handle` is NULL or was issued for this kind, at whatever time.
pub(super) unsafe fn get<H: Handle>(handle: *const H) -> Result<Arc<H::Target>> {
    // SAFETY: the caller's promise.
    unsafe { with(handle, |target| Ok(Arc::clone(target))) }
}

/// Makes a handle of an opaque C type, a tuple struct around its cell.
macro_rules! impl_handle {
    ($name:ident, $target:ty, $text:literal) => {
        impl $crate::capi::handle::Handle for $name {
            type Target = $target;
            const NAME: &'static str = $text;

            fn with_cell(cell: arc_swap::ArcSwapOption<$target>) -> Self {
                Self(cell)
            }

            fn cell(&self) -> &arc_swap::ArcSwapOption<$target> {
                &self.0
            }

            fn freed() -> &'static parking_lot::Mutex<std::collections::VecDeque<&'static Self>> {
                static FREED: parking_lot::Mutex<std::collections::VecDeque<&'static $name>> =
                    parking_lot::Mutex::new(std::collections::VecDeque::new());
                &FREED
            }
        }
    };
}
pub(super) use impl_handle;
