//! What is known of versions.

use super::engine::sogov_engine;
use super::error::sogov_error;
use super::guard::guard;
use super::handle;
use super::input::In;
use super::output::Out;
use crate::error::{Error, Result, Status};
use crate::label;
use crate::label::Label;
use crate::loader::Isolation;
use crate::runtime::{Phase, Standing, VersionReport};
use std::ffi::c_char;

/// Bytes of a service's name or a version's label, its NUL included.
pub const SOGOV_LABEL_SIZE: usize = 65;
/// Bytes of a pin reason, its NUL included; a longer one is cut.
pub const SOGOV_REASON_SIZE: usize = 256;

/// A version as it stood at one moment. Set `size` before the call (SOGOV_VERSION_INFO_INIT does).
#[repr(C)]
#[derive(Clone, Copy, Debug)]
#[allow(non_camel_case_types)]
pub struct sogov_version_info {
    /// sizeof(sogov_version_info), set by the caller.
    pub size: usize,
    /// The service's name, NUL-terminated.
    pub service: [c_char; SOGOV_LABEL_SIZE],
    /// The version's label, NUL-terminated.
    pub version: [c_char; SOGOV_LABEL_SIZE],
    /// Where the version stands.
    pub standing: Standing,
    /// 1 when the engine takes trust.json without a signature by root keys.
    pub development: u32,
    /// The artifact's digest.
    pub digest: [u8; 32],
    /// The epoch of its statement.
    pub epoch: u64,
    /// Leases that are out, sogov_call() included.
    pub in_flight: u64,
    /// Leases released with success or failure.
    pub calls: u64,
    /// Leases released with failure.
    pub failures: u64,
    /// Why it is pinned, NUL-terminated; empty otherwise. Begins with one of the words tls, thread, tsd, signal,
    /// unique, nodelete, go, exit-handler, stop, dlclose, dependency, lease, crash, followed by a colon and the evidence.
    pub pin_reason: [c_char; SOGOV_REASON_SIZE],
    /// Where its breaker stands.
    pub breaker: Phase,
    /// For how many milliseconds the breaker stays open; 0 when it is not.
    pub breaker_open_ms: u64,
    /// How often the breaker opened.
    pub breaker_opened: u64,
    /// 1 for a version with a namespace of its own; see sogov_change_options.
    pub isolated: u32,
}

/// Lists versions, in the order in which they were loaded.
///
/// @param engine borrowed
/// @param service one service, or (NULL, 0) for all
/// @param infos room for `capacity` elements, whose first one's `size` is set; NULL with capacity 0 only counts
/// @param capacity how many elements there is room for
/// @param count receives how many versions there are; when that is more than `capacity`, the first ones were written
/// @return SOGOV_STATUS_OK, also for a service without versions; SOGOV_STATUS_NOT_FOUND for one that is not known
///
/// # Safety
/// See docs/conventions.md.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sogov_version_list(
    engine: *const sogov_engine,
    service: *const c_char,
    service_len: usize,
    infos: *mut sogov_version_info,
    capacity: usize,
    count: *mut usize,
    error: *mut *mut sogov_error,
) -> Status {
    guard(error, || {
        // SAFETY: the caller promises a readable text, room for one number and, with a capacity, one element's size.
        let (service, count) =
            unsafe { (In::text(service, service_len, "service")?, Out::required(count, "count")?) };
        if infos.is_null() && capacity > 0 {
            return Err(Error::argument(format!("infos: expected room for {capacity} elements, found NULL")));
        }
        let first = if capacity > 0 { infos } else { std::ptr::null_mut() };
        // SAFETY: NULL, or an element whose size is set.
        let first = unsafe { VersionPlace::optional(first) }?;
        // SAFETY: the caller promises an engine or NULL.
        unsafe {
            handle::with(engine, |engine| {
                let reports = engine.report((!service.is_empty()).then_some(service))?;
                let found = reports.len();
                for (index, report) in reports.into_iter().take(capacity).enumerate() {
                    first.nth(index).put(|| report, engine.is_development());
                }
                count.put(found);
                Ok(())
            })
        }
    })
}

/// A place for one `sogov_version_info` of the caller's size, or none.
pub(super) struct VersionPlace {
    place: *mut u8,
    size: usize,
}

impl VersionPlace {
    /// The place at `info`; NULL: none.
    ///
    /// # Safety
    /// `info` is NULL or points at a struct whose `size` says how many bytes there is room for.
    pub(super) unsafe fn optional(info: *mut sogov_version_info) -> Result<Self> {
        if info.is_null() {
            return Ok(Self { place: std::ptr::null_mut(), size: 0 });
        }
        // SAFETY: the caller's promise.
        let size = unsafe { info.cast::<usize>().read_unaligned() };
        if !(size_of::<usize>()..=1 << 16).contains(&size) {
            return Err(Error::argument(format!(
                "sogov_version_info: expected its size in bytes in `size`, found {size}"
            )));
        }
        Ok(Self { place: info.cast(), size })
    }

    /// The place `index` elements further on, in an array whose elements have the caller's size.
    ///
    /// # Safety
    /// The array has more than `index` elements.
    unsafe fn nth(&self, index: usize) -> Self {
        // SAFETY: the caller's promise.
        Self { place: unsafe { self.place.add(index * self.size) }, size: self.size }
    }

    /// Writes as much of the report, which is made only if there is a place, as the caller's struct has room for, and zeros into what this release does not
    /// know.
    pub(super) fn put(&self, report: impl FnOnce() -> VersionReport, development: bool) {
        if self.place.is_null() {
            return;
        }
        let report = report();
        let info = sogov_version_info {
            size: self.size,
            service: label_text(report.service),
            version: label_text(report.label),
            standing: report.standing,
            development: u32::from(development),
            digest: report.digest,
            epoch: report.epoch,
            in_flight: report.in_flight,
            calls: report.calls,
            failures: report.failures,
            pin_reason: text(report.pin_reason.as_deref().unwrap_or_default()),
            breaker: report.breaker.phase,
            breaker_open_ms: u64::try_from(report.breaker.remaining.as_millis()).unwrap_or(u64::MAX),
            breaker_opened: report.breaker.opened,
            isolated: u32::from(report.isolation == Isolation::Own),
        };
        let known = self.size.min(size_of::<sogov_version_info>());
        // SAFETY: the place has room for `size` bytes, of which `known` come from the struct.
        unsafe {
            self.place.write_bytes(0, self.size);
            std::ptr::copy_nonoverlapping((&raw const info).cast::<u8>(), self.place, known);
        }
    }
}

/// A name as a NUL-terminated text.
#[inline]
pub(super) fn label_text(name: Label) -> [c_char; SOGOV_LABEL_SIZE] {
    const { assert!(SOGOV_LABEL_SIZE == label::MAX_LEN + 1) };
    name.padded().map(|byte| byte.cast_signed() as c_char)
}

/// As much of `from` as fits before the NUL, cut between characters.
pub(super) fn text<const N: usize>(from: &str) -> [c_char; N] {
    let mut to = [0; N];
    let fits = from.floor_char_boundary(N - 1);
    for (to, from) in to.iter_mut().zip(from.bytes().take(fits)) {
        *to = from.cast_signed() as c_char;
    }
    to
}
