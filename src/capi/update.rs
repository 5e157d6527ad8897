//! `sogov_update`: a hot update, step by step.

use super::engine::{isolation, sogov_engine};
use super::error::sogov_error;
use super::guard::guard;
use super::handle;
use super::input::{In, Options};
use super::version::{VersionPlace, sogov_version_info};
use crate::engine::{
    Change, GrayStep, LoadOptions, Mismatch, OnNoData, Shadowing, StateMode, Step, StepPhase, UpdateOptions,
    UpdateProgress, Verdict,
};
use crate::error::{Error, Result, Status};
use std::ffi::{c_char, c_void};
use std::path::PathBuf;
use std::time::Duration;

/// A time of observation of the new version.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
#[allow(non_camel_case_types)]
pub struct sogov_update_gray {
    /// The new version's share of the requests, 1 to 10,000. Shares grow from step to step.
    pub share: u32,
    /// For how many milliseconds at least.
    pub hold_ms: u32,
    /// For how many calls of the new version at least; with fewer nothing is said about failures.
    pub calls: u64,
}

/// What becomes of the state, for sogov_update_options.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UpdateState {
    /// Nothing: there is none, or the new version begins with its own.
    None = 0,
    /// Exported while the old version serves; what changes afterwards is not in the new version.
    Copy = 1,
    /// The same as a rehearsal; then requests wait, calls in flight end, and the state is moved. Nothing is lost.
    Handover = 2,
}

/// What a step comes to that ends with fewer calls than it asks for, for sogov_update_options.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UpdateNoData {
    /// The update fails.
    Fail = 0,
    /// The next step follows.
    Pass = 1,
    /// The step goes on until there are enough, or the update is cancelled.
    Hold = 2,
}

/// A copy of a request that two versions answered differently. No content: that may be anybody's.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
#[allow(non_camel_case_types)]
pub struct sogov_update_mismatch {
    /// Bytes of the request.
    pub request_len: u64,
    /// Bytes of the stable version's answer, and of the new one's.
    pub expected_len: u64,
    /// Bytes of the new version's answer.
    pub found_len: u64,
    /// What `invoke` of the stable version returned.
    pub expected_status: i32,
    /// What `invoke` of the new version returned.
    pub found_status: i32,
    /// SM3 of the request.
    pub request_digest: [u8; 32],
    /// SM3 of the stable version's answer.
    pub expected_digest: [u8; 32],
    /// SM3 of the new version's answer.
    pub found_digest: [u8; 32],
}

/// How far an update has come. Later releases append members.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
#[allow(non_camel_case_types)]
pub struct sogov_update_progress {
    /// The bytes of this struct that the library filled.
    pub size: usize,
    /// The step.
    pub step: Step,
    /// Where in it.
    pub phase: StepPhase,
    /// The new version's share of the requests, in 10,000.
    pub share: u32,
    /// 0.
    pub reserved: u32,
    /// Milliseconds since the step began.
    pub elapsed_ms: u64,
    /// Calls of the new version since the step began.
    pub calls: u64,
    /// Those that failed.
    pub failures: u64,
    /// Copies of requests whose answers were compared.
    pub compared: u64,
    /// Those that were answered otherwise.
    pub mismatched: u64,
    /// Copies for which there was no room.
    pub dropped: u64,
    /// One of the first mismatches, or NULL; valid during the call.
    pub mismatch: *const sogov_update_mismatch,
    /// With SOGOV_UPDATE_STEP_ROLLED_BACK why: UTF-8, not NUL-terminated, valid during the call; else NULL.
    pub message: *const c_char,
    /// Bytes of the message.
    pub message_len: usize,
}

/// Takes the progress of an update, on the thread that called sogov_update(): before and after each step, and at least
/// every 50 ms where the update waits, but not while requests wait in a handover. Another answer than 0 cancels the
/// update, until it is promoted. It may call any function of this library but sogov_engine_free() on its own engine,
/// and must not unwind.
#[allow(non_camel_case_types)]
pub type sogov_update_callback =
    Option<unsafe extern "C" fn(context: *mut c_void, progress: *const sogov_update_progress) -> i32>;

