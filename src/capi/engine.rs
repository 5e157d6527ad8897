//! `sogov_engine`: opening, closing, loading and changing what serves.

mod options;

pub use options::{sogov_engine_options, sogov_log_callback};

use super::error::sogov_error;
use super::guard::guard;
use super::handle::{self, impl_handle};
use super::input::{In, Options};
use super::output::Out;
use super::version::{VersionPlace, sogov_version_info};
use crate::engine::{Change, Engine, LoadOptions};
use crate::error::{Error, Result, Status};
use crate::loader::Isolation;
use crate::runtime::Standing;
use arc_swap::ArcSwapOption;
use options::engine_options;
use std::ffi::c_char;
use std::path::PathBuf;
use std::time::Duration;

/// An engine: trust, services and versions of one program. Usually there is one a process. Any number of threads
/// may use it at once. Freed with sogov_engine_free().
#[derive(Debug)]
#[allow(non_camel_case_types)]
pub struct sogov_engine(ArcSwapOption<Engine>);

impl_handle!(sogov_engine, Engine, "engine");

/// Who asks for a change, and why: both go into the log. NULL and all-zero mean the defaults.
#[repr(C)]
#[derive(Debug)]
#[allow(non_camel_case_types)]
pub struct sogov_change_options {
    /// sizeof(sogov_change_options).
    pub size: usize,
    /// The person or program that asks.
    pub actor: *const c_char,
    /// Bytes of the actor.
    pub actor_len: usize,
    /// The reason.
    pub reason: *const c_char,
    /// Bytes of the reason.
    pub reason_len: usize,
    /// 1: return only when the new state is on the disk. 0: it gets there afterwards.
    pub wait_durable: u32,
    /// sogov_unload() only: for how many milliseconds to wait for leases. 0: 5,000.
    pub drain_ms: u32,
    /// sogov_load_versioned() only: the signature file; (NULL, 0): the plugin's path with ".sogsig" behind it, if there
    /// is one.
    pub signature_path: *const c_char,
    /// Bytes of the path.
    pub signature_path_len: usize,
    /// sogov_unload() only. 1: a version on which leases are left after `drain_ms` is given up. It stays mapped for ever,
    /// its label is free, and the process is marked for ever as one that wants a restart (sogov_process_status()).
    pub force: u32,
    /// sogov_load_versioned() only. 1: the plugin and the libraries that it needs get a namespace of their own, with a C
    /// library of their own: names, SONAMEs and statics of the program and of other plugins do not meet theirs. For plugins
    /// in C without threads, streams and the C++ runtime: others are SOGOV_STATUS_UNSUPPORTED, and the message names what
    /// stands in the way. At most 8 versions of a process at the same time, pinned ones included:
    /// SOGOV_STATUS_LIMIT_EXCEEDED. docs/plugin-guide.md has the rest. A version that is brought back, by a rollback or a
    /// restart, is loaded as it was.
    pub isolated: u32,
    /// sogov_load_versioned() only: the bill of materials that the statement binds; (NULL, 0): the plugin's path with
    /// ".sbom.json" behind it. One that is named has to be bound.
    pub sbom_path: *const c_char,
    /// Bytes of the path.
    pub sbom_path_len: usize,
}

// SAFETY: integers and pointers.
unsafe impl Options for sogov_change_options {
    const NAME: &'static str = "sogov_change_options";
    const ZERO: Self = Self {
        size: 0,
        actor: std::ptr::null(),
        actor_len: 0,
        reason: std::ptr::null(),
        reason_len: 0,
        wait_durable: 0,
        drain_ms: 0,
        signature_path: std::ptr::null(),
        signature_path_len: 0,
        force: 0,
        isolated: 0,
        sbom_path: std::ptr::null(),
        sbom_path_len: 0,
    };
}

/// How long sogov_unload() waits for leases unless the options say otherwise.
const DRAIN: Duration = Duration::from_secs(5);

