//! Trust while the engine runs: looking at the trust directory now, and confirming the clock.

use super::engine::{change, sogov_change_options, sogov_engine};
use super::error::sogov_error;
use super::guard::guard;
use super::handle;
use super::input::In;
use crate::engine::{ClockVerdict, TrustReport};
use crate::error::{Error, Result, Status};

/// How trust stands. Set `size` before the call (SOGOV_TRUST_INFO_INIT does).
#[repr(C)]
#[derive(Clone, Copy, Debug)]
#[allow(non_camel_case_types)]
pub struct sogov_trust_info {
    /// sizeof(sogov_trust_info), set by the caller.
    pub size: usize,
    /// The epoch of trust.json.
    pub document_epoch: u64,
    /// The number of denylist.json; 0: there is none.
    pub denylist_number: u64,
    /// The number of the set of root keys in force; 0 in the development mode.
    pub root_set: u64,
    /// Loaded versions that are revoked.
    pub revoked: u64,
    /// Those among them that serve.
    pub revoked_serving: u64,
    /// The time that decisions go by, in seconds since 1970; where the clock is not believed, the earliest that it can be.
    pub time: u64,
    /// 0: the clock is believed. 1: it was set back, and the latest time that was seen or signed counts. 2: it jumped ahead by
    /// more than a day, and is not believed where that matters until sogov_trust_confirm_time().
    pub clock: u32,
    /// 1: what was accepted is remembered in the state directory. 0: in this process only.
    pub durable: u32,
}

/// Looks at the trust directory now. Loaded versions that the deny-list revokes are taken out of service as trust.json says
/// (`on_revoked`), which the log and events tell; that is done also where trust.json itself has ended and this answers
/// SOGOV_STATUS_EXPIRED. Loads do the same, and so does a background thread (trust_check_ms of the engine's options).
///
/// @param engine borrowed
/// @param options actor, reason; or NULL
/// @param info receives how trust stands, as far as its `size` reaches; or NULL
/// @return SOGOV_STATUS_OK; SOGOV_STATUS_TRUST_INVALID, SOGOV_STATUS_EXPIRED; SOGOV_STATUS_BELOW_FLOOR for a document, a
///         deny-list or root keys that are older than what was accepted before; SOGOV_STATUS_CLOCK_REFUSED where the clock
///         would decide and is not believed
///
/// # Safety
/// See docs/conventions.md.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sogov_trust_refresh(
    engine: *const sogov_engine,
    options: *const sogov_change_options,
    info: *mut sogov_trust_info,
    error: *mut *mut sogov_error,
) -> Status {
    guard(error, || {
        // SAFETY: the caller promises options or NULL, whose texts are readable.
        let change = unsafe { change(&In::options(options)?) }?;
        // SAFETY: the caller promises a struct whose size is set, or NULL.
        let size = unsafe { size_of_info(info) }?;
        // SAFETY: the caller promises an engine or NULL.
        let report = unsafe { handle::with(engine, |engine| engine.refresh_trust(&change)) }?;
        let Some(size) = size else { return Ok(()) };
        let answer = describe(&report, size);
        let known = size.min(size_of::<sogov_trust_info>());
        // SAFETY: the place has room for `size` bytes, of which `known` come from the struct.
        unsafe {
            info.cast::<u8>().write_bytes(0, size);
            std::ptr::copy_nonoverlapping((&raw const answer).cast::<u8>(), info.cast(), known);
        }
        Ok(())
    })
}

/// Takes the machine's clock as it stands for right, after it jumped ahead by more than a day: an operator's word, which is
/// logged and kept in the trust state. A clock that is behind what was seen or signed cannot be confirmed.
///
/// @param engine borrowed
/// @param options actor and reason, both required
/// @param time receives the time in seconds since 1970, or NULL
/// @return SOGOV_STATUS_OK; SOGOV_STATUS_INVALID_ARGUMENT without actor or reason; SOGOV_STATUS_CLOCK_REFUSED for a clock that
///         is behind; SOGOV_STATUS_TRUST_INVALID without a trust directory
///
/// # Safety
/// See docs/conventions.md.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sogov_trust_confirm_time(
    engine: *const sogov_engine,
    options: *const sogov_change_options,
    time: *mut u64,
    error: *mut *mut sogov_error,
) -> Status {
    guard(error, || {
        // SAFETY: the caller promises options or NULL, whose texts are readable.
        let change = unsafe { change(&In::options(options)?) }?;
        // SAFETY: the caller promises an engine or NULL.
        let confirmed = unsafe { handle::with(engine, |engine| engine.confirm_time(&change)) }?;
        if !time.is_null() {
            // SAFETY: the caller promises room for one number.
            unsafe { time.write_unaligned(confirmed) };
        }
        Ok(())
    })
}

/// The size that the caller has set; `None` where there is no place.
///
/// # Safety
/// `info` is NULL or begins with a readable size.
unsafe fn size_of_info(info: *const sogov_trust_info) -> Result<Option<usize>> {
    if info.is_null() {
        return Ok(None);
    }
    // SAFETY: the caller's promise.
    let size = unsafe { info.cast::<usize>().read_unaligned() };
    if (size_of::<usize>()..=1 << 16).contains(&size) {
        return Ok(Some(size));
    }
    Err(Error::argument(format!("sogov_trust_info: expected its size in bytes in `size`, found {size}")))
}

fn describe(report: &TrustReport, size: usize) -> sogov_trust_info {
    sogov_trust_info {
        size,
        document_epoch: report.document_epoch,
        denylist_number: report.denylist_number,
        root_set: report.root_set,
        revoked: report.revoked as u64,
        revoked_serving: report.revoked_serving as u64,
        time: report.time,
        clock: match report.clock {
            ClockVerdict::Believed => 0,
            ClockVerdict::SetBack => 1,
            ClockVerdict::JumpedAhead => 2,
        },
        durable: u32::from(report.is_durable),
    }
}
