//! `sogov_verifier`: verifying in the background.

use super::batch::{Common, own_user_id, sogov_verification};
use super::error::sogov_error;
use super::guard::guard;
use super::handle::{self, impl_handle};
use super::input::{In, Options};
use super::key::Key;
use super::output::Out;
use super::sign::{SignatureEncoding, sogov_signature_options};
use crate::crypto::sm2::UserId;
use crate::engine::{count_verified, prepared_keys, schemes};
use crate::error::{Error, Result, Status};
use crate::verifier::{Answer, Check, Delivery, Submission, Verifier, VerifierOptions};
use arc_swap::ArcSwapOption;
use std::ffi::c_void;
use std::sync::Arc;
use std::time::Duration;

/// A pool of threads that verifies signatures in the background. Tickets go in from any number of threads and come back
/// with their results: by a callback, or by polling. Freed with sogov_verifier_free().
#[derive(Debug)]
#[allow(non_camel_case_types)]
pub struct sogov_verifier(ArcSwapOption<Verifier>);

impl_handle!(sogov_verifier, Verifier, "verifier");

/// Takes the results of some tickets. Called on the threads of the pool, on several of them at once; it may call any
/// function of this library except sogov_verifier_close(), and it must not unwind. The tickets that it is told of are not
/// in flight any more, so there is room for as many, unless other threads took it. It must not wait for room: it may be
/// its own thread that has to make it. On SOGOV_STATUS_BUSY it verifies directly, by sogov_verify(), or hands the
/// signature to another thread.
///
/// `results` are `count` results, at least one, valid during the call.
#[allow(non_camel_case_types)]
pub type sogov_verifier_callback =
    Option<unsafe extern "C" fn(context: *mut c_void, results: *const Answer, count: usize)>;

/// How a verifier works. NULL and all-zero mean the defaults.
#[repr(C)]
#[derive(Debug)]
#[allow(non_camel_case_types)]
pub struct sogov_verifier_options {
    /// sizeof(sogov_verifier_options).
    pub size: usize,
    /// Threads, at most 1,024; 0: one for each processor that the process may use.
    pub threads: u32,
    /// How long a ticket waits for others to share the processor's lanes with, in microseconds, at most 1,000,000; 0: 50.
    /// When a batch is full, it does not wait.
    pub max_wait_us: u32,
    /// Tickets in flight, at most 1,048,576; 0: 4,096. A ticket is in flight from its submission until its result was
    /// polled or is handed to the callback.
    pub capacity: usize,
    /// Takes the results, or NULL: they are polled.
    pub callback: sogov_verifier_callback,
    /// Handed to `callback`.
    pub callback_context: *mut c_void,
}

// SAFETY: integers, pointers and an optional function pointer.
unsafe impl Options for sogov_verifier_options {
    const NAME: &'static str = "sogov_verifier_options";
    const ZERO: Self = Self {
        size: 0,
        threads: 0,
        max_wait_us: 0,
        capacity: 0,
        callback: None,
        callback_context: std::ptr::null_mut(),
    };
}

/// Opens a verifier and starts its threads, named "sogov-verify", on which all signals are blocked.
///
/// @param options NULL for the defaults
/// @param verifier receives the verifier, owned by the caller
/// @return SOGOV_STATUS_OK; SOGOV_STATUS_INVALID_ARGUMENT for a number beyond its limit; SOGOV_STATUS_IO when a thread
///         cannot be started
///
/// # Safety
/// See docs/conventions.md.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sogov_verifier_open(
    options: *const sogov_verifier_options,
    verifier: *mut *mut sogov_verifier,
    error: *mut *mut sogov_error,
) -> Status {
    guard(error, || {
        // SAFETY: the caller promises options or NULL, and room for one pointer.
        let (options, place) = unsafe { (In::options(options)?, Out::required(verifier, "verifier")?) };
        let options = VerifierOptions {
            threads: usize::try_from(options.threads).unwrap_or(usize::MAX),
            capacity: options.capacity,
            max_wait: Duration::from_micros(options.max_wait_us.into()),
            deliver: delivery(&options),
            count: Some(count_verified),
        };
        place.put(handle::issue(Arc::new(Verifier::open(options, prepared_keys())?)));
        Ok(())
    })
}

