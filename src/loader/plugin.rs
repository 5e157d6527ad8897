//! The level-1 interface of `sogov_plugin.h` as this side sees it.

use crate::error::{Error, Result, Status};
use std::ffi::{CStr, CString, c_char, c_void};
use std::fmt;

/// The revision of the interface that this release speaks (`SOGOV_PLUGIN_ABI`).
pub const ABI: u32 = 1;
/// The exported constant (`SOGOV_PLUGIN_SYMBOL`).
pub(super) const SYMBOL: &str = "sogov_plugin_descriptor";
/// `SOGOV_PLUGIN_STOPS_CLEAN`.
const STOPS_CLEAN: u64 = 1;

/// `sogov_plugin`.
#[repr(C)]
pub struct Descriptor {
    size: u32,
    abi: u32,
    flags: u64,
    name: *const c_char,
    start: Option<unsafe extern "C" fn(*const RawHost, *mut *mut c_void) -> i32>,
    stop: Option<unsafe extern "C" fn(*mut c_void) -> i32>,
    invoke: Option<unsafe extern "C" fn(*mut c_void, *const c_void, usize, *const RawWriter) -> i32>,
    health: Option<unsafe extern "C" fn(*mut c_void) -> i32>,
}

/// `sogov_writer`.
#[repr(C)]
struct RawWriter {
    size: usize,
    context: *mut c_void,
    write: unsafe extern "C" fn(*mut c_void, *const c_void, usize) -> i32,
}

/// `sogov_plugin_host`.
#[repr(C)]
struct RawHost {
    size: usize,
    service: *const c_char,
    version: *const c_char,
    context: *mut c_void,
    log: unsafe extern "C" fn(*mut c_void, i32, *const c_char, usize),
}

/// Takes the lines that a plugin logs: level (1 error, 2 warning, 3 information) and text.
pub(super) type PluginLog = Box<dyn Fn(i32, &str) + Send + Sync>;

/// What a plugin is told at its start; lives until it has stopped.
pub struct HostContext {
    /// The service it is loaded for.
    pub service: String,
    /// Its label there.
    pub version: String,
    /// Where its log lines go.
    pub log: PluginLog,
}

/// One request on its way through a plugin.
#[derive(Debug)]
pub struct Invocation<'a> {
    /// The request's bytes.
    pub request: &'a [u8],
    /// Where the answer is appended.
    pub answer: &'a mut Vec<u8>,
    /// The most bytes that `answer` may grow to.
    pub limit: usize,
    /// What the plugin's `invoke` returned; 0 before it and on success.
    pub code: i32,
}

/// A level-1 plugin that has started: its descriptor, its `self`, and what it was told.
pub(super) struct Plugin {
    descriptor: &'static Descriptor,
    state: *mut c_void,
    host: Box<Host>,
}

/// The raw host record with what its pointers point at.
struct Host {
    raw: RawHost,
    _service: CString,
    _version: CString,
    _log: Box<PluginLog>,
}

// SAFETY: sogov_plugin.h demands that `invoke` and `health` may be called from many threads at once, and `stop` from
// any thread; `state` is only passed on.
unsafe impl Send for Plugin {}
// SAFETY: as above.
unsafe impl Sync for Plugin {}

impl Plugin {
    /// Reads the descriptor at `address`, starts the plugin and asks for its health.
    ///
    /// # Safety
    /// `address` is that of the symbol [`SYMBOL`] of an image that stays mapped as long as the value lives, and the
    /// first 16 bytes there were checked with [`check_head`] against the image's file.
    pub(super) unsafe fn start(address: *mut c_void, context: HostContext) -> Result<Self> {
        // SAFETY: the caller's promise; the struct is plain data.
        let descriptor = unsafe { &*address.cast::<Descriptor>() };
        check_head(descriptor.size, descriptor.abi)?;
        let host = Host::new(context)?;
        let mut state = std::ptr::null_mut();
        if let Some(start) = descriptor.start {
            // SAFETY: the plugin's contract; both pointers are valid, and `host` lives in its box until after stop.
            let answer = unsafe { start(&raw const host.raw, &raw mut state) };
            if let Err(refusal) = check_answer("start", answer) {
                // What it left running may still use what it was told.
                Box::leak(host);
                return Err(refusal);
            }
        }
        let plugin = Self { descriptor, state, host };
        if let Err(unwell) = plugin.health() {
            // The plugin has started and never will serve; what stop answers changes nothing about the refusal.
            let _ = plugin.stop();
            return Err(unwell);
        }
        Ok(plugin)
    }

