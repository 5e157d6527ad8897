//! Object identifiers, and which curve a key is on.
#![forbid(unsafe_code)]

use super::{invalid, malformed};
use crate::crypto::asn1::{Algorithm, OID, SEQUENCE, tlv};
use crate::error::Result;
use der::asn1::{AnyRef, ObjectIdentifier};
use der::{Tag, Tagged};
use std::fmt;
use zeroize::Zeroizing;

/// id-ecPublicKey (RFC 5480 §2.1.1).
pub(in crate::crypto) const EC_PUBLIC_KEY: ObjectIdentifier =
    ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
/// sm2p256v1 (GM/T 0006-2012).
pub(in crate::crypto) const SM2_CURVE: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.156.10197.1.301");
/// secp256r1, which NIST calls P-256 (RFC 5480 §2.1.1.1).
pub(in crate::crypto) const P256_CURVE: ObjectIdentifier =
    ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7");
/// rsaEncryption (RFC 3279 §2.3.1).
pub(in crate::crypto) const RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");

/// Refuses every algorithm but id-ecPublicKey and every curve but `expected`.
pub(super) fn require_curve(algorithm: &Algorithm<'_>, expected: ObjectIdentifier) -> Result<()> {
    if algorithm.oid != EC_PUBLIC_KEY {
        let found = Named(algorithm.oid);
        return Err(invalid(format!("expected the algorithm {}, found {found}", Named(EC_PUBLIC_KEY))));
    }
    let curve = algorithm.parameters.ok_or_else(|| invalid("it names no curve"))?;
    require_named_curve(curve, expected)
}

/// Refuses every curve but the one named `expected` (`ECParameters` of RFC 5480 §2.1.1).
pub(super) fn require_named_curve(parameters: AnyRef<'_>, expected: ObjectIdentifier) -> Result<()> {
    if parameters.tag() == Tag::Sequence {
        // They can describe any curve, the test curve of GB/T 32918.2 annex A among them.
        let expected = Named(expected);
        return Err(invalid(format!("expected the named curve {expected}, found explicit parameters")));
    }
    let found = parameters.decode_as::<ObjectIdentifier>().map_err(malformed("curve"))?;
    if found == expected {
        return Ok(());
    }
    let (expected, found) = (Named(expected), Named(found));
    Err(invalid(format!("expected the curve {expected}, found {found}")))
}

/// The curve that `algorithm` names, if it is one of elliptic curves.
pub(in crate::crypto) fn curve_of(algorithm: &Algorithm<'_>) -> Option<ObjectIdentifier> {
    if algorithm.oid != EC_PUBLIC_KEY {
        return None;
    }
    algorithm.parameters?.decode_as().ok()
}

/// `AlgorithmIdentifier { id-ecPublicKey, name }`.
pub(in crate::crypto) fn curve(name: ObjectIdentifier) -> Zeroizing<Vec<u8>> {
    tlv(SEQUENCE, &[&oid(EC_PUBLIC_KEY), &oid(name)])
}

pub(in crate::crypto) fn oid(oid: ObjectIdentifier) -> Zeroizing<Vec<u8>> {
    tlv(OID, &[oid.as_bytes()])
}

/// The end of a message about a way of encryption that is not read here.
pub(super) fn openssl_converts() -> &'static str {
    "convert it: openssl pkcs8 -topk8 -v2 aes-256-cbc -in OLD -out NEW"
}

/// An object identifier with its name, where people know it by one.
pub(in crate::crypto) struct Named(pub(in crate::crypto) ObjectIdentifier);

impl fmt::Display for Named {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.0.to_string();
        let name = match text.as_str() {
            "1.2.840.10045.2.1" => "id-ecPublicKey",
            "1.2.156.10197.1.301" => "sm2p256v1",
            "1.2.840.10045.3.1.7" => "P-256",
            "1.3.132.0.10" => "secp256k1",
            "1.3.132.0.34" => "P-384",
            "1.3.132.0.35" => "P-521",
            "1.2.840.113549.1.1.1" => "RSA",
            "1.2.840.113549.1.1.10" => "RSASSA-PSS",
            "1.3.101.110" => "X25519",
            "1.3.101.112" => "Ed25519",
            "1.2.840.113549.1.5.12" => "PBKDF2",
            "1.2.840.113549.1.5.13" => "PBES2",
            "1.3.6.1.4.1.11591.4.11" => "scrypt",
            "1.2.840.113549.3.7" => "DES-EDE3-CBC",
            _ => return f.write_str(&text),
        };
        write!(f, "{name} ({text})")
    }
}
