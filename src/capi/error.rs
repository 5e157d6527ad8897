//! Errors as objects, for those who want more than the status.

use crate::error::{Error, Status};
use std::ffi::{CString, c_char};

/// Why a call failed. Made by the call that failed, owned by the caller, freed with sogov_error_free().
#[derive(Debug)]
#[allow(non_camel_case_types)]
pub struct sogov_error {
    error: Error,
    message: CString,
}

impl sogov_error {
    pub(super) fn boxed(error: Error) -> *mut Self {
        // Messages hold no control characters, and so no NUL.
        let message = CString::new(error.message()).unwrap_or_default();
        Box::into_raw(Box::new(Self { error, message }))
    }

    #[cfg(test)]
    pub(super) fn error(&self) -> &Error {
        &self.error
    }
}

/// The status that the failed call returned.
///
/// @param error borrowed; NULL gives SOGOV_STATUS_OK
/// @return one of sogov_status
///
/// # Safety
/// `error` is NULL or was not freed yet.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sogov_error_status(error: *const sogov_error) -> Status {
    // SAFETY: the caller's promise.
    unsafe { error.as_ref() }.map_or(Status::Ok, |error| error.error.status())
}

/// The message: one line of UTF-8, NUL-terminated, that names the thing, what was expected and what was found. It
/// never holds key bytes.
///
/// @param error borrowed; NULL gives ""
/// @return borrowed from `error`, until that is freed
///
/// # Safety
/// `error` is NULL or was not freed yet.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sogov_error_message(error: *const sogov_error) -> *const c_char {
    // SAFETY: the caller's promise.
    unsafe { error.as_ref() }.map_or(c"".as_ptr(), |error| error.message.as_ptr())
}

/// Frees an error.
///
/// @param error taken; NULL is ignored
///
/// # Safety
/// `error` is NULL or was not freed yet.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sogov_error_free(error: *mut sogov_error) {
    if !error.is_null() {
        // SAFETY: the caller's promise: it came from `boxed` and was not freed.
        drop(unsafe { Box::from_raw(error) });
    }
}

/// The name of a status as it stands in this header, such as "SOGOV_STATUS_UNSIGNED"; "SOGOV_STATUS_UNKNOWN" for
/// a number that this release does not know.
///
/// @param status any number
/// @return a constant, NUL-terminated
#[unsafe(no_mangle)]
pub extern "C" fn sogov_status_name(status: i32) -> *const c_char {
    Status::NAMES
        .iter()
        .find(|(known, _)| *known as i32 == status)
        .map_or(c"SOGOV_STATUS_UNKNOWN", |(_, name)| *name)
        .as_ptr()
}
