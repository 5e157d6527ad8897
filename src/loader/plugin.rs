//! The level-1 interface of `sogov_plugin.h` as this side sees it.

mod entry;
mod self_test;
mod state;

pub(super) use entry::ContainedCode;
pub use state::PluginState;

use crate::error::{Error, Result, Status};
use entry::Entry;
use std::ffi::{CStr, CString, c_char, c_void};
use std::fmt;

/// The revision of the interface that this release speaks (`SOGOV_PLUGIN_ABI`).
pub const ABI: u32 = 1;
/// The exported constant (`SOGOV_PLUGIN_SYMBOL`).
pub(super) const SYMBOL: &str = "sogov_plugin_descriptor";
/// `SOGOV_PLUGIN_STOPS_CLEAN`.
const STOPS_CLEAN: u64 = 1;
/// `SOGOV_PLUGIN_HOST_PREFLIGHT`.
pub(super) const HOST_PREFLIGHT: u64 = 1;
/// `SOGOV_PLUGIN_IDEMPOTENT`.
const IDEMPOTENT: u64 = 2;

/// `sogov_plugin`.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Descriptor {
    size: u32,
    abi: u32,
    flags: u64,
    name: *const c_char,
    start: Option<Start>,
    stop: Option<Plain>,
    invoke: Option<Invoke>,
    health: Option<Plain>,
    // Appended after the first release of this interface.
    state_schema: u32,
    reserved: u32,
    state_export: Option<Export>,
    state_import: Option<Import>,
    self_test_request: *const c_void,
    self_test_request_len: usize,
    self_test_answer: *const c_void,
    self_test_answer_len: usize,
}

/// The size of the first descriptors, which end with `health`.
const FIRST_SIZE: usize = std::mem::offset_of!(Descriptor, state_schema);

