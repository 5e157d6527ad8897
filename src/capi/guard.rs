//! The one boundary that every exported function's body runs inside.

use super::error::sogov_error;
use crate::error::{Error, Result, Status};
use crate::sys::quiet::Quiet;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Runs `body`, turns its result into a status and, where the caller asked for it, an error object. A panic becomes
/// [`Status::Internal`]; changes of state are built aside and swapped in, so the state is then what it was before.
#[inline]
pub(super) fn guard(error: *mut *mut sogov_error, body: impl FnOnce() -> Result<()>) -> Status {
    let _quiet = Quiet::enter();
    match catch_unwind(AssertUnwindSafe(body)) {
        Ok(Ok(())) => Status::Ok,
        Ok(Err(refusal)) => report(error, refusal),
        Err(_) => report(
            error,
            Error::new(Status::Internal, "a fault inside sogov; the state is as before the call"),
        ),
    }
}

#[cold]
fn report(error: *mut *mut sogov_error, refusal: Error) -> Status {
    let status = refusal.status();
    if !error.is_null() {
        // SAFETY: by convention `error` is NULL or points at room for one pointer.
        unsafe { error.write(sogov_error::boxed(refusal)) };
    }
    status
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_becomes_a_status() {
        let mut error = std::ptr::null_mut();
        assert_eq!(guard(&raw mut error, || panic!("on purpose")), Status::Internal);
        // SAFETY: the guard filled it.
        let boxed = unsafe { Box::from_raw(error) };
        assert_eq!(boxed.error().status(), Status::Internal);
        assert_eq!(guard(std::ptr::null_mut(), || panic!("on purpose")), Status::Internal);
    }
}
