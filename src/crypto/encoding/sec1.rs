//! `ECPrivateKey` (RFC 5915 §3, SEC 1 §C.4):
//!
//! ```text
//! SEQUENCE { version INTEGER (1), privateKey OCTET STRING,
//!            parameters [0] ECParameters OPTIONAL, publicKey [1] BIT STRING OPTIONAL }
//! ```
#![forbid(unsafe_code)]

use super::algorithm::P256_CURVE;
use super::{CurvePrivateKey, CurvePublicKey, algorithm, invalid, malformed, spki};
use crate::crypto::asn1::{EXPLICIT_1, INTEGER, OCTET_STRING, SEQUENCE, read_sequence, tlv};
use crate::crypto::p256;
use crate::crypto::room::Rooms;
use crate::error::Result;
use der::asn1::{AnyRef, BitStringRef, ContextSpecific, OctetStringRef};
use der::{Decode, TagNumber};
use zeroize::Zeroizing;

/// Bytes in a scalar.
const SCALAR_LEN: usize = 32;

/// Reads an `ECPrivateKey`. With `curve_known`, what is around it has named the curve already.
pub(super) fn decode<K: CurvePrivateKey>(rooms: &dyn Rooms, der: &[u8], curve_known: bool) -> Result<K> {
    let Members { version, scalar, parameters, public } =
        Members::read(der).map_err(malformed("ECPrivateKey"))?;
    if version != 1 {
        return Err(invalid(format!("expected ECPrivateKey version 1, found {version}")));
    }
    match parameters {
        Some(parameters) => algorithm::require_named_curve(parameters, K::Public::CURVE)?,
        // A public key that belongs to the private one on this curve says which curve it is.
        None if curve_known || public.is_some() => {}
        None => return Err(invalid("it names no curve")),
    }
    let key = K::from_scalar(rooms, &*padded(scalar)?)?;
    public.map_or(Ok(()), |public| require_own(&key, public))?;
    Ok(key)
}

/// Whether an `ECPrivateKey` is on P-256: it names that curve, or none and its public point is on it.
pub(super) fn is_p256(der: &[u8]) -> bool {
    let Ok(members) = Members::read(der) else { return false };
    match (members.parameters, members.public) {
        (Some(parameters), _) => parameters.decode_as() == Ok(P256_CURVE),
        (None, Some(public)) => spki::point_of::<p256::PublicKey>(public).is_ok(),
        (None, None) => false,
    }
}

struct Members<'a> {
    version: u8,
    scalar: &'a [u8],
    parameters: Option<AnyRef<'a>>,
    public: Option<BitStringRef<'a>>,
}

impl<'a> Members<'a> {
    fn read(der: &'a [u8]) -> der::Result<Self> {
        read_sequence(der, |body| {
            Ok(Self {
                version: u8::decode(body)?,
                scalar: <&OctetStringRef>::decode(body)?.as_bytes(),
                parameters: ContextSpecific::decode_explicit(body, TagNumber(0))?.map(|field| field.value),
                public: ContextSpecific::decode_explicit(body, TagNumber(1))?.map(|field| field.value),
            })
        })
    }
}

/// Writes an `ECPrivateKey` without parameters, as it stands inside PKCS#8.
pub(super) fn encode(key: &impl CurvePrivateKey) -> Result<Zeroizing<Vec<u8>>> {
    let version = tlv(INTEGER, &[&[1]]);
    let scalar = tlv(OCTET_STRING, &[&*key.to_scalar()?]);
    let public = tlv(EXPLICIT_1, &[&spki::bit_string(key.public())]);
    Ok(tlv(SEQUENCE, &[&version, &scalar, &public]))
}

/// Refuses a public key other than that of `key`: signatures would name a key that does not verify them.
pub(super) fn require_own<K: CurvePrivateKey>(key: &K, public: BitStringRef<'_>) -> Result<()> {
    if spki::point_of::<K::Public>(public)? == *key.public() {
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
