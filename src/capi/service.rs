//! `sogov_service` and `sogov_route`.

use super::engine::sogov_engine;
use super::error::sogov_error;
use super::guard::guard;
use super::handle::{self, impl_handle};
use super::input::{In, Options};
use super::lease::sogov_lease;
use super::output::Out;
use crate::error::{Error, Result, Status};
use crate::route::{Header, Request};
use crate::runtime::{self, Published, Service};
use std::ffi::c_char;
use std::mem::MaybeUninit;

/// A service, looked up once and used for every request. Any number of threads may use it at once. Freed with
/// sogov_service_free(), before or after its engine.
#[derive(Debug)]
#[allow(non_camel_case_types)]
pub struct sogov_service(Published<Service>);

impl_handle!(sogov_service, Service, "service", Published<Service>);

/// One header of a request (or one entry of gRPC metadata).
#[repr(C)]
#[derive(Debug)]
#[allow(non_camel_case_types)]
pub struct sogov_header {
    /// The name; compared without regard to ASCII case.
    pub name: *const c_char,
    /// Bytes of the name.
    pub name_len: usize,
    /// The value, any bytes.
    pub value: *const u8,
    /// Bytes of the value.
    pub value_len: usize,
}

/// What a route policy may look at. Borrowed for the call. NULL and all-zero mean: nothing is known.
#[repr(C)]
#[derive(Debug)]
#[allow(non_camel_case_types)]
pub struct sogov_request {
    /// sizeof(sogov_request).
    pub size: usize,
    /// What identifies the user, any bytes; empty counts as unknown. Not looked at when the route policy takes the key
    /// from headers (`hash.by`).
    pub user_key: *const u8,
    /// Bytes of the user key.
    pub user_key_len: usize,
    /// The headers, at most 64.
    pub headers: *const sogov_header,
    /// How many headers.
    pub header_count: usize,
}

// SAFETY: integers and pointers.
unsafe impl Options for sogov_request {
    const NAME: &'static str = "sogov_request";
    const ZERO: Self = Self {
        size: 0,
        user_key: std::ptr::null(),
        user_key_len: 0,
        headers: std::ptr::null(),
        header_count: 0,
    };
}

/// The most headers of a request.
const MAX_HEADERS: usize = 64;

/// Looks a service up, for sogov_route() and sogov_call(). One that has no version yet comes into being.
///
/// @param engine borrowed
/// @param name 1 to 64 characters out of A-Z a-z 0-9 . _ -, no dot in front
/// @param service receives the service, owned by the caller
/// @return SOGOV_STATUS_OK; SOGOV_STATUS_LIMIT_EXCEEDED beyond 4,096 services
///
/// # Safety
/// See docs/conventions.md.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sogov_service_open(
    engine: *const sogov_engine,
    name: *const c_char,
    name_len: usize,
    service: *mut *mut sogov_service,
    error: *mut *mut sogov_error,
) -> Status {
    guard(error, || {
        // SAFETY: the caller promises a readable text and room for one pointer.
        let (name, place) =
            unsafe { (In::text(name, name_len, "name")?, Out::required(service, "service")?) };
        // SAFETY: the caller promises an engine or NULL.
        place.put(handle::issue(unsafe { handle::with(engine, |engine| engine.service(name)) }?));
        Ok(())
    })
}

/// Frees a service handle. The service itself goes on, and so do leases taken through the handle.
///
/// @param service taken; NULL is ignored. Later uses of the handle answer SOGOV_STATUS_CLOSED
///
/// # Safety
/// See docs/conventions.md.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sogov_service_free(service: *mut sogov_service) {
    guard(std::ptr::null_mut(), || {
        // SAFETY: the caller promises a service or NULL.
        drop(unsafe { handle::free(service) });
        Ok(())
    });
}

/// Picks the version for one request and hands out a lease on it: until the lease is released, the version stays
/// mapped and its symbols may be called. Takes no lock and allocates nothing; never waits for promotions, rollbacks
/// or loads.
///
/// @param service borrowed
/// @param request what the route policy may look at; NULL: nothing is known
/// @param lease receives the lease, a number that is never 0; give it back with sogov_lease_release() on any thread
/// @return SOGOV_STATUS_OK; SOGOV_STATUS_NO_VERSION while the service has no stable version; SOGOV_STATUS_CLOSED after
///         its engine was freed; SOGOV_STATUS_LIMIT_EXCEEDED beyond 65,536 leases in flight
///
/// # Safety
/// See docs/conventions.md.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sogov_route(
    service: *const sogov_service,
    request: *const sogov_request,
    lease: *mut sogov_lease,
    error: *mut *mut sogov_error,
) -> Status {
    guard(error, || {
        // SAFETY: the caller promises room for one number.
        let place = unsafe { Out::required(lease, "lease") }?;
        // SAFETY: the caller promises a service, and a request or NULL.
        let routed =
            unsafe { with_request(request, |request| runtime::route(handle::cell(service)?, request)) }?;
        place.put(routed.lease.ticket());
        Ok(())
    })
}

/// Runs `body` on the request as the router takes it.
///
/// # Safety
/// `request` is NULL or valid as `sogov_request` says.
#[inline]
pub(super) unsafe fn with_request<R>(
    request: *const sogov_request,
    body: impl FnOnce(&Request<'_>) -> Result<R>,
) -> Result<R> {
    if request.is_null() {
        return body(&Request::default());
    }
    // SAFETY: the caller's promise.
    let (raw, user_key) = unsafe {
        let raw = In::options(request)?;
        let user_key = In::bytes(raw.user_key, raw.user_key_len, "user_key")?;
        (raw, Some(user_key))
    };
    if raw.header_count == 0 {
        return body(&Request { user_key, headers: &[] });
    }
    // Not initialised beforehand: that would cost more than routing does.
    let mut room = [const { MaybeUninit::uninit() }; MAX_HEADERS];
    // SAFETY: the caller's promise.
    let headers = unsafe { read_headers(&raw, &mut room) }?;
    body(&Request { user_key, headers })
}

/// # Safety
/// The headers of `raw` are valid as `sogov_request` says.
unsafe fn read_headers<'r, 'a>(
    raw: &sogov_request,
    room: &'r mut [MaybeUninit<Header<'a>>; MAX_HEADERS],
) -> Result<&'r [Header<'a>]> {
    let Some(places) = room.get_mut(..raw.header_count) else {
        return Err(Error::argument(format!(
            "headers: expected at most {MAX_HEADERS}, found {}",
            raw.header_count
        )));
    };
    if raw.headers.is_null() {
        return Err(Error::argument(format!("headers: expected {} of them, found NULL", raw.header_count)));
    }
    for (index, place) in places.iter_mut().enumerate() {
        // SAFETY: the caller's promise: `header_count` headers with readable names and values.
        place.write(unsafe {
            let raw = &*raw.headers.add(index);
            Header {
                name: In::bytes(raw.name.cast(), raw.name_len, "header name")?,
                value: In::bytes(raw.value, raw.value_len, "header value")?,
            }
        });
    }
    // SAFETY: every place was written just now.
    Ok(unsafe { places.assume_init_ref() })
}
