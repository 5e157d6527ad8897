//! The plugin "fee" in Rust: the requests, answers and totals of `../fee/README.md`, the numbers of tariff v1.
//!
//! Three files: here the boundary to C, in `tariff` the pricing (safe code only), in `abi` the mirror of
//! `sogov_plugin.h`.

mod abi;
mod tariff;

use std::ffi::c_void;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};

use abi::{Host, Plugin, Writer};

/// What a host looks up. `flags` stays 0: Rust's standard library keeps thread-locals with destructors, so this
/// plugin cannot promise that nothing is left behind.
#[unsafe(export_name = "sogov_plugin_descriptor")]
static DESCRIPTOR: Plugin = Plugin {
    size: abi::PLUGIN_SIZE,
    abi: abi::PLUGIN_ABI,
    flags: 0,
    name: c"fee".as_ptr(),
    start: Some(start),
    stop: Some(stop),
    invoke: Some(invoke),
    health: Some(health),
};

/// One instance. Counted by all threads, read once they are gone: relaxed order is enough.
struct Fee {
    host: *const Host,
    requests: AtomicU64,
    not_priced: AtomicU64,
}

unsafe extern "C" fn start(host: *const Host, out: *mut *mut c_void) -> i32 {
    guard(|| {
        let fee = Box::new(Fee { host, requests: AtomicU64::new(0), not_priced: AtomicU64::new(0) });
        // SAFETY: the host passes room for one pointer.
        unsafe { out.write(Box::into_raw(fee).cast()) };
        abi::OK
    })
}

unsafe extern "C" fn stop(this: *mut c_void) -> i32 {
    guard(|| {
        // SAFETY: `start` made it by Box::into_raw, and the host stops an instance once, after its last call.
        let fee = unsafe { Box::from_raw(this.cast::<Fee>()) };
        let requests = fee.requests.load(Ordering::Relaxed);
        let not_priced = fee.not_priced.load(Ordering::Relaxed);
        let totals = format!("{requests} requests, {not_priced} not priced");
        // SAFETY: what the host told `start` is valid until `stop` returns.
        unsafe { abi::log(fee.host, abi::LOG_INFO, &totals) };
        abi::OK
    })
}

unsafe extern "C" fn invoke(
    this: *mut c_void,
    request: *const c_void,
    request_len: usize,
    answer: *const Writer,
) -> i32 {
    guard(|| {
        // SAFETY: a live instance; other threads hold shared references only.
        let fee = unsafe { &*this.cast::<Fee>() };
        // SAFETY: the host lends `request_len` bytes for the call; NULL only when there are none.
        let request = unsafe { abi::bytes(request, request_len) };
        fee.requests.fetch_add(1, Ordering::Relaxed);
        match tariff::price(request) {
            // SAFETY: the host's writer is valid for the call.
            Ok(line) => unsafe { abi::write(answer, line.as_bytes()) },
            Err(refusal) => {
                fee.not_priced.fetch_add(1, Ordering::Relaxed);
                refusal as i32
            }
        }
    })
}

/// Prices a request that every tariff must serve.
unsafe extern "C" fn health(_this: *mut c_void) -> i32 {
    guard(|| if tariff::price(b"amount=1.00 currency=CNY").is_ok() { abi::OK } else { abi::FAILED })
}

/// No panic may reach the host. After one, the counters are still sound: hence `AssertUnwindSafe`.
fn guard(body: impl FnOnce() -> i32) -> i32 {
    catch_unwind(AssertUnwindSafe(body)).unwrap_or(abi::FAILED)
}
