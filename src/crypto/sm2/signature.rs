//! The pair (r, s) and its two encodings.
#![forbid(unsafe_code)]

use super::curve::{N, SCALAR_LEN};
use super::scalar::Scalar;
use crate::crypto::pair;
use crate::error::Result;

/// Bytes in a signature: r and s, 32 each.
pub const SIGNATURE_LEN: usize = 2 * SCALAR_LEN;

/// An SM2 signature with r and s in [1, n-1]: 64 bytes R||S, each big-endian and left-padded.
// Aligned, so that one inside a `Result` is moved by whole words: batches move one an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(align(8))]
pub struct Signature([u8; SIGNATURE_LEN]);

impl Signature {
    /// Reads R||S; anything else is [`Status::SignatureInvalid`].
    ///
    /// [`Status::SignatureInvalid`]: crate::error::Status::SignatureInvalid
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        pair::check(bytes, &N).map(|bytes| Self(*bytes))
    }

    /// Reads `SEQUENCE { r INTEGER, s INTEGER }` (GM/T 0009-2012 §7.3) in DER and nothing else: no
    /// padding, no negative number, no other form of a length, no trailing byte.
    pub fn from_der(der: &[u8]) -> Result<Self> {
        Self::from_bytes(&pair::bytes_of_der(der)?)
    }

    /// R||S.
    pub fn as_bytes(&self) -> &[u8; SIGNATURE_LEN] {
        &self.0
    }

    /// r and s.
    pub(super) fn scalars(&self) -> (Scalar, Scalar) {
        let (scalars, _) = self.0.as_chunks::<SCALAR_LEN>();
        let [r, s] = [0, 1].map(|i| scalars.get(i).map_or(Scalar::ZERO, Scalar::reduce));
        (r, s)
    }

    /// `SEQUENCE { r INTEGER, s INTEGER }`, 8 to 72 bytes.
    pub fn to_der(&self) -> Vec<u8> {
        pair::to_der(&self.0)
    }
}
