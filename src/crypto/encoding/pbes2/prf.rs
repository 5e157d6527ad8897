//! The pseudo-random functions of PBKDF2: HMAC over a digest.
#![forbid(unsafe_code)]

use crate::crypto::asn1::{Algorithm, SEQUENCE, tlv};
use crate::crypto::encoding::algorithm::{Named, oid};
use crate::crypto::encoding::invalid;
use crate::error::Result;
use der::asn1::ObjectIdentifier;
use pbkdf2::pbkdf2_hmac;
use zeroize::Zeroizing;

/// The functions and their names; the first name of two is the one that is written.
const NAMES: [(Prf, ObjectIdentifier); 7] = [
    (Prf::HmacSha1, ObjectIdentifier::new_unwrap("1.2.840.113549.2.7")),
    (Prf::HmacSha224, ObjectIdentifier::new_unwrap("1.2.840.113549.2.8")),
    (Prf::HmacSha256, ObjectIdentifier::new_unwrap("1.2.840.113549.2.9")),
    (Prf::HmacSha384, ObjectIdentifier::new_unwrap("1.2.840.113549.2.10")),
    (Prf::HmacSha512, ObjectIdentifier::new_unwrap("1.2.840.113549.2.11")),
    (Prf::HmacSm3, ObjectIdentifier::new_unwrap("1.2.156.10197.1.401.2")),
    // The number that GM/T 0091-2020 gives it.
    (Prf::HmacSm3, ObjectIdentifier::new_unwrap("1.2.156.10197.1.401.3.1")),
];

/// A pseudo-random function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Prf {
    HmacSha1,
    HmacSha224,
    HmacSha256,
    HmacSha384,
    HmacSha512,
    HmacSm3,
}

impl Prf {
    /// The function that `algorithm` names; its parameters are NULL or absent.
    pub(super) fn of(algorithm: &Algorithm<'_>) -> Result<Self> {
        if algorithm.parameters.is_some_and(|parameters| !parameters.is_null()) {
            return Err(invalid(format!("{} has parameters, expected NULL", Named(algorithm.oid))));
        }
        let known = NAMES.iter().find(|(_, oid)| *oid == algorithm.oid);
        known.map(|(prf, _)| *prf).ok_or_else(|| {
            invalid(format!("expected HMAC with SHA-1, SHA-2 or SM3, found {}", Named(algorithm.oid)))
        })
    }

    /// `AlgorithmIdentifier` with NULL parameters.
    pub(super) fn write(self) -> Zeroizing<Vec<u8>> {
        const NULL: &[u8] = &[5, 0];
        let name = NAMES.iter().find(|(prf, _)| *prf == self).map(|(_, name)| oid(*name));
        tlv(SEQUENCE, &[&name.unwrap_or_default(), NULL])
    }

    pub(super) fn pbkdf2(self, password: &[u8], salt: &[u8], iterations: u32, key: &mut [u8]) {
        match self {
            Self::HmacSha1 => pbkdf2_hmac::<sha1::Sha1>(password, salt, iterations, key),
            Self::HmacSha224 => pbkdf2_hmac::<sha2::Sha224>(password, salt, iterations, key),
            Self::HmacSha256 => pbkdf2_hmac::<sha2::Sha256>(password, salt, iterations, key),
            Self::HmacSha384 => pbkdf2_hmac::<sha2::Sha384>(password, salt, iterations, key),
            Self::HmacSha512 => pbkdf2_hmac::<sha2::Sha512>(password, salt, iterations, key),
            Self::HmacSm3 => pbkdf2_hmac::<::sm3::Sm3>(password, salt, iterations, key),
        }
    }
}
