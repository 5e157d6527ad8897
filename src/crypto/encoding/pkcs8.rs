//! `OneAsymmetricKey`, formerly `PrivateKeyInfo` (RFC 5958 §2):
//!
//! ```text
//! SEQUENCE { version INTEGER (0, 1), privateKeyAlgorithm AlgorithmIdentifier, privateKey OCTET STRING,
//!            attributes [0] IMPLICIT SET OPTIONAL, publicKey [1] IMPLICIT BIT STRING OPTIONAL }
//! ```
#![forbid(unsafe_code)]

use super::{CurvePrivateKey, CurvePublicKey, algorithm, invalid, malformed, sec1};
use crate::crypto::asn1::{Algorithm, INTEGER, OCTET_STRING, SEQUENCE, read_sequence, tlv};
use crate::crypto::room::Rooms;
use crate::error::Result;
use der::asn1::{AnyRef, BitStringRef, ContextSpecific, ObjectIdentifier, OctetStringRef};
use der::{Decode, Reader, SliceReader, Tag, TagNumber};
use zeroize::Zeroizing;

pub(super) fn decode<K: CurvePrivateKey>(rooms: &dyn Rooms, der: &[u8]) -> Result<K> {
    let (version, algorithm, key, public) = read_sequence(der, |body| {
        let version = u8::decode(body)?;
        let algorithm = Algorithm::read(body)?;
        let key = <&OctetStringRef>::decode(body)?;
        skip_attributes(body)?;
        let public = ContextSpecific::<BitStringRef<'_>>::decode_implicit(body, TagNumber(1))?;
        Ok((version, algorithm, key, public))
    })
    .map_err(malformed("PKCS#8"))?;

    if version > 1 {
        return Err(invalid(format!("expected PKCS#8 version 0 or 1, found {version}")));
    }
    algorithm::require_curve(&algorithm, K::Public::CURVE)?;
    let key: K = sec1::decode(rooms, key.as_bytes(), true)?;
    public.map_or(Ok(()), |public| sec1::require_own(&key, public.value))?;
    Ok(key)
}

pub(super) fn encode<K: CurvePrivateKey>(key: &K) -> Result<Zeroizing<Vec<u8>>> {
    let version = tlv(INTEGER, &[&[0]]);
    let algorithm = algorithm::curve(K::Public::CURVE);
    Ok(tlv(SEQUENCE, &[&version, &algorithm, &tlv(OCTET_STRING, &[&*sec1::encode(key)?])]))
}

/// The curve that the key names, if it names one.
pub(super) fn curve(der: &[u8]) -> Option<ObjectIdentifier> {
    let algorithm = read_sequence(der, |body| {
        u8::decode(body)?;
        let algorithm = Algorithm::read(body)?;
        while !body.is_finished() {
            AnyRef::decode(body)?;
        }
        Ok(algorithm)
    });
    algorithm::curve_of(&algorithm.ok()?)
}

/// The `RSAPrivateKey` in a key whose algorithm is rsaEncryption with NULL (RFC 8017 §A.1).
pub(super) fn rsa(der: &[u8]) -> Option<&[u8]> {
    let (algorithm, key) = read_sequence(der, |body| {
        u8::decode(body)?;
        let read = (Algorithm::read(body)?, <&OctetStringRef>::decode(body)?.as_bytes());
        skip_attributes(body)?;
        Ok(read)
    })
    .ok()?;
    (algorithm.oid == algorithm::RSA && algorithm.parameters.is_some_and(AnyRef::is_null)).then_some(key)
}

/// Attributes say nothing that a signature depends on.
fn skip_attributes(body: &mut SliceReader<'_>) -> der::Result<()> {
    const ATTRIBUTES: Tag = Tag::ContextSpecific { constructed: true, number: TagNumber(0) };
    if !body.is_finished() && Tag::peek(body)? == ATTRIBUTES {
        body.tlv_bytes()?;
    }
    Ok(())
}
