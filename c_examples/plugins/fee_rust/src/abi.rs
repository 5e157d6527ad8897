//! `sogov_plugin.h` in Rust, and the few places where a pointer of the host is read. The header says what each
//! member means.

use std::ffi::{c_char, c_void};

pub(crate) const PLUGIN_ABI: u32 = 1;
pub(crate) const OK: i32 = 0;
pub(crate) const FAILED: i32 = 1;
pub(crate) const LOG_INFO: i32 = 3;

/// `sogov_writer`.
#[repr(C)]
pub(crate) struct Writer {
    pub(crate) size: usize,
    pub(crate) context: *mut c_void,
    pub(crate) write:
        Option<unsafe extern "C" fn(context: *mut c_void, bytes: *const c_void, len: usize) -> i32>,
}

/// `sogov_plugin_host`.
#[repr(C)]
pub(crate) struct Host {
    pub(crate) size: usize,
    pub(crate) service: *const c_char,
    pub(crate) version: *const c_char,
    pub(crate) context: *mut c_void,
    pub(crate) log: Option<
        unsafe extern "C" fn(context: *mut c_void, level: i32, message: *const c_char, message_len: usize),
    >,
}

/// `sogov_plugin`.
#[repr(C)]
pub(crate) struct Plugin {
    pub(crate) size: u32,
    pub(crate) abi: u32,
    pub(crate) flags: u64,
    pub(crate) name: *const c_char,
    pub(crate) start: Option<unsafe extern "C" fn(host: *const Host, out: *mut *mut c_void) -> i32>,
    pub(crate) stop: Option<unsafe extern "C" fn(this: *mut c_void) -> i32>,
    pub(crate) invoke: Option<
        unsafe extern "C" fn(
            this: *mut c_void,
            request: *const c_void,
            request_len: usize,
            answer: *const Writer,
        ) -> i32,
    >,
    pub(crate) health: Option<unsafe extern "C" fn(this: *mut c_void) -> i32>,
}

/// What `size` of a descriptor says.
#[expect(clippy::cast_possible_truncation, reason = "a handful of members")]
pub(crate) const PLUGIN_SIZE: u32 = size_of::<Plugin>() as u32;

// SAFETY: a constant; `name` points at a constant too.
unsafe impl Sync for Plugin {}

/// The bytes of a request.
///
/// # Safety
/// `start` points at `len` bytes that stay as they are for `'a`; with `len` 0 it may be NULL.
pub(crate) unsafe fn bytes<'a>(start: *const c_void, len: usize) -> &'a [u8] {
    if len == 0 {
        return &[];
    }
    // SAFETY: the caller promises it.
    unsafe { std::slice::from_raw_parts(start.cast(), len) }
}

/// Hands the answer to the host: [`OK`], or [`FAILED`] when the host does not take it.
///
/// # Safety
/// `writer` points at a live `sogov_writer`.
pub(crate) unsafe fn write(writer: *const Writer, answer: &[u8]) -> i32 {
    // SAFETY: the caller promises it.
    let writer = unsafe { &*writer };
    let Some(write) = writer.write else { return FAILED };
    // SAFETY: the header defines this call; `answer` outlives it.
    if unsafe { write(writer.context, answer.as_ptr().cast(), answer.len()) } == 0 { OK } else { FAILED }
}

/// One line to the host's log, when the host has one.
///
/// # Safety
/// `host` is NULL or points at a live `sogov_plugin_host`.
pub(crate) unsafe fn log(host: *const Host, level: i32, message: &str) {
    if host.is_null() {
        return;
    }
    // SAFETY: the caller promises it, and every host fills `size`; the reference comes only after the size fits.
    if unsafe { (&raw const (*host).size).read() } < size_of::<Host>() {
        return;
    }
    // SAFETY: as above.
    let host = unsafe { &*host };
    if let Some(log) = host.log {
        // SAFETY: the header defines this call; `message` outlives it.
        unsafe { log(host.context, level, message.as_ptr().cast(), message.len()) };
    }
}