/// How a version is to take over. NULL and all-zero load, test and promote it at once.
#[repr(C)]
#[derive(Debug)]
#[allow(non_camel_case_types)]
pub struct sogov_update_options {
    /// sizeof(sogov_update_options).
    pub size: usize,
    /// The person or program that asks.
    pub actor: *const c_char,
    /// Bytes of the actor.
    pub actor_len: usize,
    /// The reason.
    pub reason: *const c_char,
    /// Bytes of the reason.
    pub reason_len: usize,
    /// The signature file; (NULL, 0): the plugin's path with ".sogsig" behind it, if there is one.
    pub signature_path: *const c_char,
    /// Bytes of the path.
    pub signature_path_len: usize,
    /// Takes the progress, or NULL.
    pub progress: sogov_update_callback,
    /// Handed to `progress`.
    pub progress_context: *mut c_void,
    /// Growing shares, one after the other; none with SOGOV_UPDATE_STATE_HANDOVER.
    pub gray: *const sogov_update_gray,
    /// How many, at most 64.
    pub gray_count: usize,
    /// How many requests to send to the new version as copies, 0: none. The plugin has to declare
    /// SOGOV_PLUGIN_IDEMPOTENT.
    pub shadow_requests: u64,
    /// How many of them may be answered otherwise than by the stable version.
    pub shadow_mismatches: u64,
    /// For how many calls the new version serves everybody before it is promoted.
    pub probation_calls: u64,
    /// For how many milliseconds. With both 0 there is no probation.
    pub probation_ms: u32,
    /// How many milliseconds to wait for the requests to copy. 0: 10,000.
    pub shadow_ms: u32,
    /// A sogov_update_state.
    pub state: u32,
    /// For how many milliseconds requests may wait in a handover, at most 60,000. 0: 1,000.
    pub handover_ms: u32,
    /// How many of 10,000 calls of the new version may fail in a gray step or in the probation. 0: 100.
    pub tolerated_failures: u32,
    /// A sogov_update_no_data.
    pub on_no_data: u32,
    /// 1: a version that failed stays loaded.
    pub keep_failed: u32,
    /// For how many milliseconds unloading a version that failed waits for leases. 0: 5,000.
    pub drain_ms: u32,
    /// 1: return only when the new state is on the disk.
    pub wait_durable: u32,
    /// 1: the new version gets a namespace of its own; see sogov_change_options.
    pub isolated: u32,
    /// The bill of materials that the statement binds; see sogov_change_options.
    pub sbom_path: *const c_char,
    /// Bytes of the path.
    pub sbom_path_len: usize,
}

// SAFETY: integers, pointers and an optional function pointer.
unsafe impl Options for sogov_update_options {
    const NAME: &'static str = "sogov_update_options";
    const ZERO: Self = Self {
        size: 0,
        actor: std::ptr::null(),
        actor_len: 0,
        reason: std::ptr::null(),
        reason_len: 0,
        signature_path: std::ptr::null(),
        signature_path_len: 0,
        progress: None,
        progress_context: std::ptr::null_mut(),
        gray: std::ptr::null(),
        gray_count: 0,
        shadow_requests: 0,
        shadow_mismatches: 0,
        probation_calls: 0,
        probation_ms: 0,
        shadow_ms: 0,
        state: 0,
        handover_ms: 0,
        tolerated_failures: 0,
        on_no_data: 0,
        keep_failed: 0,
        drain_ms: 0,
        wait_durable: 0,
        isolated: 0,
        sbom_path: std::ptr::null(),
        sbom_path_len: 0,
    };
}

/// Replaces the stable version of a service by a plugin file, step by step, on the calling thread: verify, preflight,
/// load, import the state, self test, shadow calls, gray shares, handover, probation, promote. The options say which
/// steps there are. Each can fail, and leaves the old version serving everybody by the policy that was in force; the
/// new one is unloaded then.
///
/// The shares stand beside the policy in force, whose pins, rules and key go on to count; with the promotion it ends.
///
/// @param engine borrowed
/// @param service the service, which has a stable version and no gray one
/// @param version the label, which must be the statement's; (NULL, 0) takes the statement's
/// @param path the plugin
/// @param options what to do, or NULL
/// @param info receives what is known of the new stable version, or NULL
/// @return SOGOV_STATUS_OK; the codes of trust (4xx), loading (5xx) and plugins (7xx) up to the step "load";
///         SOGOV_STATUS_UPDATE_FAILED when a later step was not passed, SOGOV_STATUS_CANCELLED by the callback: the
///         message names the step; SOGOV_STATUS_BUSY while the service is being updated or gray versions serve, or when
///         somebody else changed meanwhile what serves, which is left so; SOGOV_STATUS_NO_VERSION without a stable
///         version; SOGOV_STATUS_DEADLOCK from inside a call of the service
///
/// # Safety
/// See docs/conventions.md.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sogov_update(
    engine: *const sogov_engine,
    service: *const c_char,
    service_len: usize,
    version: *const c_char,
    version_len: usize,
    path: *const c_char,
    path_len: usize,
    options: *const sogov_update_options,
    info: *mut sogov_version_info,
    error: *mut *mut sogov_error,
) -> Status {
    guard(error, || {
        // SAFETY: the caller promises readable texts, options or NULL, and a place or NULL.
        let (service, version, path, raw, place) = unsafe {
            (
                In::text(service, service_len, "service")?,
                In::text(version, version_len, "version")?,
                In::path(path, path_len, "path")?,
                In::options(options)?,
                VersionPlace::optional(info)?,
            )
        };
        // SAFETY: the options promise readable texts and steps.
        let options = unsafe { update_options(&raw) }?;
        // SAFETY: the options promise a function for this context.
        let mut progress = |now: &UpdateProgress| unsafe { tell(&raw, now) };
        // SAFETY: the caller promises an engine or NULL.
        unsafe {
            handle::with(engine, |engine| {
                let report = engine.update(service, version, path, &options, &mut progress)?;
                place.put(|| report.version, engine.is_development());
                Ok(())
            })
        }
    })
}

