//! Handles that survive their use after being freed.
//!
//! What a handle points at is a small cell that is never given back to the allocator. Freeing a handle empties its
//! cell, so a later use finds nothing and answers [`Status::Closed`]. Emptied cells wait in a long queue before they
//! serve again, so that a stale pointer stays recognisable for a long time.

use crate::error::{Error, Result, Status};
use crate::runtime::Published;
use crate::sync::Mutex;
use arc_swap::ArcSwapOption;
use std::collections::VecDeque;
use std::sync::Arc;

/// How many cells of a kind wait before the oldest serves again.
const QUARANTINE: usize = 4096;

/// A kind of handle: the opaque C type, around a cell with a `Target`.
pub(super) trait Handle: Sized + Send + Sync + 'static {
    /// What a handle of this kind stands for.
    type Target: Send + Sync;
    /// What holds it.
    type Cell: Cell<Self::Target>;
    /// Its name in messages.
    const NAME: &'static str;
    /// Makes the opaque type.
    fn with_cell(cell: Self::Cell) -> Self;
    /// The cell in it.
    fn cell(&self) -> &Self::Cell;
    /// The cells of this kind that wait.
    fn freed() -> &'static Mutex<VecDeque<&'static Self>>;
}

/// Holds what a handle stands for, or nothing.
pub(super) trait Cell<T> {
    /// A cell that holds nothing.
    fn empty() -> Self;
    /// Puts something else in, or nothing, and answers what was there.
    fn replace(&self, target: Option<Arc<T>>) -> Option<Arc<T>>;
}

impl<T> Cell<T> for ArcSwapOption<T> {
    fn empty() -> Self {
        Self::empty()
    }

    fn replace(&self, target: Option<Arc<T>>) -> Option<Arc<T>> {
        self.swap(target)
    }
}

/// The services' cells: a request finds its service without a guard.
impl<T: Send + Sync + 'static> Cell<T> for Published<T> {
    fn empty() -> Self {
        Self::new(None)
    }

    fn replace(&self, target: Option<Arc<T>>) -> Option<Arc<T>> {
        Published::replace(self, target)
    }
}

/// A fresh handle for `target`.
pub(super) fn issue<H: Handle>(target: Arc<H::Target>) -> *mut H {
    let reused = {
        let mut freed = H::freed().lock();
        if freed.len() > QUARANTINE { freed.pop_front() } else { None }
    };
    let handle = reused.unwrap_or_else(|| Box::leak(Box::new(H::with_cell(H::Cell::empty()))));
    handle.cell().replace(Some(target));
    std::ptr::from_ref(handle).cast_mut()
}

/// Empties the handle's cell and answers what was in it; `None` for NULL and for a handle that was freed before.
///
/// # Safety
/// `handle` is NULL or was issued for this kind, at whatever time.
pub(super) unsafe fn free<H: Handle>(handle: *const H) -> Option<Arc<H::Target>> {
    // SAFETY: the caller's promise; cells live for ever.
    let handle: &'static H = unsafe { handle.as_ref() }?;
    let target = handle.cell().replace(None)?;
    H::freed().lock().push_back(handle);
    Some(target)
}

/// The handle's cell, which outlives the handle.
///
/// # Safety
/// `handle` is NULL or was issued for this kind, at whatever time.
#[inline]
pub(super) unsafe fn cell<H: Handle>(handle: *const H) -> Result<&'static H::Cell> {
    // SAFETY: the caller's promise; cells live for ever.
    match unsafe { handle.as_ref::<'static>() } {
        Some(handle) => Ok(handle.cell()),
        None => Err(Error::argument(format!("{}: expected a handle, found NULL", H::NAME))),
    }
}

/// Runs `body` on what the handle stands for, which stays alive meanwhile whoever frees the handle.
///
/// # Safety
/// `handle` is NULL or was issued for this kind, at whatever time.
#[inline]
pub(super) unsafe fn with<H, R>(
    handle: *const H,
    body: impl FnOnce(&Arc<H::Target>) -> Result<R>,
) -> Result<R>
where
    H: Handle<Cell = ArcSwapOption<<H as Handle>::Target>>,
{
    // SAFETY: the caller's promise.
    match &*unsafe { cell(handle) }?.load() {
        Some(target) => body(target),
        None => Err(Error::new(Status::Closed, format!("{}: the handle was freed", H::NAME))),
    }
}

/// What the handle stands for, to be kept for longer than [`with`] would.
///
/// # Safety
/// `handle` is NULL or was issued for this kind, at whatever time.
pub(super) unsafe fn get<H>(handle: *const H) -> Result<Arc<H::Target>>
where
    H: Handle<Cell = ArcSwapOption<<H as Handle>::Target>>,
{
    // SAFETY: the caller's promise.
    unsafe { with(handle, |target| Ok(Arc::clone(target))) }
}

/// Makes a handle of an opaque C type, a tuple struct around its cell.
macro_rules! impl_handle {
    ($name:ident, $target:ty, $text:literal) => {
        $crate::capi::handle::impl_handle!($name, $target, $text, arc_swap::ArcSwapOption<$target>);
    };
    ($name:ident, $target:ty, $text:literal, $cell:ty) => {
        impl $crate::capi::handle::Handle for $name {
            type Target = $target;
            type Cell = $cell;
            const NAME: &'static str = $text;

            fn with_cell(cell: $cell) -> Self {
                Self(cell)
            }

            fn cell(&self) -> &$cell {
                &self.0
            }

            fn freed() -> &'static crate::sync::Mutex<std::collections::VecDeque<&'static Self>> {
                static FREED: $crate::sys::fork::PerProcess<
                    crate::sync::Mutex<std::collections::VecDeque<&'static $name>>,
                > = $crate::sys::fork::PerProcess::new();
                FREED.get()
            }
        }
    };
}
pub(super) use impl_handle;
