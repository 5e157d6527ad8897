//! `sogov_call`: everything a request needs, in one crossing.

use super::bytes::{Buffer, sogov_bytes};
use super::error::sogov_error;
use super::guard::guard;
use super::handle;
use super::input::In;
use super::service::{sogov_request, sogov_service, with_request};
use super::version::{SOGOV_LABEL_SIZE, label_text};
use crate::error::{Error, Result, Status};
use crate::loader::Invocation;
use crate::route::Reason;
use crate::runtime::{self, Called};
use std::ffi::c_char;

/// Why a request went to the version it went to, in the order of precedence.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RouteReason {
    /// No version was reached.
    None = 0,
    /// The policy's kill switch.
    KillSwitch = 1,
    /// The user is pinned.
    Pin = 2,
    /// A header rule.
    Rule = 3,
    /// The user's bucket lies in a gray version's share.
    Fraction = 4,
    /// The stable version, by default.
    Stable = 5,
    /// The stable version, as the user is unknown.
    MissingKey = 6,
    /// Drawn at random, as the user is unknown and the policy says so.
    Random = 7,
    /// The version that it would have been has an open breaker: the stable version, or the last stable one before it.
    Breaker = 8,
    /// The version's breaker is open, and this request was let through to see whether the version has recovered.
    Probe = 9,
}

/// What became of a call. Set `size` before the call (SOGOV_CALL_INFO_INIT does).
#[repr(C)]
#[derive(Clone, Copy, Debug)]
#[allow(non_camel_case_types)]
pub struct sogov_call_info {
    /// sizeof(sogov_call_info), set by the caller.
    pub size: usize,
    /// What the plugin's `invoke` returned; 0 when it was not reached.
    pub plugin_status: i32,
    /// Why it was this version.
    pub reason: RouteReason,
    /// The version's label, NUL-terminated; empty when none was reached.
    pub version: [c_char; SOGOV_LABEL_SIZE],
}

/// The longest answer.
const MAX_ANSWER: usize = 1 << 30;

/// Sends one request through the version that the route policy picks: route, lease, invoke, outcome and release in
/// one step. For level-1 plugins (sogov_plugin.h). Allocates only when the answer outgrows the buffer.
///
/// @param service borrowed
/// @param request what the route policy may look at; NULL: nothing is known
/// @param input the request's bytes; borrowed
/// @param answer receives the answer, at most 1 GiB; neither `input` nor `request` may point into it; after a failure what the plugin had written. Not touched before
///               the plugin runs except that it is emptied
/// @param info receives what became of the call, also when it failed; or NULL
/// @return SOGOV_STATUS_OK; SOGOV_STATUS_PLUGIN_FAILED when `invoke` returned another number than 0, which then
///         counts as the version's failure; SOGOV_STATUS_UNSUPPORTED for a level-0 plugin; else as sogov_route()
///
/// # Safety
/// See docs/conventions.md.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sogov_call(
    service: *const sogov_service,
    request: *const sogov_request,
    input: *const u8,
    input_len: usize,
    answer: *mut sogov_bytes,
    info: *mut sogov_call_info,
    error: *mut *mut sogov_error,
) -> Status {
    guard(error, || {
        // SAFETY: the caller promises readable bytes, a buffer of this library, and a struct of its size or NULL.
        let (input, mut answer) = unsafe {
            check_info(info)?;
            (In::bytes(input, input_len, "input")?, Buffer::take(answer, "answer")?)
        };
        // The buffer moves when the answer outgrows it: nothing that is read meanwhile may lie in it.
        let room = answer.memory();
        let mut invocation =
            Invocation { request: input, answer: answer.content(), limit: MAX_ANSWER, code: 0 };
        let mut called = None;
        let overlaps =
            |bytes: &[u8]| bytes.as_ptr_range().start < room.end && room.start < bytes.as_ptr_range().end;
        // SAFETY: the caller promises a service, and a request or NULL.
        let outcome = unsafe {
            with_request(request, |request| {
                let parts = request.headers.iter().flat_map(|header| [header.name, header.value]);
                if parts.chain([input]).chain(request.user_key).any(overlaps) {
                    return Err(Error::argument("answer: expected a buffer apart from input and request"));
                }
                runtime::call(handle::cell(service)?, request, &mut invocation, &mut called)
            })
        };
        if !info.is_null() {
            // SAFETY: checked above.
            unsafe { fill(info, invocation.code, called) };
        }
        outcome
    })
}

impl From<Reason> for RouteReason {
    fn from(reason: Reason) -> Self {
        match reason {
            Reason::KillSwitch => Self::KillSwitch,
            Reason::Pin => Self::Pin,
            Reason::Rule(_) => Self::Rule,
            Reason::Fraction => Self::Fraction,
            Reason::Stable => Self::Stable,
            Reason::MissingKey => Self::MissingKey,
            Reason::Random => Self::Random,
            Reason::Breaker => Self::Breaker,
            Reason::Probe => Self::Probe,
        }
    }
}

/// # Safety
/// `info` is NULL or points at a struct whose `size` can be read.
unsafe fn check_info(info: *mut sogov_call_info) -> Result<()> {
    if info.is_null() {
        return Ok(());
    }
    // SAFETY: the caller's promise.
    let size = unsafe { info.cast::<usize>().read_unaligned() };
    if size < size_of::<sogov_call_info>() {
        return Err(Error::argument(format!(
            "sogov_call_info: expected its size, at least {}, in `size`, found {size}",
            size_of::<sogov_call_info>()
        )));
    }
    Ok(())
}

/// # Safety
/// `info` points at room for one struct, whose `size` is set.
unsafe fn fill(info: *mut sogov_call_info, plugin_status: i32, called: Option<Called>) {
    // SAFETY: the caller's promise.
    let info = unsafe { &mut *info };
    info.plugin_status = plugin_status;
    info.reason = called.map_or(RouteReason::None, |called| called.reason.into());
    info.version = called.map_or([0; SOGOV_LABEL_SIZE], |called| label_text(called.version));
}
