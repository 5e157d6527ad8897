//! The pair (r, s) and its two encodings.
#![forbid(unsafe_code)]

use super::asn1;
use super::curve::{N, SCALAR_LEN};
use super::scalar::Scalar;
use crate::error::{Error, Result, Status};
use der::asn1::UintRef;
use der::{Decode, ErrorKind, SliceReader, Tag};

/// Bytes in a signature: r and s, 32 each.
pub const SIGNATURE_LEN: usize = 2 * SCALAR_LEN;

/// An SM2 signature with r and s in [1, n-1]: 64 bytes R||S, each big-endian and left-padded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Signature([u8; SIGNATURE_LEN]);

impl Signature {
    /// Reads R||S; anything else is [`Status::SignatureInvalid`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let bytes: [u8; SIGNATURE_LEN] = bytes
            .try_into()
            .map_err(|_| invalid(format!("expected {SIGNATURE_LEN} bytes R||S, found {}", bytes.len())))?;
        let (scalars, _) = bytes.as_chunks::<SCALAR_LEN>();
        // Arrays compare from the first byte on, so big-endian integers compare as numbers.
        if scalars.iter().any(|scalar| *scalar == [0; SCALAR_LEN] || *scalar >= N) {
            return Err(invalid("r or s is not in [1, n-1]"));
        }
        Ok(Self(bytes))
    }

    /// Reads `SEQUENCE { r INTEGER, s INTEGER }` (GM/T 0009-2012 §7.3) in DER and nothing else: no
    /// padding, no negative number, no other form of a length, no trailing byte.
    pub fn from_der(der: &[u8]) -> Result<Self> {
        let bytes = asn1::read_sequence(der, |body| {
            let mut bytes = [0; SIGNATURE_LEN];
            let (r, s) = bytes.split_at_mut(SCALAR_LEN);
            read_scalar(body, r)?;
            read_scalar(body, s)?;
            Ok(bytes)
        });
        Self::from_bytes(&bytes.map_err(|cause| invalid(format!("malformed der: {cause}")))?)
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
        let (r, s) = self.0.split_at(SCALAR_LEN);
        asn1::tlv(asn1::SEQUENCE, &[&asn1::unsigned(r), &asn1::unsigned(s)]).to_vec()
    }
}

/// Reads an INTEGER into `scalar`, padding on the left.
fn read_scalar(body: &mut SliceReader<'_>, scalar: &mut [u8]) -> der::Result<()> {
    let integer = UintRef::decode(body)?;
    let digits = integer.as_bytes();
    let padding = scalar.len().checked_sub(digits.len());
    let padding = padding.ok_or_else(|| body.error(ErrorKind::Length { tag: Tag::Integer }))?;
    scalar.iter_mut().skip(padding).zip(digits).for_each(|(to, from)| *to = *from);
    Ok(())
}

fn invalid(why: impl std::fmt::Display) -> Error {
    Error::new(Status::SignatureInvalid, format!("signature: {why}"))
}