type Start = unsafe extern "C" fn(*const RawHost, *mut *mut c_void) -> i32;
type Plain = unsafe extern "C" fn(*mut c_void) -> i32;
type Export = unsafe extern "C" fn(*mut c_void, *const RawWriter) -> i32;
type Import = unsafe extern "C" fn(*mut c_void, u32, *const c_void, usize) -> i32;
type Invoke = unsafe extern "C" fn(*mut c_void, *const c_void, usize, *const RawWriter) -> i32;

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
    flags: u64,
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
    /// The plugin's own.
    address: *const Descriptor,
    /// A copy of what it covers; zero where it ends.
    descriptor: Descriptor,
    state: *mut c_void,
    host: Box<Host>,
    /// Where it was asked for: a fault of its code ends the call.
    contained: Option<ContainedCode>,
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
    /// Reads the descriptor at `address` and starts the plugin, which is told the `flags` of its host.
    ///
    /// # Safety
    /// `address` is that of the symbol [`SYMBOL`] of an image that stays mapped as long as the value lives, and the
    /// first 8 bytes there were checked with [`check_head`] against the image's file. `contained` is about that image.
    pub(super) unsafe fn start(
        address: *mut c_void,
        context: HostContext,
        flags: u64,
        contained: Option<ContainedCode>,
    ) -> Result<Self> {
        let address = address.cast_const().cast::<Descriptor>();
        // SAFETY: the caller's promise.
        let descriptor = unsafe { Descriptor::read(address) }?;
        let host = Host::new(context, flags)?;
        let mut state = std::ptr::null_mut();
        if let Some(start) = descriptor.start {
            let entry = Entry::Start(start, &raw const host.raw, &raw mut state);
            // SAFETY: the plugin's contract; both pointers are valid, and `host` lives in its box until after stop.
            let answer = unsafe { entry.call(contained.as_ref()) };
            if let Err(refusal) = check_answer("start", answer) {
                // What it left running may still use what it was told.
                Box::leak(host);
                return Err(refusal);
            }
        }
        Ok(Self { address, descriptor, state, host, contained })
    }

    /// Serves one request and returns the plugin's own answer; 0 is success. [`Status::PluginCrashed`] where a fault of its
    /// code ended the call.
    #[inline]
    pub(super) fn invoke(&self, invocation: &mut Invocation<'_>) -> Result<i32> {
        let Some(invoke) = self.descriptor.invoke else { return Ok(0) };
        let request = invocation.request;
        let writer = RawWriter::of(invocation);
        let entry =
            Entry::Invoke(invoke, self.state, request.as_ptr().cast(), request.len(), &raw const writer);
        // SAFETY: the plugin's contract; request and writer are valid for the call.
        unsafe { entry.call(self.contained.as_ref()) }
    }

    /// Whether there is an `invoke` at all.
    pub(super) fn can_invoke(&self) -> bool {
        self.descriptor.invoke.is_some()
    }

    /// Asks the plugin whether it can serve.
    pub(super) fn health(&self) -> Result<()> {
        let Some(health) = self.descriptor.health else { return Ok(()) };
        // SAFETY: the plugin's contract.
        check_answer("health", unsafe { Entry::Plain(health, self.state).call(self.contained.as_ref()) })
    }

    /// Stops the plugin, for good. No call is in flight: nobody else holds the value.
    pub(super) fn stop(self) -> Result<()> {
        let Some(stop) = self.descriptor.stop else { return Ok(()) };
        // SAFETY: the plugin's contract.
        let answer = unsafe { Entry::Plain(stop, self.state).call(self.contained.as_ref()) };
        check_answer("stop", answer).inspect_err(|_| {
            // What did not stop may still use what it was told.
            Box::leak(self.host);
        })
    }

    /// Whether the plugin declares that `stop` leaves nothing behind.
    pub(super) fn stops_clean(&self) -> bool {
        self.descriptor.flags & STOPS_CLEAN != 0
    }

    /// Whether the plugin declares that `invoke` may be given copies of requests.
    pub(super) fn is_idempotent(&self) -> bool {
        self.descriptor.flags & IDEMPOTENT != 0
    }

    /// The addresses that the C interface hands out.
    pub(super) fn raw(&self) -> (*const Descriptor, *mut c_void) {
        (self.address, self.state)
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

impl Descriptor {
    /// A copy of the members that the descriptor at `address` covers; the others are zero.
    ///
    /// # Safety
    /// As for [`Plugin::start`].
    unsafe fn read(address: *const Self) -> Result<Self> {
        // SAFETY: the caller's promise: the first members are there.
        let (size, abi) = unsafe { ((*address).size, (*address).abi) };
        check_head(size, abi)?;
        // Behind the first members each takes 8 bytes, or two share them: no member is read that `size` cuts.
        let covered = (size as usize).min(size_of::<Self>()) & !7;
        let mut copy = std::mem::MaybeUninit::<Self>::zeroed();
        // SAFETY: the plugin promises `size` bytes, of which at most the struct's own are copied; it is plain data, and
        // valid when it is zero.
        unsafe {
            std::ptr::copy_nonoverlapping(address.cast::<u8>(), copy.as_mut_ptr().cast(), covered);
            Ok(copy.assume_init())
        }
    }
}

impl RawWriter {
    /// A writer that appends to the answer of `invocation`, which must not be used while the writer is.
    fn of(invocation: &mut Invocation<'_>) -> Self {
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
        Self { size: size_of::<Self>(), context: std::ptr::from_mut(invocation).cast(), write: append }
    }
}

impl Host {
    fn new(context: HostContext, flags: u64) -> Result<Box<Self>> {
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
            flags,
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
    if (size as usize) < FIRST_SIZE {
        return Err(Error::new(
            Status::ImageRejected,
            format!("{SYMBOL}: expected a size of at least {FIRST_SIZE} bytes, found {size}"),
        ));
    }
    Ok(())
}

/// `len` bytes of a plugin's constants; `None` for NULL.
///
/// # Safety
/// `start` is NULL or points at `len` bytes that stay as they are while the image is mapped.
unsafe fn constant<'a>(start: *const c_void, len: usize) -> Option<&'a [u8]> {
    if start.is_null() || isize::try_from(len).is_err() {
        return None;
    }
    // SAFETY: the caller's promise.
    Some(unsafe { std::slice::from_raw_parts(start.cast(), len) })
}

/// What a function answered that has to answer 0.
fn check_answer(function: &str, answer: Result<i32>) -> Result<()> {
    match answer {
        Ok(0) => Ok(()),
        Ok(answer) => {
            Err(Error::new(Status::PluginFailed, format!("plugin {function}: expected 0, found {answer}")))
        }
        Err(e) => Err(e.of(format_args!("plugin {function}"))),
    }
}
