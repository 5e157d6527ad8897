//! What can be done under a lease.

use super::error::sogov_error;
use super::guard::guard;
use super::input::In;
use super::output::Out;
use super::version::{SOGOV_LABEL_SIZE, label_text};
use crate::error::{Error, Result, Status};
use crate::loader::Descriptor;
use crate::runtime::{self, Held, Lease, Outcome};
use std::ffi::{c_char, c_void};

/// A lease: the right to call into one version until it is released. A plain number, never 0; any number that is not a
/// lease (any more) is recognised and answered with SOGOV_STATUS_LEASE_GONE.
#[allow(non_camel_case_types)]
pub type sogov_lease = u64;

/// The address of a symbol that the lease's version exports. It may be called until the lease is released; look it up
/// again under each lease.
///
/// @param lease from sogov_route()
/// @param name the symbol
/// @param symbol_version its symbol version, such as "FEE_1.0"; (NULL, 0): the default one. A plugin without symbol
///                       versions has its symbols for any
/// @param address receives the address
/// @return SOGOV_STATUS_OK; SOGOV_STATUS_NOT_FOUND when the version exports no such symbol; SOGOV_STATUS_LEASE_GONE
///
/// # Safety
/// See docs/conventions.md.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sogov_lease_symbol(
    lease: sogov_lease,
    name: *const c_char,
    name_len: usize,
    symbol_version: *const c_char,
    symbol_version_len: usize,
    address: *mut *mut c_void,
    error: *mut *mut sogov_error,
) -> Status {
    guard(error, || {
        // SAFETY: the caller promises readable texts and room for one pointer.
        let (name, symbol_version, place) = unsafe {
            (
                In::text(name, name_len, "name")?,
                In::text(symbol_version, symbol_version_len, "symbol_version")?,
                Out::required(address, "address")?,
            )
        };
        if name.is_empty() {
            return Err(Error::argument("name: expected a symbol's name, found nothing"));
        }
        let symbol_version = (!symbol_version.is_empty()).then_some(symbol_version);
        place.put(runtime::symbol(&held(lease)?, name, symbol_version)?);
        Ok(())
    })
}

/// The descriptor of a level-1 plugin (sogov_plugin.h) and its `self`. Both may be used until the lease is released.
///
/// @param lease from sogov_route()
/// @param descriptor receives a `const sogov_plugin *`
/// @param plugin_self receives the pointer that the plugin's functions take
/// @return SOGOV_STATUS_OK; SOGOV_STATUS_UNSUPPORTED for a level-0 plugin and an isolated one; SOGOV_STATUS_LEASE_GONE
///
/// # Safety
/// See docs/conventions.md.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sogov_lease_plugin(
    lease: sogov_lease,
    descriptor: *mut *const Descriptor,
    plugin_self: *mut *mut c_void,
    error: *mut *mut sogov_error,
) -> Status {
    guard(error, || {
        // SAFETY: the caller promises room for two pointers.
        let (descriptor, state) =
            unsafe { (Out::required(descriptor, "descriptor")?, Out::required(plugin_self, "plugin_self")?) };
        let (found, its_self) = runtime::descriptor(&held(lease)?)?;
        descriptor.put(found);
        state.put(its_self);
        Ok(())
    })
}

/// The label of the version that a lease is on.
///
/// @param lease from sogov_route()
/// @param version receives SOGOV_LABEL_SIZE bytes, NUL-terminated
/// @return SOGOV_STATUS_OK; SOGOV_STATUS_LEASE_GONE
///
/// # Safety
/// See docs/conventions.md.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sogov_lease_version(
    lease: sogov_lease,
    version: *mut c_char,
    error: *mut *mut sogov_error,
) -> Status {
    guard(error, || {
        // SAFETY: the caller promises room for a label.
        let place = unsafe { Out::required(version.cast::<[c_char; SOGOV_LABEL_SIZE]>(), "version") }?;
        place.put(label_text(held(lease)?.label()));
        Ok(())
    })
}

/// Gives a lease back. From then on nothing of its version may be used on its account.
///
/// @param lease from sogov_route(); any thread may release it, once
/// @param outcome one of sogov_outcome: how the calls under the lease went; counted for the version
/// @return SOGOV_STATUS_OK; SOGOV_STATUS_LEASE_GONE for a lease that was released before, was never handed out, or
///         was inherited through fork()
///
/// # Safety
/// See docs/conventions.md.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sogov_lease_release(
    lease: sogov_lease,
    outcome: u32,
    error: *mut *mut sogov_error,
) -> Status {
    guard(error, || runtime::release(Lease::from_ticket(lease), outcome_of(outcome)?))
}

fn held(lease: sogov_lease) -> Result<Held> {
    runtime::hold(Lease::from_ticket(lease))
}

fn outcome_of(number: u32) -> Result<Outcome> {
    [Outcome::Success, Outcome::Failure, Outcome::Neutral]
        .into_iter()
        .find(|outcome| *outcome as u32 == number)
        .ok_or_else(|| Error::argument(format!("outcome: expected one of sogov_outcome, found {number}")))
}
