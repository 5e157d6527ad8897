//! `SubjectPublicKeyInfo ::= SEQUENCE { algorithm AlgorithmIdentifier, subjectPublicKey BIT STRING }`
//! (RFC 5280 §4.1, RFC 5480 §2).
#![forbid(unsafe_code)]

use super::{algorithm, invalid, malformed};
use crate::crypto::sm2::PublicKey;
use crate::crypto::sm2::asn1::{Algorithm, BIT_STRING, SEQUENCE, read_sequence, tlv};
use crate::error::Result;
use der::Decode;
use der::asn1::BitStringRef;

/// Bytes in a SubjectPublicKeyInfo with an uncompressed point.
pub const LEN: usize = 91;

pub(super) fn decode(der: &[u8]) -> Result<PublicKey> {
    let (algorithm, point) =
        read_sequence(der, |body| Ok((Algorithm::read(body)?, BitStringRef::decode(body)?)))
            .map_err(malformed("SubjectPublicKeyInfo"))?;
    algorithm::require_sm2(&algorithm)?;
    point_of(point)
}

pub(super) fn encode(key: &PublicKey) -> [u8; LEN] {
    let der = tlv(SEQUENCE, &[&algorithm::sm2(), &bit_string(key)]);
    debug_assert_eq!(der.len(), LEN);
    let mut spki = [0; LEN];
    spki.iter_mut().zip(der.iter()).for_each(|(to, from)| *to = *from);
    spki
}

/// The key whose point is `bits`.
pub(super) fn point_of(bits: BitStringRef<'_>) -> Result<PublicKey> {
    let point = bits.as_bytes().ok_or_else(|| invalid("the point is not a number of whole bytes"))?;
    PublicKey::from_point(point)
}

/// The uncompressed point as a BIT STRING.
pub(super) fn bit_string(key: &PublicKey) -> zeroize::Zeroizing<Vec<u8>> {
    tlv(BIT_STRING, &[&[0], key.as_point()])
}
