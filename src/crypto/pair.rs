//! The pair (r, s) that SM2 and ECDSA on a curve of 256 bits answer, and its two encodings.
#![forbid(unsafe_code)]

use super::asn1;
use crate::error::{Error, Result, Status};
use der::asn1::UintRef;
use der::{Decode, ErrorKind, SliceReader, Tag};

/// Bytes of r and s, 32 each.
pub(super) const PAIR_LEN: usize = 64;

/// Bytes of r, and of s.
const HALF: usize = PAIR_LEN / 2;

/// Takes R||S, each big-endian and left-padded, with both in [1, n-1]; anything else is [`Status::SignatureInvalid`].
#[inline]
pub(super) fn check<'a>(bytes: &'a [u8], order: &[u8; HALF]) -> Result<&'a [u8; PAIR_LEN]> {
    let bytes: &[u8; PAIR_LEN] = bytes
        .try_into()
        .map_err(|_| invalid(format!("expected {PAIR_LEN} bytes R||S, found {}", bytes.len())))?;
    let (scalars, _) = bytes.as_chunks::<HALF>();
    // Arrays compare from the first byte on, so big-endian integers compare as numbers.
    if scalars.iter().any(|scalar| *scalar == [0; HALF] || scalar >= order) {
        return Err(invalid("r or s is not in [1, n-1]"));
    }
    Ok(bytes)
}

/// R||S of `SEQUENCE { r INTEGER, s INTEGER }` in DER and nothing else: no padding, no negative number, no other form
/// of a length, no trailing byte. Whether r and s are in range is for [`check`] to say.
pub(super) fn bytes_of_der(der: &[u8]) -> Result<[u8; PAIR_LEN]> {
    asn1::read_sequence(der, |body| {
        let mut bytes = [0; PAIR_LEN];
        let (r, s) = bytes.split_at_mut(HALF);
        read_scalar(body, r)?;
        read_scalar(body, s)?;
        Ok(bytes)
    })
    .map_err(|cause| invalid(format!("malformed der: {cause}")))
}

/// `SEQUENCE { r INTEGER, s INTEGER }`, 8 to 72 bytes.
pub(super) fn to_der(bytes: &[u8; PAIR_LEN]) -> Vec<u8> {
    let (r, s) = bytes.split_at(HALF);
    asn1::tlv(asn1::SEQUENCE, &[&asn1::unsigned(r), &asn1::unsigned(s)]).to_vec()
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
