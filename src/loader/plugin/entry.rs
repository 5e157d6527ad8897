//! A call of one of the plugin's functions, contained where the host asked for that.

use super::{Export, Import, Invoke, Plain, RawHost, RawWriter, Start};
use crate::error::{Error, Result, Status};
use crate::sys::fault::{Arguments, Containment, Ended, Fault, Function};
use std::ffi::c_void;
use std::ops::Range;
use std::ptr::{null, without_provenance};

/// A function of the plugin, with its arguments in their order.
#[derive(Clone, Copy)]
pub(super) enum Entry {
    Start(Start, *const RawHost, *mut *mut c_void),
    /// `stop` and `health`.
    Plain(Plain, *mut c_void),
    Invoke(Invoke, *mut c_void, *const c_void, usize, *const RawWriter),
    Export(Export, *mut c_void, *const RawWriter),
    Import(Import, *mut c_void, u32, *const c_void, usize),
}

/// The image whose faults end a call instead of the process.
#[derive(Debug)]
pub(in crate::loader) struct ContainedCode {
    /// Holds the handlers.
    pub(in crate::loader) containment: Containment,
    /// The addresses that are the image's own.
    pub(in crate::loader) image: Range<usize>,
    /// Those of them that are executable.
    pub(in crate::loader) code: Range<usize>,
}

impl Entry {
    /// Calls the function and answers what it returned. Where it is `contained`, a fault of the image's code is
    /// [`Status::PluginCrashed`], and what the function was doing is left half done.
    ///
    /// # Safety
    /// The function is that of a mapped plugin, and the arguments are what sogov_plugin.h promises to it.
    #[inline]
    pub(super) unsafe fn call(self, contained: Option<&ContainedCode>) -> Result<i32> {
        let Some(contained) = contained else {
            // SAFETY: the caller's promise.
            return Ok(unsafe { self.plain() });
        };
        let (function, arguments) = self.erased();
        // SAFETY: as above. What lies between the guard and the image's code are its own frames, and those of callbacks
        // that called the image back, which the plugin guide tells of.
        match unsafe { contained.containment.call(&contained.code, function, arguments) }? {
            Ended::Returned(answer) => Ok(answer),
            Ended::Faulted(fault) => Err(contained.crashed(&fault)),
        }
    }

    /// # Safety
    /// As for [`call`](Self::call).
    #[inline]
    unsafe fn plain(self) -> i32 {
        // SAFETY: the caller's promise.
        unsafe {
            match self {
                Self::Start(start, host, state) => start(host, state),
                Self::Plain(function, state) => function(state),
                Self::Invoke(invoke, state, request, len, writer) => invoke(state, request, len, writer),
                Self::Export(export, state, writer) => export(state, writer),
                Self::Import(import, state, schema, bytes, len) => import(state, schema, bytes, len),
            }
        }
    }

    /// The same as the guard takes it. All arguments are integers and pointers, for which the C ABI of x86-64 has one row
    /// of registers: a function finds those that it takes and does not look at the others.
    #[inline]
    fn erased(self) -> (Function, Arguments) {
        use std::mem::transmute;
        // SAFETY: all of them are functions of the C ABI, and the guard, in assembly, is the only one that calls the result.
        unsafe {
            match self {
                Self::Start(start, host, state) => (
                    transmute::<Start, Function>(start),
                    (host.cast_mut().cast(), state.cast_const().cast(), 0, null()),
                ),
                Self::Plain(function, state) => {
                    (transmute::<Plain, Function>(function), (state, null(), 0, null()))
                }
                Self::Invoke(invoke, state, request, len, writer) => {
                    (transmute::<Invoke, Function>(invoke), (state, request, len, writer.cast()))
                }
                Self::Export(export, state, writer) => {
                    (transmute::<Export, Function>(export), (state, writer.cast(), 0, null()))
                }
                Self::Import(import, state, schema, bytes, len) => (
                    transmute::<Import, Function>(import),
                    (
                        state,
                        without_provenance(schema as usize),
                        bytes.expose_provenance(),
                        without_provenance(len),
                    ),
                ),
            }
        }
    }
}

impl ContainedCode {
    #[cold]
    fn crashed(&self, fault: &Fault) -> Error {
        let place = if self.image.contains(&fault.instruction) {
            format!("at offset {:#x} of the image", fault.instruction - self.image.start)
        } else {
            format!("calling {:#x}, which is not code", fault.instruction)
        };
        Error::new(Status::PluginCrashed, format!("{fault} {place}"))
    }
}