/// Opens an engine. With a state directory, the last stable version of every service is verified again, loaded and
/// put back into service; one that is refused is logged, and its service has no stable version then.
///
/// @param options NULL for an engine that can only sign and verify messages
/// @param engine receives the engine, owned by the caller
/// @return SOGOV_STATUS_OK; SOGOV_STATUS_TRUST_INVALID, SOGOV_STATUS_EXPIRED for an unsound trust directory;
///         SOGOV_STATUS_AUDIT_BROKEN for a trail that is required and not as it was written;
///         SOGOV_STATUS_IO, SOGOV_STATUS_NOT_FOUND for directories that cannot be opened
///
/// # Safety
/// See docs/conventions.md.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sogov_engine_open(
    options: *const sogov_engine_options,
    engine: *mut *mut sogov_engine,
    error: *mut *mut sogov_error,
) -> Status {
    guard(error, || {
        // SAFETY: the caller promises room for one pointer, and options or NULL.
        let (place, options) = unsafe { (Out::required(engine, "engine")?, In::options(options)?) };
        // SAFETY: the options promise readable texts and bytes.
        place.put(handle::issue(Engine::open(unsafe { engine_options(&options) }?)?));
        Ok(())
    })
}

/// Closes an engine: its services serve nobody any more (SOGOV_STATUS_CLOSED), what is on its way to the disk gets
/// there, and versions without leases are stopped and unmapped. Leases that are out stay good: their versions stay
/// mapped until the last is released, which this does not wait for. Service handles may be freed before or after. Once
/// this has returned, the callbacks for log and events are not called any more.
///
/// Do not call it from inside a plugin: the version of that call would be left to a thread of the library.
///
/// In the child of a fork(), an engine of the parent serves nobody any more, and that is all: nothing is waited for,
/// written, stopped or unmapped.
///
/// @param engine taken; NULL is ignored. Later uses of the handle answer SOGOV_STATUS_CLOSED
///
/// # Safety
/// See docs/conventions.md.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sogov_engine_free(engine: *mut sogov_engine) {
    guard(std::ptr::null_mut(), || {
        // SAFETY: the caller promises an engine or NULL.
        if let Some(engine) = unsafe { handle::free(engine) } {
            engine.end();
        }
        Ok(())
    });
}

/// Loads a plugin file: its signatures must meet the trust policy, and exactly the verified bytes are mapped. The
/// version then stands beside those already there and serves nobody until sogov_promote() or a route policy names it.
/// Constructors of the plugin run, and for a level-1 plugin `start` and `health`: in a child process first (the
/// preflight), and then here.
///
/// @param engine borrowed
/// @param service the service; it comes into being where it is new. 1 to 64 characters out of A-Z a-z 0-9 . _ -
/// @param version the label, which must be the statement's; (NULL, 0) takes the statement's
/// @param path the plugin
/// @param options actor, reason, signature_path, isolated, sbom_path; or NULL
/// @param info receives what is known of the version, or NULL
/// @return SOGOV_STATUS_OK; SOGOV_STATUS_BUSY when the label is in use; the codes of trust (4xx), loading (5xx) and
///         plugins (7xx), and for `isolated` SOGOV_STATUS_UNSUPPORTED and SOGOV_STATUS_LIMIT_EXCEEDED, after which nothing
///         is loaded
///
/// # Safety
/// See docs/conventions.md.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sogov_load_versioned(
    engine: *const sogov_engine,
    service: *const c_char,
    service_len: usize,
    version: *const c_char,
    version_len: usize,
    path: *const c_char,
    path_len: usize,
    options: *const sogov_change_options,
    info: *mut sogov_version_info,
    error: *mut *mut sogov_error,
) -> Status {
    guard(error, || {
        // SAFETY: the caller promises readable texts, options or NULL, and a place or NULL.
        let (service, version, path, options, place) = unsafe {
            (
                In::text(service, service_len, "service")?,
                In::text(version, version_len, "version")?,
                In::path(path, path_len, "path")?,
                In::options(options)?,
                VersionPlace::optional(info)?,
            )
        };
        // SAFETY: the options promise readable texts.
        let options = unsafe { load_options(&options) }?;
        // SAFETY: the caller promises an engine or NULL.
        unsafe {
            handle::with(engine, |engine| {
                let report = engine.load_versioned(service, version, path, &options)?;
                place.put(|| report, engine.is_development());
                Ok(())
            })
        }
    })
}

