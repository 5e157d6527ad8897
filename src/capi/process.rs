//! What is known of the process as a whole.

use super::error::sogov_error;
use super::guard::guard;
use super::version::{SOGOV_REASON_SIZE, text};
use crate::error::{Error, Status};
use crate::runtime;
use std::ffi::c_char;

/// The process as it stood at one moment, all engines together. Set `size` before the call (SOGOV_PROCESS_INFO_INIT does).
#[repr(C)]
#[derive(Clone, Copy, Debug)]
#[allow(non_camel_case_types)]
pub struct sogov_process_info {
    /// sizeof(sogov_process_info), set by the caller.
    pub size: usize,
    /// Versions whose images are mapped, in whatever standing.
    pub versions_mapped: u64,
    /// Those among them that stay mapped by necessity.
    pub versions_pinned: u64,
    /// Those among them that are retired and wait for a way back.
    pub versions_parked: u64,
    /// Bytes of address space that the images take, each from its first segment to the end of its last one.
    pub bytes_mapped: u64,
    /// 1 once a version was given up by force, or the process was tainted: only a restart takes it back.
    pub restart_wanted: u32,
    /// 1 once something may have damaged the process.
    pub tainted: u32,
    /// The first reason why a restart is wanted, NUL-terminated; empty otherwise.
    pub restart_reason: [c_char; SOGOV_REASON_SIZE],
    /// The first reason why the process is tainted, NUL-terminated; empty otherwise.
    pub taint_reason: [c_char; SOGOV_REASON_SIZE],
}

/// Tells what is mapped, and whether the process should be restarted when there is an occasion.
///
/// @param info receives what is known, as far as its `size` reaches
/// @return SOGOV_STATUS_OK
///
/// # Safety
/// See docs/conventions.md.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sogov_process_status(
    info: *mut sogov_process_info,
    error: *mut *mut sogov_error,
) -> Status {
    guard(error, || {
        if info.is_null() {
            return Err(Error::argument("info: expected a place for the answer, found NULL"));
        }
        // SAFETY: the caller promises a struct whose size is set.
        let size = unsafe { info.cast::<usize>().read_unaligned() };
        if !(size_of::<usize>()..=1 << 16).contains(&size) {
            return Err(Error::argument(format!(
                "sogov_process_info: expected its size in bytes in `size`, found {size}"
            )));
        }
        let report = runtime::process_report();
        let answer = sogov_process_info {
            size,
            versions_mapped: report.mapped as u64,
            versions_pinned: report.pinned as u64,
            versions_parked: report.parked as u64,
            bytes_mapped: report.bytes as u64,
            restart_wanted: u32::from(report.restart_wanted.is_some()),
            tainted: u32::from(report.tainted.is_some()),
            restart_reason: text(report.restart_wanted.as_deref().unwrap_or_default()),
            taint_reason: text(report.tainted.as_deref().unwrap_or_default()),
        };
        let known = size.min(size_of::<sogov_process_info>());
        // SAFETY: the place has room for `size` bytes, of which `known` come from the struct.
        unsafe {
            info.cast::<u8>().write_bytes(0, size);
            std::ptr::copy_nonoverlapping((&raw const answer).cast::<u8>(), info.cast(), known);
        }
        Ok(())
    })
}