/// # Safety
/// Every pair of pointer and length is readable.
unsafe fn update_options(raw: &sogov_update_options) -> Result<UpdateOptions> {
    // SAFETY: the caller's promise.
    let (actor, reason, signature, sbom, gray) = unsafe {
        (
            In::text(raw.actor, raw.actor_len, "actor")?,
            In::text(raw.reason, raw.reason_len, "reason")?,
            In::text(raw.signature_path, raw.signature_path_len, "signature_path")?,
            In::text(raw.sbom_path, raw.sbom_path_len, "sbom_path")?,
            In::array(raw.gray, raw.gray_count, "gray")?,
        )
    };
    let flag = |name: &str, value: u32| match value {
        0 => Ok(false),
        1 => Ok(true),
        other => Err(Error::argument(format!("{name}: expected 0 or 1, found {other}"))),
    };
    let or = |value: u32, default: u32| if value == 0 { default } else { value };
    let milliseconds = |value: u32| Duration::from_millis(u64::from(value));
    let change = Change {
        actor: actor.to_owned(),
        reason: reason.to_owned(),
        wait_durable: flag("wait_durable", raw.wait_durable)?,
        force: false,
    };
    let step = |gray: &sogov_update_gray| GrayStep {
        share: gray.share,
        hold: milliseconds(gray.hold_ms),
        calls: gray.calls,
    };
    Ok(UpdateOptions {
        load: LoadOptions {
            signature_path: (!signature.is_empty()).then(|| PathBuf::from(signature)),
            sbom_path: (!sbom.is_empty()).then(|| PathBuf::from(sbom)),
            isolation: isolation(raw.isolated)?,
            change,
        },
        state: state_mode(raw.state)?,
        handover_patience: milliseconds(or(raw.handover_ms, 1000)),
        shadow: (raw.shadow_requests > 0).then(|| Shadowing {
            requests: raw.shadow_requests,
            tolerated_mismatches: raw.shadow_mismatches,
            patience: milliseconds(or(raw.shadow_ms, 10_000)),
        }),
        gray: gray.iter().map(step).collect(),
        probation: GrayStep { share: 0, hold: milliseconds(raw.probation_ms), calls: raw.probation_calls },
        tolerated_failures: or(raw.tolerated_failures, 100),
        on_no_data: on_no_data(raw.on_no_data)?,
        keep_failed: flag("keep_failed", raw.keep_failed)?,
        drain: milliseconds(or(raw.drain_ms, 5000)),
    })
}

fn state_mode(raw: u32) -> Result<StateMode> {
    let known = [
        (UpdateState::None, StateMode::None),
        (UpdateState::Copy, StateMode::Copy),
        (UpdateState::Handover, StateMode::Handover),
    ];
    known
        .into_iter()
        .find(|(number, _)| *number as u32 == raw)
        .map(|(_, mode)| mode)
        .ok_or_else(|| Error::argument(format!("state: expected a sogov_update_state, found {raw}")))
}

fn on_no_data(raw: u32) -> Result<OnNoData> {
    let known = [
        (UpdateNoData::Fail, OnNoData::Fail),
        (UpdateNoData::Pass, OnNoData::Pass),
        (UpdateNoData::Hold, OnNoData::Hold),
    ];
    known
        .into_iter()
        .find(|(number, _)| *number as u32 == raw)
        .map(|(_, what)| what)
        .ok_or_else(|| Error::argument(format!("on_no_data: expected a sogov_update_no_data, found {raw}")))
}

/// # Safety
/// The callback takes its context.
unsafe fn tell(options: &sogov_update_options, now: &UpdateProgress) -> Verdict {
    let Some(callback) = options.progress else { return Verdict::Continue };
    let mismatch = now.mismatch.as_ref().map(raw_mismatch);
    let message = now.message.as_deref();
    let progress = sogov_update_progress {
        size: size_of::<sogov_update_progress>(),
        step: now.step,
        phase: now.phase,
        share: now.share,
        reserved: 0,
        elapsed_ms: u64::try_from(now.elapsed.as_millis()).unwrap_or(u64::MAX),
        calls: now.calls,
        failures: now.failures,
        compared: now.compared,
        mismatched: now.mismatched,
        dropped: now.dropped,
        mismatch: mismatch.as_ref().map_or(std::ptr::null(), std::ptr::from_ref),
        message: message.map_or(std::ptr::null(), |text| text.as_ptr().cast()),
        message_len: message.map_or(0, str::len),
    };
    // SAFETY: the host's function, called as its type says.
    match unsafe { callback(options.progress_context, &raw const progress) } {
        0 => Verdict::Continue,
        _ => Verdict::Cancel,
    }
}

fn raw_mismatch(mismatch: &Mismatch) -> sogov_update_mismatch {
    let Mismatch { request, expected, found } = mismatch;
    sogov_update_mismatch {
        request_len: request.0,
        expected_len: expected.1,
        found_len: found.1,
        expected_status: expected.0,
        found_status: found.0,
        request_digest: request.1,
        expected_digest: expected.2,
        found_digest: found.2,
    }
}
