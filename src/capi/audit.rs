//! The audit trail: its options, its head, its verification.

use super::engine::sogov_engine;
use super::error::sogov_error;
use super::guard::guard;
use super::handle;
use super::input::{In, Options};
use super::key::sogov_key;
use super::output::Out;
use crate::crypto::hmac::SecretKey;
use crate::crypto::sm3::Digest;
use crate::engine::{AuditOptions, schemes};
use crate::error::{Error, Result, Status};
use crate::journal::{self, Head, Limits, Report, Verification};
use std::ffi::c_char;
use std::sync::Arc;

const MAX_KEYS: usize = 64;

/// How an engine records what it does, in `machine/audit` of its state directory, which it must have then. All-zero
/// members mean the defaults. docs/audit.md says what is recorded, and what a trail is worth.
#[repr(C)]
#[derive(Debug)]
#[allow(non_camel_case_types)]
pub struct sogov_audit_options {
    /// sizeof(sogov_audit_options).
    pub size: usize,
    /// 1: a change is refused, before it happens, when it cannot be recorded; and a trail that is broken is
    /// SOGOV_STATUS_AUDIT_BROKEN when the engine is opened. 0: that is logged, and the change happens.
    pub required: u32,
    /// After how many records a checkpoint is signed; 0: 256. There is one also when the engine is freed.
    pub checkpoint_every: u32,
    /// The private key that signs checkpoints, of any scheme but hmac-sha256; NULL: there are none. Borrowed during
    /// sogov_engine_open(), and kept beyond.
    pub checkpoint_key: *const sogov_key,
    /// Bytes after which a new file begins, 64 KiB to 64 MiB; 0: 4 MiB.
    pub segment_size: u64,
    /// Bytes of all files together, beyond which the oldest are removed: 4 to 512 times `segment_size`; 0: 64 times.
    pub total_size: u64,
    /// Actors and reasons are recorded as HMAC-SHA256 codes under this key of 16 to 1,024 bytes; NULL: in clear.
    pub pseudonym_key: *const u8,
    /// Bytes of that key.
    pub pseudonym_key_len: usize,
}

// SAFETY: integers and pointers.
unsafe impl Options for sogov_audit_options {
    const NAME: &'static str = "sogov_audit_options";
    const ZERO: Self = Self {
        size: 0,
        required: 0,
        checkpoint_every: 0,
        checkpoint_key: std::ptr::null(),
        segment_size: 0,
        total_size: 0,
        pseudonym_key: std::ptr::null(),
        pseudonym_key_len: 0,
    };
}

/// A place in an audit trail: everything up to it is fixed by the hash.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
#[allow(non_camel_case_types)]
pub struct sogov_audit_position {
    /// The number of a record; 0 for none.
    pub record: u64,
    /// Its hash.
    pub hash: [u8; 32],
}

/// What was found in a trail that is as it was written. Set `size` before the call.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
#[allow(non_camel_case_types)]
pub struct sogov_audit_report {
    /// sizeof(sogov_audit_report), set by the caller.
    pub size: usize,
    /// The number of the first record that is kept; 0 for none.
    pub first: u64,
    /// The last record.
    pub head: sogov_audit_position,
    /// How many files.
    pub segments: u64,
    /// How many checkpoints.
    pub checkpoints: u64,
    /// The number of the last checkpoint; 0 where there is none, or no key was given.
    pub signed_up_to: u64,
    /// How many times the rest of a record that a crash had torn was taken away.
    pub recovered: u64,
}

/// The last record of the engine's audit trail, to be kept where nobody who can write the state directory can write:
/// sogov_audit_verify() finds by it what was cut off.
///
/// @param engine borrowed
/// @param checkpoint 1: sign and make durable what was recorded first; 0: do not
/// @param head receives the place
/// @return SOGOV_STATUS_OK; SOGOV_STATUS_NOT_FOUND when the engine records nothing; SOGOV_STATUS_AUDIT_BROKEN;
///         SOGOV_STATUS_IO
///
/// # Safety
/// See docs/conventions.md.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sogov_audit_head(
    engine: *const sogov_engine,
    checkpoint: u32,
    head: *mut sogov_audit_position,
    error: *mut *mut sogov_error,
) -> Status {
    guard(error, || {
        // SAFETY: the caller promises room for one struct.
        let place = unsafe { Out::required(head, "head") }?;
        if checkpoint > 1 {
            return Err(Error::argument(format!("checkpoint: expected 0 or 1, found {checkpoint}")));
        }
        // SAFETY: the caller promises an engine or NULL.
        let found = unsafe { handle::with(engine, |engine| engine.audit_head(checkpoint == 1)) }?;
        let found = found
            .ok_or_else(|| Error::new(Status::NotFound, "engine: expected an audit trail, found none"))?;
        place.put(found.into());
        Ok(())
    })
}

