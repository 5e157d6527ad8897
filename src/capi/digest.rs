//! `sogov_digest`: SM3, flat and as a tree.

use super::error::sogov_error;
use super::guard::guard;
use super::input::In;
use super::output::Out;
use crate::crypto::sm3;
use crate::error::{Error, Result, Status};

/// The digests, each of 32 bytes.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DigestAlgorithm {
    /// SM3 (GB/T 32905-2016).
    Sm3 = 1,
    /// The tree digest of docs/conventions.md: SM3 over leaves of 64 KiB, which are hashed side by side. The digest of
    /// plugin files, and the faster one for data of more than some leaves.
    Sm3Tree = 2,
}

/// The digest of some data.
///
/// @param algorithm one of sogov_digest_algorithm
/// @param data any number of bytes; borrowed
/// @param digest receives 32 bytes
/// @return SOGOV_STATUS_OK; SOGOV_STATUS_INVALID_ARGUMENT for an unknown algorithm
///
/// # Safety
/// See docs/conventions.md.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sogov_digest(
    algorithm: u32,
    data: *const u8,
    data_len: usize,
    digest: *mut u8,
    error: *mut *mut sogov_error,
) -> Status {
    guard(error, || {
        let algorithm = DigestAlgorithm::from_number(algorithm)?;
        // SAFETY: the caller promises readable bytes and room for 32 bytes.
        let (data, place) = unsafe {
            (In::bytes(data, data_len, "data")?, Out::required(digest.cast::<sm3::Digest>(), "digest")?)
        };
        place.put(match algorithm {
            DigestAlgorithm::Sm3 => sm3::digest(data),
            DigestAlgorithm::Sm3Tree => sm3::tree::root(data),
        });
        Ok(())
    })
}

impl DigestAlgorithm {
    fn from_number(number: u32) -> Result<Self> {
        [Self::Sm3, Self::Sm3Tree].into_iter().find(|algorithm| *algorithm as u32 == number).ok_or_else(
            || Error::argument(format!("algorithm: expected one of sogov_digest_algorithm, found {number}")),
        )
    }
}