/// Hands in a signature to be verified. Never waits. All that is given is copied: it may change or be freed when this
/// returns, the key's handle included. Results come in any order, each ticket's once, whatever sogov_verify() would
/// answer for a signature: one that is malformed has its result like any other. What is refused here has none.
/// The message is at most 16 MiB long; sogov_verify() takes longer ones.
///
/// @param verifier borrowed
/// @param item key, message, signature and perhaps user id; borrowed
/// @param options as for sogov_verify()
/// @param ticket comes back with the result; any number, which this library does not look at
/// @return SOGOV_STATUS_OK when the ticket was accepted; SOGOV_STATUS_BUSY when as many are in flight as may be: poll
///         results, or try again later; SOGOV_STATUS_CLOSED after sogov_verifier_close(); SOGOV_STATUS_LIMIT_EXCEEDED for
///         a message that is longer, or that there is no memory for; SOGOV_STATUS_INVALID_ARGUMENT for an encoding that the
///         key's scheme does not have; SOGOV_STATUS_UNSUPPORTED in the child of a fork
///
/// # Safety
/// See docs/conventions.md.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sogov_verifier_submit(
    verifier: *const sogov_verifier,
    item: *const sogov_verification,
    options: *const sogov_signature_options,
    ticket: u64,
    error: *mut *mut sogov_error,
) -> Status {
    guard(error, || {
        // SAFETY: the caller promises an item, or NULL, and options, or NULL.
        let (item, common) = unsafe { (item.as_ref(), Common::read(options)?) };
        let item = item.ok_or_else(|| Error::argument("item: expected a sogov_verification, found NULL"))?;
        // SAFETY: the caller promises readable bytes.
        let (message, signature, user_id) = unsafe {
            (
                In::bytes(item.message, item.message_len, "message")?,
                In::bytes(item.signature, item.signature_len, "signature")?,
                own_user_id(item.user_id, item.user_id_len)?,
            )
        };
        let user_id = user_id.as_ref().unwrap_or(&common.user_id);
        // SAFETY: the caller promises handles or NULL.
        unsafe {
            handle::with(verifier, |verifier| {
                handle::with(item.key, |key| {
                    if let Some(key) = key.sm2() {
                        let signature = common.encoding.read(signature).ok();
                        let signature = signature.as_ref();
                        return verifier.submit(&Submission { ticket, key, user_id, message, signature });
                    }
                    let check = check(Arc::clone(key), common.encoding, user_id, signature)?;
                    verifier.submit_apart(ticket, message, check)
                })
            })
        }
    })
}

/// Takes results of a verifier without a callback.
///
/// @param verifier borrowed
/// @param results receives up to `capacity` results
/// @param capacity at least 1
/// @param timeout_us how long to wait for a first result, in microseconds; 0: not at all; negative: without a bound
/// @param count receives how many results there were; 0 when none came in time
/// @return SOGOV_STATUS_OK; SOGOV_STATUS_CLOSED when the verifier was closed and every result was polled: none will come
///         any more; SOGOV_STATUS_INVALID_ARGUMENT without room for a result, or for a verifier with a callback; SOGOV_STATUS_UNSUPPORTED in the child of a fork
///
/// # Safety
/// See docs/conventions.md.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sogov_verifier_poll(
    verifier: *const sogov_verifier,
    results: *mut Answer,
    capacity: usize,
    timeout_us: i64,
    count: *mut usize,
    error: *mut *mut sogov_error,
) -> Status {
    guard(error, || {
        if results.is_null() || capacity == 0 {
            return Err(Error::argument("results: expected room for at least one, found none"));
        }
        // SAFETY: the caller promises room for one number.
        let count = unsafe { Out::required(count, "count") }?;
        let patience = u64::try_from(timeout_us).ok().map(Duration::from_micros);
        let mut place = results;
        // Not under the guard of the handle, which a long wait would keep.
        // SAFETY: the caller promises a verifier or NULL.
        let verifier = unsafe { handle::get(verifier) }?;
        count.put(verifier.poll(capacity, patience, |answer| {
            // SAFETY: the caller promises room for `capacity` results, and there are no more.
            unsafe {
                place.write(answer);
                place = place.add(1);
            }
        })?);
        Ok(())
    })
}