    /// Serves one request and returns the plugin's own answer; 0 is success.
    pub(super) fn invoke(&self, invocation: &mut Invocation<'_>) -> i32 {
        unsafe extern "C" fn append(context: *mut c_void, bytes: *const c_void, len: usize) -> i32 {
            // SAFETY: `context` is the Invocation below, which the plugin got for this call only.
            let invocation = unsafe { &mut *context.cast::<Invocation<'_>>() };
            if len == 0 {
                return 0;
            }
            let room = invocation.limit.saturating_sub(invocation.answer.len());
            if bytes.is_null() || len > room || invocation.answer.try_reserve(len).is_err() {
                return 1;
            }
            // SAFETY: the plugin promises `len` readable bytes.
            invocation.answer.extend_from_slice(unsafe { std::slice::from_raw_parts(bytes.cast(), len) });
            0
        }
        let Some(invoke) = self.descriptor.invoke else { return 0 };
        let request = invocation.request;
        let writer = RawWriter {
            size: size_of::<RawWriter>(),
            context: std::ptr::from_mut(invocation).cast(),
            write: append,
        };
        // SAFETY: the plugin's contract; request and writer are valid for the call.
        unsafe { invoke(self.state, request.as_ptr().cast(), request.len(), &raw const writer) }
    }

    /// Whether there is an `invoke` at all.
    pub(super) fn can_invoke(&self) -> bool {
        self.descriptor.invoke.is_some()
    }

    /// Asks the plugin whether it can serve.
    pub(super) fn health(&self) -> Result<()> {
        // SAFETY: the plugin's contract.
        self.descriptor.health.map_or(Ok(()), |health| check_answer("health", unsafe { health(self.state) }))
    }

    /// Stops the plugin, for good. No call is in flight: nobody else holds the value.
    pub(super) fn stop(self) -> Result<()> {
        // SAFETY: the plugin's contract.
        let stopped =
            self.descriptor.stop.map_or(Ok(()), |stop| check_answer("stop", unsafe { stop(self.state) }));
        if stopped.is_err() {
            // What did not stop may still use what it was told.
            Box::leak(self.host);
        }
        stopped
    }

    /// Whether the plugin declares that `stop` leaves nothing behind.
    pub(super) fn stops_clean(&self) -> bool {
        self.descriptor.flags & STOPS_CLEAN != 0
    }

    /// The addresses that the C interface hands out.
    pub(super) fn raw(&self) -> (*const Descriptor, *mut c_void) {
        (self.descriptor, self.state)
    }

    /// The name that the plugin gives itself.
    pub(super) fn name(&self) -> String {
        if self.descriptor.name.is_null() {
            return String::new();
        }
        // SAFETY: sogov_plugin.h demands a NUL-terminated text.
        unsafe { CStr::from_ptr(self.descriptor.name) }.to_string_lossy().into_owned()
    }
}

impl fmt::Debug for Plugin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Plugin").field("name", &self.name()).finish_non_exhaustive()
    }
}

impl Host {
    fn new(context: HostContext) -> Result<Box<Self>> {
        unsafe extern "C" fn log(context: *mut c_void, level: i32, message: *const c_char, len: usize) {
            if context.is_null() || message.is_null() {
                return;
            }
            // SAFETY: `context` is the boxed PluginLog below, which lives until the plugin has stopped, and the
            // plugin promises `len` readable bytes.
            let (log, message) =
                unsafe { (&*context.cast::<PluginLog>(), std::slice::from_raw_parts(message.cast(), len)) };
            log(level, &String::from_utf8_lossy(message));
        }
        let text = |text: String| {
            CString::new(text).map_err(|_| Error::argument("service or version: contains a NUL byte"))
        };
        let (service, version) = (text(context.service)?, text(context.version)?);
        let log_box = Box::new(context.log);
        let raw = RawHost {
            size: size_of::<RawHost>(),
            service: service.as_ptr(),
            version: version.as_ptr(),
            context: std::ptr::from_ref(&*log_box).cast_mut().cast(),
            log,
        };
        Ok(Box::new(Self { raw, _service: service, _version: version, _log: log_box }))
    }
}

/// Whether the first members of a descriptor are those of an interface that this release speaks.
pub(super) fn check_head(size: u32, abi: u32) -> Result<()> {
    if abi != ABI {
        return Err(Error::new(
            Status::ImageRejected,
            format!("{SYMBOL}: expected the plugin interface {ABI}, found {abi}"),
        ));
    }
    if (size as usize) < size_of::<Descriptor>() {
        return Err(Error::new(
            Status::ImageRejected,
            format!("{SYMBOL}: expected a size of at least {} bytes, found {size}", size_of::<Descriptor>()),
        ));
    }
    Ok(())
}

fn check_answer(function: &str, answer: i32) -> Result<()> {
    if answer == 0 {
        Ok(())
    } else {
        Err(Error::new(Status::PluginFailed, format!("plugin {function}: expected 0, found {answer}")))
    }
}
