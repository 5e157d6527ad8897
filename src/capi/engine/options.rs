//! What an engine is opened with.

use crate::capi::audit::{audit_options, sogov_audit_options};
use crate::capi::event::{events, sogov_event_callback};
use crate::capi::input::{In, Options};
use crate::capi::key::sogov_key;
use crate::capi::package::receipt_key;
use crate::crypto::key_id::KeyId;
use crate::engine::{EngineOptions, SharedClock};
use crate::error::{Error, Result};
use crate::loader::{Collisions, preflight};
use crate::telemetry::{Log, LogLevel};
use std::ffi::{c_char, c_void};
use std::path::PathBuf;
use std::time::Duration;

const MAX_ROOTS: usize = 64;

/// Takes a line of the engine's log. Called on any thread, on the thread of the call that causes the line where there
/// is one; it may call any function of this library except sogov_engine_free() on its own engine.
///
/// `message` is UTF-8 of `message_len` bytes, not NUL-terminated, valid during the call.
#[allow(non_camel_case_types)]
pub type sogov_log_callback = Option<
    unsafe extern "C" fn(context: *mut c_void, level: LogLevel, message: *const c_char, message_len: usize),
>;

/// What an engine needs to know. NULL and all-zero mean the defaults.
#[repr(C)]
#[derive(Debug)]
#[allow(non_camel_case_types)]
pub struct sogov_engine_options {
    /// sizeof(sogov_engine_options).
    pub size: usize,
    /// The trust directory: trust.json, its signature trust.json.sogsig, and public keys in keys/. Without one no
    /// plugin can be loaded.
    pub trust_directory: *const c_char,
    /// Bytes of the path.
    pub trust_directory_len: usize,
    /// Key identifiers, 32 bytes each: one of these keys must have signed trust.json. None: the development mode, in
    /// which trust.json needs no signature; every sogov_version_info says so.
    pub root_key_ids: *const u8,
    /// How many identifiers.
    pub root_key_count: usize,
    /// The state directory, made where it is missing. Without one nothing outlives the process.
    pub state_directory: *const c_char,
    /// Bytes of the path.
    pub state_directory_len: usize,
    /// Takes the log, or NULL. This library never prints.
    pub log: sogov_log_callback,
    /// Handed to `log`.
    pub log_context: *mut c_void,
    /// How many retired versions of each service stay mapped for an immediate way back; 0: 2.
    pub parked_versions: usize,
    /// Takes events, such as a breaker that opens, or NULL.
    pub event: sogov_event_callback,
    /// Handed to `event`.
    pub event_context: *mut c_void,
    /// A sogov_preflight. SOGOV_PREFLIGHT_REQUIRED (0): each version is loaded and started in a child process first, and
    /// refused where that fails. SOGOV_PREFLIGHT_OFF: it is loaded at once.
    pub preflight: u32,
    /// How many milliseconds a preflight may last; 0: 5,000.
    pub preflight_ms: u32,
    /// How many MiB of private memory the child may use; 0: 512.
    pub preflight_memory_mib: u32,
    /// How many milliseconds of processor time the child may use, rounded up to seconds; 0: a second more than it
    /// may last.
    pub preflight_cpu_ms: u32,
    /// A sogov_symbol_collisions, for the plugins of this engine. SOGOV_SYMBOL_COLLISIONS_REFUSE (0); the others are
    /// explained in docs/plugin-guide.md, "Building".
    pub symbol_collisions: u32,
    /// 1: a crash of a plugin inside sogov_call(), or in another of its functions, ends that call, with
    /// SOGOV_STATUS_PLUGIN_CRASHED, instead of the process; its version is never used again. Installs handlers for SIGSEGV, SIGBUS, SIGFPE and SIGILL, which stay;
    /// x86-64 only. docs/conventions.md says what is a crash of a plugin and what is not. 0: no.
    pub contain_crashes: u32,
    /// How many bytes of address space the images of each service's retired versions may take together, beyond which the
    /// oldest are unloaded; 0: 256 MiB.
    pub parked_bytes: usize,
    /// A key of hmac-sha256 that codes the receipts of installed packages, or NULL: then no package is installed, and receipts
    /// are not looked at. It must not lie in the state directory. Borrowed; the engine keeps what it needs of it.
    pub receipt_key: *const sogov_key,
    /// How what is done is recorded in the audit trail of the state directory, or NULL: nothing is.
    pub audit: *const sogov_audit_options,
    /// How many of the root keys must have signed trust.json; 0: 1.
    pub root_threshold: u32,
    /// How often, in milliseconds, a background thread looks at the trust directory for what is revoked, from the first load
    /// on; 0: every 10,000 where there is a state directory, otherwise never; UINT32_MAX: never. Loads and
    /// sogov_trust_refresh() look in any case.
    pub trust_check_ms: u32,
    /// The number of the set of root keys that root_key_ids are; 0: 1. Later sets stand in the trust directory.
    pub root_set: u64,
}