/// A descriptor for event loops (eventfd(2), epoll(7)): readable while results wait to be polled, and for good when none
/// will come any more. Made at the first call. Do not read it, but poll until there is nothing; do not close it: it is the
/// verifier's, and closed by sogov_verifier_free().
///
/// @param verifier borrowed
/// @param fd receives the descriptor
/// @return SOGOV_STATUS_OK; SOGOV_STATUS_INVALID_ARGUMENT for a verifier with a callback; SOGOV_STATUS_IO when the process
///         has no descriptor left; SOGOV_STATUS_UNSUPPORTED in the child of a fork
///
/// # Safety
/// See docs/conventions.md.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sogov_verifier_event_fd(
    verifier: *const sogov_verifier,
    fd: *mut i32,
    error: *mut *mut sogov_error,
) -> Status {
    guard(error, || {
        // SAFETY: the caller promises room for one number.
        let fd = unsafe { Out::required(fd, "fd") }?;
        // SAFETY: the caller promises a verifier or NULL.
        fd.put(unsafe { handle::with(verifier, |verifier| verifier.event_fd()) }?);
        Ok(())
    })
}

/// Takes no more tickets, and waits until every ticket that was accepted has its result: handed to the callback, which has
/// returned, or ready to be polled. Polling goes on until it answers SOGOV_STATUS_CLOSED. A second time it waits for the
/// same.
///
/// @param verifier borrowed
/// @return SOGOV_STATUS_OK; SOGOV_STATUS_DEADLOCK from inside a callback of any verifier; this one stays open then;
///         SOGOV_STATUS_UNSUPPORTED in the child of a fork
///
/// # Safety
/// See docs/conventions.md.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sogov_verifier_close(
    verifier: *const sogov_verifier,
    error: *mut *mut sogov_error,
) -> Status {
    guard(error, || {
        // SAFETY: the caller promises a verifier or NULL.
        unsafe { handle::get(verifier) }?.close()
    })
}

/// Closes a verifier as sogov_verifier_close() does, and frees it: its threads have ended when this returns, and no
/// callback runs any more. Later uses of the handle answer SOGOV_STATUS_CLOSED, waiting pollers too. From inside a
/// callback of any verifier it waits for nothing and returns 0, and the callbacks of the other tickets come afterwards:
/// the callback's context must outlive the verifier's threads then, whose end nobody is told of. So who wants to free the
/// context frees the verifier first, outside of callbacks.
///
/// @param verifier taken; NULL is ignored
/// @return how many results were dropped because nobody had polled them: 0 for who polled until SOGOV_STATUS_CLOSED
///
/// # Safety
/// See docs/conventions.md.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sogov_verifier_free(verifier: *mut sogov_verifier) -> usize {
    let mut dropped = 0;
    guard(std::ptr::null_mut(), || {
        // SAFETY: the caller promises a verifier or NULL.
        if let Some(verifier) = unsafe { handle::free(verifier) } {
            dropped = verifier.end();
        }
        Ok(())
    });
    dropped
}

/// What verifies a ticket by a key of another scheme than SM2. Refuses what sogov_verify() would, except that a malformed
/// signature is a result.
fn check(key: Arc<Key>, encoding: SignatureEncoding, user_id: &UserId, signature: &[u8]) -> Result<Check> {
    let signature = match encoding.raw(&key, signature) {
        Err(refusal) if refusal.status() == Status::SignatureInvalid => Err(refusal),
        signature => Ok(signature?.into_owned()),
    };
    let user_id = user_id.clone();
    Ok(Box::new(move |message| {
        let signature = signature.as_ref().map_err(Clone::clone)?;
        key.verify(schemes(), &user_id, message, signature)
    }))
}

/// The host's callback.
fn delivery(options: &sogov_verifier_options) -> Option<Delivery> {
    struct Context(*mut c_void);
    // SAFETY: sogov_verifier_callback says that it is called on any thread; the pointer is only handed back to it.
    unsafe impl Send for Context {}
    // SAFETY: as above.
    unsafe impl Sync for Context {}
    impl Context {
        fn pointer(&self) -> *mut c_void {
            self.0
        }
    }
    let callback = options.callback?;
    let context = Context(options.callback_context);
    Some(Box::new(move |answers| {
        // SAFETY: the host's function, called as its type says.
        unsafe { callback(context.pointer(), answers.as_ptr(), answers.len()) };
    }))
}
