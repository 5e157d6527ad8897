//! `sogov_scheme_*`: signature schemes of the host's.

use super::error::sogov_error;
use super::guard::guard;
use super::input::{In, Options};
use crate::crypto::scheme::{Implementation, MAX_SIGNATURE_LEN, SchemeName};
use crate::engine::schemes;
use crate::error::{Error, Result, Status};
use std::ffi::{c_char, c_void};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Verifies a signature under a registered scheme: 1 when it is valid, any other number when it is not, or when anything
/// went wrong. Called on any thread, on several at once, a verifier's among them; it may call any function of this library that
/// may be called there, and must not unwind. What it is given is valid during the call.
#[allow(non_camel_case_types)]
pub type sogov_scheme_verify = Option<
    unsafe extern "C" fn(
        payload: *mut c_void,
        public_key: *const u8,
        public_key_len: usize,
        message: *const u8,
        message_len: usize,
        signature: *const u8,
        signature_len: usize,
    ) -> i32,
>;

/// Signs under a registered scheme: 1 when it did, any other number when it could not. `signature` has room for
/// `*signature_len` bytes, which are 8,192; the function writes how many it used. Otherwise as sogov_scheme_verify.
#[allow(non_camel_case_types)]
pub type sogov_scheme_sign = Option<
    unsafe extern "C" fn(
        payload: *mut c_void,
        private_key: *const u8,
        private_key_len: usize,
        message: *const u8,
        message_len: usize,
        signature: *mut u8,
        signature_len: *mut usize,
    ) -> i32,
>;

/// Told once that a registered scheme's payload is not used any more, on whichever thread used it last. It must not unwind.
#[allow(non_camel_case_types)]
pub type sogov_scheme_release = Option<unsafe extern "C" fn(payload: *mut c_void)>;

/// A signature scheme of the host's.
#[repr(C)]
#[derive(Debug)]
#[allow(non_camel_case_types)]
pub struct sogov_scheme_options {
    /// sizeof(sogov_scheme_options).
    pub size: usize,
    /// The scheme's number in signed bytes, 128 to 254. It has to stay the same for as long as signatures are to be valid.
    pub number: u32,
    /// Verifies. Required.
    pub verify: sogov_scheme_verify,
    /// Signs; NULL: the scheme verifies only.
    pub sign: sogov_scheme_sign,
    /// Told when `payload` is not used any more, or NULL.
    pub release: sogov_scheme_release,
    /// Handed to the functions.
    pub payload: *mut c_void,
}

// SAFETY: integers, a pointer and optional function pointers.
unsafe impl Options for sogov_scheme_options {
    const NAME: &'static str = "sogov_scheme_options";
    const ZERO: Self =
        Self { size: 0, number: 0, verify: None, sign: None, release: None, payload: std::ptr::null_mut() };
}

/// Registers a signature scheme in this process, for all engines, or replaces one of the same name and number. Calls that
/// verify meanwhile end by the scheme that they began with, and none fails for the change. Schemes of this library cannot be
/// replaced. For plugins a registered scheme counts only where the signed trust document names it, so none lowers what the
/// document demands.
///
/// @param name "x-" and 1 to 30 of a-z 0-9 . - _
/// @param options required; the payload is taken when this succeeds, and stays the caller's when it does not
/// @return SOGOV_STATUS_OK; SOGOV_STATUS_INVALID_ARGUMENT for another name or number, or without a function that
///         verifies; SOGOV_STATUS_BUSY when the name is registered with another number, or the number with another name
///
/// # Safety
/// See docs/conventions.md.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sogov_scheme_register(
    name: *const c_char,
    name_len: usize,
    options: *const sogov_scheme_options,
    error: *mut *mut sogov_error,
) -> Status {
    guard(error, || {
        // SAFETY: the caller promises a readable text and options, or NULL.
        let (name, options) = unsafe { (In::text(name, name_len, "name")?, In::options(options)?) };
        let name = SchemeName::new(name)?;
        let number = u8::try_from(options.number).unwrap_or_default();
        let Some(verify) = options.verify else {
            return Err(Error::argument("verify: expected a function, found NULL"));
        };
        let host = Arc::new(Host {
            verify,
            sign: options.sign,
            release: options.release,
            payload: options.payload,
            taken: AtomicBool::new(true),
        });
        let registered = schemes().register(name, number, &(Arc::clone(&host) as Arc<dyn Implementation>));
        if registered.is_err() {
            host.taken.store(false, Ordering::Relaxed);
        }
        registered
    })
}

/// Removes a scheme that was registered. Calls that verify by it meanwhile end by it; later ones answer
/// SOGOV_STATUS_UNSUPPORTED. Its payload is released when the last of them has ended, which may be before this returns.
///
/// @param name as for sogov_scheme_register()
/// @return SOGOV_STATUS_OK; SOGOV_STATUS_NOT_FOUND when it is not registered
///
/// # Safety
/// See docs/conventions.md.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sogov_scheme_unregister(
    name: *const c_char,
    name_len: usize,
    error: *mut *mut sogov_error,
) -> Status {
    guard(error, || {
        // SAFETY: the caller promises a readable text.
        let name = unsafe { In::text(name, name_len, "name") }?;
        schemes().unregister(SchemeName::new(name)?)
    })
}

/// The host's functions, with what they are given. Whoever drops it last releases that.
struct Host {
    verify: unsafe extern "C" fn(*mut c_void, *const u8, usize, *const u8, usize, *const u8, usize) -> i32,
    sign: sogov_scheme_sign,
    release: sogov_scheme_release,
    payload: *mut c_void,
    /// Whether the payload is ours.
    taken: AtomicBool,
}

// SAFETY: the types of the functions say that they are called on any thread; the payload is only handed to them.
unsafe impl Send for Host {}
// SAFETY: as above; they are called on several at once.
unsafe impl Sync for Host {}

impl Implementation for Host {
    fn verify(&self, key: &[u8], message: &[u8], signature: &[u8]) -> bool {
        // SAFETY: the host's function, called as its type says.
        let answer = unsafe {
            (self.verify)(
                self.payload,
                key.as_ptr(),
                key.len(),
                message.as_ptr(),
                message.len(),
                signature.as_ptr(),
                signature.len(),
            )
        };
        answer == 1
    }

    fn sign(&self, key: &[u8], message: &[u8]) -> Result<Vec<u8>> {
        let Some(sign) = self.sign else {
            return Err(Error::new(
                Status::Unsupported,
                "scheme: was registered without a function that signs",
            ));
        };
        let mut signature = vec![0; MAX_SIGNATURE_LEN];
        let mut len = signature.len();
        // SAFETY: the host's function, called as its type says.
        let answer = unsafe {
            sign(
                self.payload,
                key.as_ptr(),
                key.len(),
                message.as_ptr(),
                message.len(),
                signature.as_mut_ptr(),
                &raw mut len,
            )
        };
        if answer != 1 || len > signature.len() {
            let why = format!(
                "scheme: the host's function answered {answer}, {len} bytes; expected 1 and at most 8192"
            );
            return Err(Error::new(Status::CustodyFailed, why));
        }
        signature.truncate(len);
        Ok(signature)
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        if let Some(release) = self.release.filter(|_| *self.taken.get_mut()) {
            // SAFETY: the host's function; nobody else has what it is given any more.
            unsafe { release(self.payload) };
        }
    }
}