/// Puts a route policy in force for a service, whole, or refuses it and changes nothing. Requests that are being
/// routed at that moment go by the old policy or by the new one.
///
/// @param engine borrowed
/// @param service the service; it comes into being where it is new
/// @param document the policy, JSON in UTF-8, at most 1 MiB; docs/conventions.md has its fields
/// @param options actor, reason, wait_durable; or NULL
/// @return SOGOV_STATUS_OK; SOGOV_STATUS_ROUTE_POLICY_INVALID with the place and the reason in the message
///
/// # Safety
/// See docs/conventions.md.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sogov_route_policy_apply(
    engine: *const sogov_engine,
    service: *const c_char,
    service_len: usize,
    document: *const u8,
    document_len: usize,
    options: *const sogov_change_options,
    error: *mut *mut sogov_error,
) -> Status {
    guard(error, || {
        // SAFETY: the caller promises readable texts and bytes, and options or NULL.
        let (service, document, options) = unsafe {
            (
                In::text(service, service_len, "service")?,
                In::bytes(document, document_len, "document")?,
                In::options(options)?,
            )
        };
        // SAFETY: the options promise readable texts.
        let change = unsafe { change(&options) }?;
        // SAFETY: the caller promises an engine or NULL.
        unsafe { handle::with(engine, |engine| engine.apply_route_policy(service, document, &change)) }
    })
}

/// Makes a loaded, gray or retired version the stable one, for everybody: the route policy in force ends. Calls in
/// flight end where they began; the next request goes to the new version. The former stable version is retired and
/// remembered for sogov_rollback().
///
/// @param engine borrowed
/// @param service, version what is promoted
/// @param options actor, reason, wait_durable; or NULL
/// @param info receives what is known of the version, or NULL
/// @return SOGOV_STATUS_OK; SOGOV_STATUS_NOT_FOUND when no such version is loaded; SOGOV_STATUS_PINNED when it was
///         stopped already
///
/// # Safety
/// See docs/conventions.md.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sogov_promote(
    engine: *const sogov_engine,
    service: *const c_char,
    service_len: usize,
    version: *const c_char,
    version_len: usize,
    options: *const sogov_change_options,
    info: *mut sogov_version_info,
    error: *mut *mut sogov_error,
) -> Status {
    guard(error, || {
        // SAFETY: the caller promises readable texts, options or NULL, and a place or NULL.
        let (service, version, options, place) = unsafe {
            (
                In::text(service, service_len, "service")?,
                In::text(version, version_len, "version")?,
                In::options(options)?,
                VersionPlace::optional(info)?,
            )
        };
        // SAFETY: the options promise readable texts.
        let change = unsafe { change(&options) }?;
        // SAFETY: the caller promises an engine or NULL.
        unsafe {
            handle::with(engine, |engine| {
                let version = engine.promote(service, version, &change)?;
                place.put(|| version.report(Standing::Stable, None), engine.is_development());
                Ok(())
            })
        }
    })
}

/// Takes back the newest exposure: while gray versions serve, they are withdrawn and the stable version serves
/// everybody; otherwise the stable version gives way to the one before it. Calls in flight end where they began, none
/// is lost; the next request goes to the restored version. What was withdrawn is retired, and can be promoted again.
///
/// A predecessor that is not mapped any more is loaded from the state directory first. After a rollback, route
/// policies with the epoch that was in force, or a lower one, are refused.
///
/// @param engine borrowed
/// @param service the service
/// @param options actor, reason, wait_durable; or NULL
/// @param restored receives what is known of the version that serves now, or NULL
/// @return SOGOV_STATUS_OK; SOGOV_STATUS_NOT_FOUND when there is nothing to go back to: then nothing changed
///
/// # Safety
/// See docs/conventions.md.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sogov_rollback(
    engine: *const sogov_engine,
    service: *const c_char,
    service_len: usize,
    options: *const sogov_change_options,
    restored: *mut sogov_version_info,
    error: *mut *mut sogov_error,
) -> Status {
    guard(error, || {
        // SAFETY: the caller promises a readable text, options or NULL, and a place or NULL.
        let (service, options, place) = unsafe {
            (
                In::text(service, service_len, "service")?,
                In::options(options)?,
                VersionPlace::optional(restored)?,
            )
        };
        // SAFETY: the options promise readable texts.
        let change = unsafe { change(&options) }?;
        // SAFETY: the caller promises an engine or NULL.
        unsafe {
            handle::with(engine, |engine| {
                let version = engine.rollback(service, &change)?;
                place.put(|| version.report(Standing::Stable, None), engine.is_development());
                Ok(())
            })
        }
    })
}

