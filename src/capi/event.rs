//! Events: what happens to versions by itself.

use crate::telemetry::{Event, EventKind, Events};
use std::ffi::{c_char, c_void};

/// What happened to a version without anybody having asked for it. Texts are UTF-8, not NUL-terminated, and valid during
/// the callback.
#[repr(C)]
#[derive(Debug)]
#[allow(non_camel_case_types)]
pub struct sogov_event {
    /// sizeof(sogov_event).
    pub size: usize,
    /// What happened.
    pub kind: EventKind,
    /// The service's name.
    pub service: *const c_char,
    /// Bytes of the name.
    pub service_len: usize,
    /// The version's label.
    pub version: *const c_char,
    /// Bytes of the label.
    pub version_len: usize,
    /// The reason, for people.
    pub detail: *const c_char,
    /// Bytes of the reason.
    pub detail_len: usize,
}

/// Takes an event. Called on any thread: that of the request which changed a breaker, or one of the library's. The same
/// rules hold as for sogov_log_callback; it should be quick, as a request may be waiting for it.
#[allow(non_camel_case_types)]
pub type sogov_event_callback = Option<unsafe extern "C" fn(context: *mut c_void, event: *const sogov_event)>;

/// Events as the host's callback takes them.
pub(super) fn events(callback: sogov_event_callback, context: *mut c_void) -> Events {
    struct Context(*mut c_void);
    // SAFETY: sogov_event_callback says that it is called on any thread; the pointer is only handed back to it.
    unsafe impl Send for Context {}
    // SAFETY: as above.
    unsafe impl Sync for Context {}
    impl Context {
        fn pointer(&self) -> *mut c_void {
            self.0
        }
    }
    let Some(callback) = callback else { return Events::default() };
    let context = Context(context);
    Events::new(move |event: &Event<'_>| {
        let raw = sogov_event {
            size: size_of::<sogov_event>(),
            kind: event.kind,
            service: event.service.as_ptr().cast(),
            service_len: event.service.len(),
            version: event.version.as_ptr().cast(),
            version_len: event.version.len(),
            detail: event.detail.as_ptr().cast(),
            detail_len: event.detail.len(),
        };
        // SAFETY: the host's function, called as its type says.
        unsafe { callback(context.pointer(), &raw const raw) };
    })
}
