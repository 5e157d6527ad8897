//! Places for what goes out.

use crate::error::{Error, Result};

/// A place that the caller gave for one value.
pub(super) struct Out<T>(*mut T);

impl<T> Out<T> {
    /// A place that is not NULL; `what` names it in the error.
    ///
    /// # Safety
    /// `place` is NULL or points at room for one `T`, until the call ends.
    pub(super) unsafe fn required(place: *mut T, what: &str) -> Result<Self> {
        if place.is_null() {
            return Err(Error::argument(format!("{what}: expected a place for the result, found NULL")));
        }
        Ok(Self(place))
    }

    /// A place that may be NULL: then the value is dropped.
    ///
    /// # Safety
    /// As for [`Out::required`].
    pub(super) unsafe fn optional(place: *mut T) -> Self {
        Self(place)
    }

    /// Places for `count` values, each of which holds `first` from now on; empty for NULL.
    ///
    /// # Safety
    /// `place` is NULL or points at room for `count` values of `T`, which nobody else uses until the result is gone.
    pub(super) unsafe fn array<'a>(place: *mut T, count: usize, first: T, what: &str) -> Result<&'a mut [T]>
    where
        T: Copy,
    {
        if place.is_null() {
            return Ok(&mut []);
        }
        if count.checked_mul(size_of::<T>()).is_none_or(|len| isize::try_from(len).is_err()) {
            return Err(Error::argument(format!(
                "{what}: expected a count that fits the address space, found {count}"
            )));
        }
        for index in 0..count {
            // SAFETY: the caller's promise, and the whole is in range.
            unsafe { place.add(index).write(first) };
        }
        // SAFETY: as above; every value was written.
        Ok(unsafe { std::slice::from_raw_parts_mut(place, count) })
    }

    /// Writes the value; what was there is not read.
    pub(super) fn put(self, value: T) {
        if !self.0.is_null() {
            // SAFETY: the promise of the constructor.
            unsafe { self.0.write(value) };
        }
    }
}
