//! Where private keys live: `sogov_key_open` and what goes with it.

use super::error::sogov_error;
use super::guard::guard;
use super::handle;
use super::input::In;
use super::key::{issue, sogov_key};
use super::output::Out;
use crate::custody::{self, MemoryPolicy};
use crate::error::{Error, Result, Status};
use std::ffi::c_char;

/// Opens the private key that a URI names: in a key file, which is read into wiped memory, in a PKCS#11 token, or in an SDF
/// device (GM/T 0018). A key of a token or a device signs as any other, and what it signed is verified before it is
/// handed out; it cannot be exported. Sessions and logins are the library's affair, in forked children too. See
/// docs/custody.md.
///
/// @param uri "file:PATH?pin-source=file:PATH", "pkcs11:token=T;object=O?module-path=PATH&pin-source=file:PATH" (RFC 7512), or
///            "sdf:library=PATH;index=N;pin-source=file:PATH"; paths are absolute, and PINs come from files only
/// @param key receives the key, owned by the caller
/// @return SOGOV_STATUS_OK; SOGOV_STATUS_INVALID_ARGUMENT for another text; SOGOV_STATUS_CUSTODY_FAILED when the token or the
///         device refused, with the name of its code; SOGOV_STATUS_NOT_FOUND without a file that the URI names;
///         SOGOV_STATUS_KEY_INVALID for a file that is no private key; SOGOV_STATUS_UNSUPPORTED for a key of another kind
///
/// # Safety
/// See docs/conventions.md.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sogov_key_open(
    uri: *const c_char,
    uri_len: usize,
    key: *mut *mut sogov_key,
    error: *mut *mut sogov_error,
) -> Status {
    guard(error, || {
        // SAFETY: the caller promises a readable text and room for one pointer.
        let (uri, key) = unsafe { (In::text(uri, uri_len, "uri")?, Out::required(key, "key")?) };
        key.put(issue(custody::open(uri)?));
        Ok(())
    })
}

/// Tells where the secret part of a key is kept.
///
/// @param key borrowed
/// @param custody receives one of sogov_custody
/// @return SOGOV_STATUS_OK, for every key that is not freed
///
/// # Safety
/// See docs/conventions.md.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sogov_key_custody(
    key: *const sogov_key,
    custody: *mut u32,
    error: *mut *mut sogov_error,
) -> Status {
    guard(error, || {
        // SAFETY: the caller promises room for one number.
        let place = unsafe { Out::required(custody, "custody") }?;
        // SAFETY: the caller promises a key or NULL.
        place.put(unsafe { handle::with(key, |key| Ok(key.custody() as u32)) }?);
        Ok(())
    })
}

/// Says what happens to private keys where memory cannot be locked (RLIMIT_MEMLOCK), for those that are made and read from now
/// on in this process.
///
/// @param policy one of sogov_key_memory; SOGOV_KEY_MEMORY_DEGRADE unless set
/// @return SOGOV_STATUS_OK; SOGOV_STATUS_INVALID_ARGUMENT for another number
///
/// # Safety
/// See docs/conventions.md.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sogov_key_memory_policy(policy: u32, error: *mut *mut sogov_error) -> Status {
    guard(error, || {
        custody::set_memory_policy(policy_of(policy)?);
        Ok(())
    })
}

fn policy_of(number: u32) -> Result<MemoryPolicy> {
    [MemoryPolicy::Degrade, MemoryPolicy::Require]
        .into_iter()
        .find(|policy| *policy as u32 == number)
        .ok_or_else(|| Error::argument(format!("policy: expected one of sogov_key_memory, found {number}")))
}