/// Looks whether an audit trail is as it was written. Engines may be writing it meanwhile.
///
/// @param directory the state directory, or the directory of a trail, which must belong to this user or to root
/// @param keys, key_count public or private keys, one of which must have signed each checkpoint, of which there must be one then;
///        (NULL, 0): signatures are not looked at. Borrowed
/// @param expected a record that must be there, from sogov_audit_head() or an earlier report; or NULL
/// @param report receives what was found, as far as its `size` reaches; or NULL
/// @return SOGOV_STATUS_OK; SOGOV_STATUS_AUDIT_BROKEN with the file, the record, what was expected and what was found in the
///         message; SOGOV_STATUS_NOT_FOUND where there is no trail; SOGOV_STATUS_IO
///
/// # Safety
/// See docs/conventions.md.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sogov_audit_verify(
    directory: *const c_char,
    directory_len: usize,
    keys: *const *const sogov_key,
    key_count: usize,
    expected: *const sogov_audit_position,
    report: *mut sogov_audit_report,
    error: *mut *mut sogov_error,
) -> Status {
    guard(error, || {
        if key_count > MAX_KEYS {
            return Err(Error::argument(format!("keys: expected at most {MAX_KEYS}, found {key_count}")));
        }
        // SAFETY: the caller promises a readable text, keys, and a struct or NULL.
        let (directory, keys, expected) = unsafe {
            (
                In::path(directory, directory_len, "directory")?,
                In::array(keys, key_count, "keys")?,
                expected.as_ref().map(|place| Head { seq: place.record, hash: place.hash }),
            )
        };
        let place = ReportPlace::new(report)?;
        // SAFETY: the caller promises keys or NULL.
        let keys = keys.iter().map(|key| unsafe { handle::with(*key, |key| key.public_key()) });
        let keys = keys.collect::<Result<Vec<_>>>()?;
        let against = Verification { keys: &keys, schemes: schemes(), expected };
        place.put(&journal::verify(&journal::find(directory), &against, &mut |_| {})?);
        Ok(())
    })
}

impl From<Head> for sogov_audit_position {
    fn from(head: Head) -> Self {
        let hash: Digest = head.hash;
        Self { record: head.seq, hash }
    }
}

/// Room for a report, or NULL.
struct ReportPlace {
    place: *mut sogov_audit_report,
    size: usize,
}

impl ReportPlace {
    fn new(place: *mut sogov_audit_report) -> Result<Self> {
        if place.is_null() {
            return Ok(Self { place, size: 0 });
        }
        // SAFETY: the caller promises a struct whose size is set.
        let size = unsafe { place.cast::<usize>().read_unaligned() };
        if !(size_of::<usize>()..=1 << 16).contains(&size) {
            return Err(Error::argument(format!(
                "sogov_audit_report: expected its size in bytes in `size`, found {size}"
            )));
        }
        Ok(Self { place, size })
    }

    fn put(&self, report: &Report) {
        if self.place.is_null() {
            return;
        }
        let answer = sogov_audit_report {
            size: self.size,
            first: report.first,
            head: report.head.into(),
            segments: report.segments,
            checkpoints: report.checkpoints,
            signed_up_to: report.signed_up_to,
            recovered: report.recovered,
        };
        let known = self.size.min(size_of::<sogov_audit_report>());
        // SAFETY: the place has room for `size` bytes, of which `known` come from the struct.
        unsafe {
            self.place.cast::<u8>().write_bytes(0, self.size);
            std::ptr::copy_nonoverlapping((&raw const answer).cast::<u8>(), self.place.cast(), known);
        }
    }
}

/// What the options say; `None` for NULL.
///
/// # Safety
/// NULL, or a struct whose `size` says how much of it may be read, with a key or NULL and readable bytes in it.
pub(super) unsafe fn audit_options(raw: *const sogov_audit_options) -> Result<Option<AuditOptions>> {
    if raw.is_null() {
        return Ok(None);
    }
    // SAFETY: the caller's promise.
    let raw = unsafe { In::options(raw) }?;
    if raw.required > 1 {
        return Err(Error::argument(format!("audit.required: expected 0 or 1, found {}", raw.required)));
    }
    // SAFETY: the caller's promise.
    let secret = unsafe { In::bytes(raw.pseudonym_key, raw.pseudonym_key_len, "audit.pseudonym_key") }?;
    let secret = (!secret.is_empty()).then(|| SecretKey::from_bytes(secret)).transpose()?;
    let key = if raw.checkpoint_key.is_null() {
        None
    } else {
        // SAFETY: the caller's promise.
        Some(unsafe { handle::get(raw.checkpoint_key) }?)
    };
    let defaults = Limits::default();
    let or = |given: u64, default: u64| if given == 0 { default } else { given };
    let segment = or(raw.segment_size, defaults.segment);
    let limits = Limits {
        segment,
        total: or(raw.total_size, segment.saturating_mul(64)),
        checkpoint_every: or(raw.checkpoint_every.into(), defaults.checkpoint_every),
    };
    Ok(Some(AuditOptions { required: raw.required == 1, key, limits, pseudonym_key: secret.map(Arc::new) }))
}
