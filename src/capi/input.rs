//! Checks on what comes in.

use crate::error::{Error, Result};
use std::ffi::c_char;
use std::path::Path;

/// The longest text that is taken (paths included).
const MAX_TEXT: usize = 64 << 10;

/// Readers of arguments; `what` names the argument in errors.
pub(super) struct In;

impl In {
    /// `len` bytes; `(NULL, 0)` is empty.
    ///
    /// # Safety
    /// `data` is NULL or points at `len` readable bytes that do not change while the result is in use.
    #[inline]
    pub(super) unsafe fn bytes<'a>(data: *const u8, len: usize, what: &str) -> Result<&'a [u8]> {
        if isize::try_from(len).is_err() || (data.is_null() && len > 0) {
            return Err(no_bytes(data, len, what));
        }
        let data = if data.is_null() { std::ptr::dangling() } else { data };
        // SAFETY: the caller's promise; the length is in range, and 0 where the caller gave NULL.
        Ok(unsafe { std::slice::from_raw_parts(data, len) })
    }

    /// `count` structs; `(NULL, 0)` is empty.
    ///
    /// # Safety
    /// `data` is NULL or points at `count` readable structs that do not change while the result is in use.
    pub(super) unsafe fn array<'a, T>(data: *const T, count: usize, what: &str) -> Result<&'a [T]> {
        let len = count.checked_mul(size_of::<T>()).and_then(|len| isize::try_from(len).ok());
        match (data.is_null(), len) {
            (true, Some(0)) => Ok(&[]),
            // SAFETY: the caller's promise, and the length is in range.
            (false, Some(_)) => Ok(unsafe { std::slice::from_raw_parts(data, count) }),
            (true, _) => Err(Error::argument(format!("{what}: expected {count} structs, found NULL"))),
            (false, None) => Err(Error::argument(format!(
                "{what}: expected a count that fits the address space, found {count}"
            ))),
        }
    }

    /// A text in UTF-8 of `len` bytes without NUL; `(NULL, 0)` is empty.
    ///
    /// # Safety
    /// As for [`In::bytes`].
    pub(super) unsafe fn text<'a>(data: *const c_char, len: usize, what: &str) -> Result<&'a str> {
        if len > MAX_TEXT {
            return Err(Error::argument(format!("{what}: expected at most {MAX_TEXT} bytes, found {len}")));
        }
        // SAFETY: the caller's promise.
        let bytes = unsafe { Self::bytes(data.cast(), len, what) }?;
        let text = std::str::from_utf8(bytes).map_err(|e| {
            Error::argument(format!("{what}: expected UTF-8, found other bytes at {}", e.valid_up_to()))
        })?;
        if text.contains('\0') {
            return Err(Error::argument(format!("{what}: expected a text without NUL, found one")));
        }
        Ok(text)
    }

    /// A path that is not empty.
    ///
    /// # Safety
    /// As for [`In::bytes`].
    pub(super) unsafe fn path<'a>(data: *const c_char, len: usize, what: &str) -> Result<&'a Path> {
        // SAFETY: the caller's promise.
        match unsafe { Self::text(data, len, what) }? {
            "" => Err(Error::argument(format!("{what}: expected a path, found nothing"))),
            path => Ok(Path::new(path)),
        }
    }

    /// An options struct, which begins with its size: NULL gives the defaults (all zero), a shorter one is filled up
    /// with zeros, and a longer one is taken if this release loses nothing by it, its tail being zero.
    ///
    /// # Safety
    /// `options` is NULL or points at a `size_t` and as many readable bytes as it says, counting itself.
    #[inline]
    pub(super) unsafe fn options<T: Options>(options: *const T) -> Result<T> {
        if options.is_null() {
            return Ok(T::ZERO);
        }
        // SAFETY: the caller's promise.
        let size = unsafe { options.cast::<usize>().read_unaligned() };
        if size == size_of::<T>() {
            // SAFETY: as above, and every bit pattern is valid.
            return Ok(unsafe { options.read_unaligned() });
        }
        // SAFETY: as above.
        unsafe { Self::options_of_size(options, size) }
    }

    /// # Safety
    /// As for [`In::options`].
    unsafe fn options_of_size<T: Options>(options: *const T, size: usize) -> Result<T> {
        let mut known = T::ZERO;
        if !(size_of::<usize>()..=MAX_TEXT).contains(&size) {
            return Err(Error::argument(format!(
                "{}: expected its size in bytes in `size`, found {size}",
                T::NAME
            )));
        }
        // SAFETY: the caller's promise.
        let given = unsafe { std::slice::from_raw_parts(options.cast::<u8>(), size) };
        let (head, tail) = given.split_at(size.min(size_of::<T>()));
        if tail.iter().any(|byte| *byte != 0) {
            return Err(Error::argument(format!(
                "{}: uses members beyond the {} bytes that this release knows",
                T::NAME,
                size_of::<T>()
            )));
        }
        // SAFETY: `T` is a plain C struct whose every bit pattern is valid (`Options`), and `head` is at most as long.
        unsafe { std::ptr::copy_nonoverlapping(head.as_ptr(), (&raw mut known).cast(), head.len()) };
        Ok(known)
    }
}

#[cold]
fn no_bytes(data: *const u8, len: usize, what: &str) -> Error {
    Error::argument(if data.is_null() {
        format!("{what}: expected {len} bytes, found NULL")
    } else {
        format!("{what}: expected a length that fits the address space, found {len}")
    })
}

/// A plain C struct that begins with `size_t size`.
///
/// # Safety
/// Every bit pattern is a valid value: integers, pointers and `Option`s of function pointers only.
pub(super) unsafe trait Options: Sized {
    /// The struct's name in messages.
    const NAME: &'static str;
    /// All members zero.
    const ZERO: Self;
}
