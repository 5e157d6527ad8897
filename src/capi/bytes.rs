//! `sogov_bytes`: results of variable length, in memory that this library owns.

use super::guard::guard;
use super::output::Out;
use crate::error::{Error, Result, Status};
use std::mem::ManuallyDrop;
use std::ops::Range;

/// A buffer that functions of this library fill and grow. Begin with `SOGOV_BYTES_INIT` (all zero); hand the same
/// buffer to as many calls as you like, each replaces its content and keeps its memory; end with
/// sogov_bytes_free(). Do not write to `data`, `len` or `capacity`. One thread at a time.
#[repr(C)]
#[derive(Debug)]
#[allow(non_camel_case_types)]
pub struct sogov_bytes {
    /// The content, or NULL when nothing was ever put in.
    pub data: *mut u8,
    /// Bytes of content.
    pub len: usize,
    /// Bytes of memory behind `data`.
    pub capacity: usize,
}

/// Gives the buffer's memory back and leaves it empty, ready for use again.
///
/// @param bytes a buffer, or NULL (nothing happens)
/// @return SOGOV_STATUS_OK; SOGOV_STATUS_INVALID_ARGUMENT for a buffer that this library did not fill
///
/// # Safety
/// `bytes` is NULL or points at a buffer that began as zeros and that only this library changed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sogov_bytes_free(bytes: *mut sogov_bytes) -> Status {
    guard(std::ptr::null_mut(), || {
        if bytes.is_null() {
            return Ok(());
        }
        // SAFETY: the caller's promise.
        drop(unsafe { Buffer::take(bytes, "bytes") }?.into_content());
        Ok(())
    })
}

/// A buffer's memory as a vector, on loan: it goes back into the buffer when this is dropped.
pub(super) struct Buffer {
    place: *mut sogov_bytes,
    content: ManuallyDrop<Vec<u8>>,
}

impl Buffer {
    /// Takes the buffer's memory, its content removed.
    ///
    /// # Safety
    /// `place` is NULL or points at a buffer that began as zeros and that only this library changed, and nobody else
    /// uses it until this is dropped.
    #[inline]
    pub(super) unsafe fn take(place: *mut sogov_bytes, what: &str) -> Result<Self> {
        // SAFETY: the caller's promise; the place is checked only for NULL.
        let _checked = unsafe { Out::required(place, what) }?;
        // SAFETY: not NULL, and the caller's promise.
        let bytes = unsafe { &*place };
        if bytes.len > bytes.capacity || bytes.data.is_null() != (bytes.capacity == 0) {
            return Err(Error::argument(format!(
                "{what}: expected a buffer that began as SOGOV_BYTES_INIT, found another"
            )));
        }
        let content = if bytes.data.is_null() {
            Vec::new()
        } else {
            // SAFETY: these are the parts of a vector that `give_back` took apart.
            unsafe { Vec::from_raw_parts(bytes.data, 0, bytes.capacity) }
        };
        Ok(Self { place, content: ManuallyDrop::new(content) })
    }

    /// The memory, to be filled.
    pub(super) fn content(&mut self) -> &mut Vec<u8> {
        &mut self.content
    }

    /// Where the memory lies.
    pub(super) fn memory(&self) -> Range<*const u8> {
        let start = self.content.as_ptr();
        start..start.wrapping_add(self.content.capacity())
    }

    /// Puts `bytes` in.
    pub(super) fn fill(&mut self, bytes: &[u8]) {
        self.content.extend_from_slice(bytes);
    }

    /// The memory for good; the buffer is left empty.
    fn into_content(mut self) -> Vec<u8> {
        std::mem::take(&mut *self.content)
    }
}

impl Drop for Buffer {
    #[inline]
    fn drop(&mut self) {
        // The parts go back into the buffer, which owns the memory from here on; the vector itself is not dropped.
        let content = &mut *self.content;
        let empty = content.capacity() == 0;
        let parts = sogov_bytes {
            data: if empty { std::ptr::null_mut() } else { content.as_mut_ptr() },
            len: content.len(),
            capacity: content.capacity(),
        };
        // SAFETY: the promise of `take`.
        unsafe { self.place.write(parts) };
    }
}
