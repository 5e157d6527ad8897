//! `ECPrivateKey` (RFC 5915 §3, SEC 1 §C.4):
//!
//! ```text
//! SEQUENCE { version INTEGER (1), privateKey OCTET STRING,
//!            parameters [0] ECParameters OPTIONAL, publicKey [1] BIT STRING OPTIONAL }
//! ```
#![forbid(unsafe_code)]

use super::{algorithm, invalid, malformed, spki};
use crate::crypto::sm2::PrivateKey;
use crate::crypto::sm2::asn1::{EXPLICIT_1, INTEGER, OCTET_STRING, SEQUENCE, read_sequence, tlv};
use crate::crypto::sm2::curve::SCALAR_LEN;
use crate::error::Result;
use der::asn1::{AnyRef, BitStringRef, ContextSpecific, OctetStringRef};
use der::{Decode, TagNumber};
use zeroize::Zeroizing;

/// Reads an `ECPrivateKey`. With `curve_known`, what is around it has named the curve already.
pub(super) fn decode(der: &[u8], curve_known: bool) -> Result<PrivateKey> {
    let (version, scalar, parameters, public) = read_sequence(der, |body| {
        Ok((
            u8::decode(body)?,
            <&OctetStringRef>::decode(body)?,
            ContextSpecific::<AnyRef<'_>>::decode_explicit(body, TagNumber(0))?,
            ContextSpecific::<BitStringRef<'_>>::decode_explicit(body, TagNumber(1))?,
        ))
    })
    .map_err(malformed("ECPrivateKey"))?;

    if version != 1 {
        return Err(invalid(format!("expected ECPrivateKey version 1, found {version}")));
    }
    match parameters {
        Some(parameters) => algorithm::require_sm2_curve(parameters.value)?,
        // A public key that belongs to the private one on this curve says which curve it is.
        None if curve_known || public.is_some() => {}
        None => return Err(invalid("it names no curve")),
    }
    let key = PrivateKey::from_bytes(&*padded(scalar.as_bytes())?)?;
    public.map_or(Ok(()), |public| require_own(&key, public.value))?;
    Ok(key)
}

/// Writes an `ECPrivateKey` without parameters, as it stands inside PKCS#8.
pub(super) fn encode(key: &PrivateKey) -> Zeroizing<Vec<u8>> {
    let version = tlv(INTEGER, &[&[1]]);
    let scalar = tlv(OCTET_STRING, &[&*key.to_bytes()]);
    let public = tlv(EXPLICIT_1, &[&spki::bit_string(key.public_key())]);
    tlv(SEQUENCE, &[&version, &scalar, &public])
}

/// Refuses a public key other than that of `key`: signatures would name a key that does not verify them.
pub(super) fn require_own(key: &PrivateKey, public: BitStringRef<'_>) -> Result<()> {
    if spki::point_of(public)? == *key.public_key() {
        return Ok(());
    }
    Err(invalid("the public key in it does not belong to the private key"))
}

/// Some writers drop leading zeros, against RFC 5915.
fn padded(scalar: &[u8]) -> Result<Zeroizing<[u8; SCALAR_LEN]>> {
    let padding = SCALAR_LEN.checked_sub(scalar.len());
    let padding = padding
        .ok_or_else(|| invalid(format!("expected {SCALAR_LEN} private bytes, found {}", scalar.len())))?;
    let mut padded = Zeroizing::new([0; SCALAR_LEN]);
    padded.iter_mut().skip(padding).zip(scalar).for_each(|(to, from)| *to = *from);
    Ok(padded)
}