/// Waits until no lease is on a loaded or retired version, stops it, unmaps it and proves from the dynamic linker's
/// own list that it is gone.
///
/// @param engine borrowed
/// @param service, version what is unloaded
/// @param options actor, reason, drain_ms, force; or NULL
/// @return SOGOV_STATUS_OK; SOGOV_STATUS_BUSY while it is stable or gray, or when leases were left: then it stands as
///         before; SOGOV_STATUS_DEADLOCK from inside a call of it; SOGOV_STATUS_PINNED when it was stopped, or given up
///         by force, but has to stay mapped, with the reason in the message and in listings
///
/// # Safety
/// See docs/conventions.md.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sogov_unload(
    engine: *const sogov_engine,
    service: *const c_char,
    service_len: usize,
    version: *const c_char,
    version_len: usize,
    options: *const sogov_change_options,
    error: *mut *mut sogov_error,
) -> Status {
    guard(error, || {
        // SAFETY: the caller promises readable texts and options or NULL.
        let (service, version, options) = unsafe {
            (
                In::text(service, service_len, "service")?,
                In::text(version, version_len, "version")?,
                In::options(options)?,
            )
        };
        let patience = match options.drain_ms {
            0 => DRAIN,
            milliseconds => Duration::from_millis(u64::from(milliseconds)),
        };
        // SAFETY: the options promise readable texts.
        let change = unsafe { change(&options) }?;
        // SAFETY: the caller promises an engine or NULL.
        unsafe { handle::with(engine, |engine| engine.unload(service, version, patience, &change)) }
    })
}

/// # Safety
/// Every pair of pointer and length is readable.
pub(super) unsafe fn change(raw: &sogov_change_options) -> Result<Change> {
    if raw.wait_durable > 1 {
        return Err(Error::argument(format!("wait_durable: expected 0 or 1, found {}", raw.wait_durable)));
    }
    // SAFETY: the caller's promise.
    let (actor, reason) = unsafe {
        (In::text(raw.actor, raw.actor_len, "actor")?, In::text(raw.reason, raw.reason_len, "reason")?)
    };
    if raw.force > 1 {
        return Err(Error::argument(format!("force: expected 0 or 1, found {}", raw.force)));
    }
    Ok(Change {
        actor: actor.to_owned(),
        reason: reason.to_owned(),
        wait_durable: raw.wait_durable == 1,
        force: raw.force == 1,
    })
}

/// # Safety
/// Every pair of pointer and length is readable.
unsafe fn load_options(raw: &sogov_change_options) -> Result<LoadOptions> {
    // SAFETY: the caller's promise.
    let (signature, sbom) = unsafe {
        (
            In::text(raw.signature_path, raw.signature_path_len, "signature_path")?,
            In::text(raw.sbom_path, raw.sbom_path_len, "sbom_path")?,
        )
    };
    Ok(LoadOptions {
        signature_path: (!signature.is_empty()).then(|| PathBuf::from(signature)),
        sbom_path: (!sbom.is_empty()).then(|| PathBuf::from(sbom)),
        isolation: isolation(raw.isolated)?,
        // SAFETY: the caller's promise.
        change: unsafe { change(raw) }?,
    })
}

/// What a member `isolated` says.
pub(super) fn isolation(isolated: u32) -> Result<Isolation> {
    match isolated {
        0 | 1 => Ok(Isolation::own_if(isolated == 1)),
        other => Err(Error::argument(format!("isolated: expected 0 or 1, found {other}"))),
    }
}
