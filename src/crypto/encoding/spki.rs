//! `SubjectPublicKeyInfo ::= SEQUENCE { algorithm AlgorithmIdentifier, subjectPublicKey BIT STRING }`
//! (RFC 5280 §4.1, RFC 5480 §2).
#![forbid(unsafe_code)]

use super::{CurvePublicKey, algorithm, invalid, malformed};
use crate::crypto::asn1::{Algorithm, BIT_STRING, SEQUENCE, read_sequence, tlv};
use crate::error::Result;
use der::Decode;
use der::asn1::BitStringRef;

/// Bytes in a SubjectPublicKeyInfo with an uncompressed point of 65 bytes, whose curve has a name of 8.
pub const CURVE_SPKI_LEN: usize = 91;

/// The key on the curve of `K`.
pub(in crate::crypto) fn decode<K: CurvePublicKey>(der: &[u8]) -> Result<K> {
    let (algorithm, point) = split(der)?;
    algorithm::require_curve(&algorithm, K::CURVE)?;
    point_of(point)
}

/// The algorithm and the key's own bits, nothing of either checked.
pub(in crate::crypto) fn split(der: &[u8]) -> Result<(Algorithm<'_>, BitStringRef<'_>)> {
    read_sequence(der, |body| Ok((Algorithm::read(body)?, BitStringRef::decode(body)?)))
        .map_err(malformed("SubjectPublicKeyInfo"))
}

/// The encoding of a key, which is the same however the key was encoded when it was read.
pub(in crate::crypto) fn encode<K: CurvePublicKey>(key: &K) -> [u8; CURVE_SPKI_LEN] {
    let der = tlv(SEQUENCE, &[&algorithm::curve(K::CURVE), &bit_string(key)]);
    debug_assert_eq!(der.len(), CURVE_SPKI_LEN);
    let mut spki = [0; CURVE_SPKI_LEN];
    spki.iter_mut().zip(der.iter()).for_each(|(to, from)| *to = *from);
    spki
}

/// The key whose point is `bits`.
pub(super) fn point_of<K: CurvePublicKey>(bits: BitStringRef<'_>) -> Result<K> {
    let point = bits.as_bytes().ok_or_else(|| invalid("the point is not a number of whole bytes"))?;
    K::from_point(point)
}

/// The uncompressed point as a BIT STRING.
pub(in crate::crypto) fn bit_string(key: &impl CurvePublicKey) -> zeroize::Zeroizing<Vec<u8>> {
    tlv(BIT_STRING, &[&[0], key.as_point()])
}
