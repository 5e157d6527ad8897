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

    /// Writes the value; what was there is not read.
    pub(super) fn put(self, value: T) {
        if !self.0.is_null() {
            // SAFETY: the promise of the constructor.
            unsafe { self.0.write(value) };
        }
    }
}