// SAFETY: integers, pointers and an optional function pointer.
unsafe impl Options for sogov_engine_options {
    const NAME: &'static str = "sogov_engine_options";
    const ZERO: Self = Self {
        size: 0,
        trust_directory: std::ptr::null(),
        trust_directory_len: 0,
        root_key_ids: std::ptr::null(),
        root_key_count: 0,
        state_directory: std::ptr::null(),
        state_directory_len: 0,
        log: None,
        log_context: std::ptr::null_mut(),
        parked_versions: 0,
        event: None,
        event_context: std::ptr::null_mut(),
        preflight: 0,
        preflight_ms: 0,
        preflight_memory_mib: 0,
        preflight_cpu_ms: 0,
        symbol_collisions: 0,
        contain_crashes: 0,
        parked_bytes: 0,
        receipt_key: std::ptr::null(),
        audit: std::ptr::null(),
        root_threshold: 0,
        trust_check_ms: 0,
        root_set: 0,
    };
}

/// # Safety
/// Every pair of pointer and length is readable.
pub(super) unsafe fn engine_options(raw: &sogov_engine_options) -> Result<EngineOptions> {
    if raw.root_key_count > MAX_ROOTS {
        return Err(Error::argument(format!(
            "root_key_ids: expected at most {MAX_ROOTS} identifiers, found {}",
            raw.root_key_count
        )));
    }
    if raw.contain_crashes > 1 {
        return Err(Error::argument(format!(
            "contain_crashes: expected 0 or 1, found {}",
            raw.contain_crashes
        )));
    }
    // SAFETY: the caller's promise.
    let (trust, roots, state) = unsafe {
        (
            In::text(raw.trust_directory, raw.trust_directory_len, "trust_directory")?,
            In::bytes(raw.root_key_ids, raw.root_key_count * 32, "root_key_ids")?,
            In::text(raw.state_directory, raw.state_directory_len, "state_directory")?,
        )
    };
    let path = |text: &str| (!text.is_empty()).then(|| PathBuf::from(text));
    Ok(EngineOptions {
        trust_directory: path(trust),
        root_key_ids: roots.as_chunks::<32>().0.iter().copied().map(KeyId::from_bytes).collect(),
        state_directory: path(state),
        // SAFETY: the caller's promise.
        receipt_key: unsafe { receipt_key(raw.receipt_key) }?,
        log: log(raw),
        events: events(raw.event, raw.event_context),
        parked_versions: raw.parked_versions,
        preflight: preflight(raw)?,
        parked_bytes: raw.parked_bytes,
        collisions: match raw.symbol_collisions {
            0 => Collisions::Refuse,
            1 => Collisions::Warn,
            2 => Collisions::OwnFirst,
            other => {
                return Err(Error::argument(format!("symbol_collisions: expected 0, 1 or 2, found {other}")));
            }
        },
        contain_crashes: raw.contain_crashes == 1,
        // SAFETY: the caller's promise.
        audit: unsafe { audit_options(raw.audit) }?,
        root_threshold: raw.root_threshold as usize,
        root_set: raw.root_set,
        trust_check_ms: raw.trust_check_ms,
        clock: SharedClock::default(),
    })
}

fn preflight(raw: &sogov_engine_options) -> Result<preflight::Options> {
    let policy = match raw.preflight {
        0 => preflight::PreflightPolicy::Required,
        1 => preflight::PreflightPolicy::Off,
        other => return Err(Error::argument(format!("preflight: expected 0 or 1, found {other}"))),
    };
    let mut limits = preflight::Limits::default();
    let milliseconds = |number| Duration::from_millis(u64::from(number));
    if raw.preflight_ms != 0 {
        limits.deadline = milliseconds(raw.preflight_ms);
    }
    limits.processor = match raw.preflight_cpu_ms {
        0 => preflight::Limits::processor_for(limits.deadline),
        number => milliseconds(number),
    };
    if raw.preflight_memory_mib != 0 {
        limits.memory = u64::from(raw.preflight_memory_mib) << 20;
    }
    Ok(preflight::Options { policy, limits, library: None })
}

fn log(raw: &sogov_engine_options) -> Log {
    struct Context(*mut c_void);
    // SAFETY: sogov_log_callback says that it is called on any thread; the pointer is only handed back to it.
    unsafe impl Send for Context {}
    // SAFETY: as above.
    unsafe impl Sync for Context {}
    impl Context {
        fn pointer(&self) -> *mut c_void {
            self.0
        }
    }
    let Some(callback) = raw.log else { return Log::default() };
    let context = Context(raw.log_context);
    Log::new(move |level, message| {
        // SAFETY: the host's function, called as its type says.
        unsafe { callback(context.pointer(), level, message.as_ptr().cast(), message.len()) };
    })
}
