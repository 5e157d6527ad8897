//! The curve's parameters (GB/T 32918.5-2017) and the arithmetic behind keys and signatures.
//!
//! The only file that knows which implementation does the arithmetic: bytes go in, bytes come out.
#![forbid(unsafe_code)]

use crate::crypto::sm3::Digest;
use crate::error::{Error, Result, Status};
use ::sm2::SecretKey;
use ::sm2::dsa::signature::hazmat::{PrehashVerifier, RandomizedPrehashSigner};
use ::sm2::dsa::{Signature, SigningKey, VerifyingKey};
use ::sm2::elliptic_curve::Generate;
use ::sm2::elliptic_curve::sec1::ToSec1Point;
use ::sm2::elliptic_curve::subtle::ConstantTimeEq;
use getrandom::SysRng;
use zeroize::Zeroizing;

/// Bytes in a scalar or a coordinate.
pub(super) const SCALAR_LEN: usize = 32;

/// a of y² = x³ + ax + b.
pub(super) const A: [u8; 32] = hex(b"FFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF00000000FFFFFFFFFFFFFFFC");
/// b of y² = x³ + ax + b.
pub(super) const B: [u8; 32] = hex(b"28E9FA9E9D9F5E344D5A9E4BCF6509A7F39789F515AB8F92DDBCBD414D940E93");
/// The generator: x_G || y_G.
pub(super) const GENERATOR: [u8; 64] =
    hex(b"32C4AE2C1F1981195F9904466A39C9948FE30BBFF2660BE1715A4589334C74C7\
      BC3736A2F4F6779C59BDCEE36B692153D0A9877CC62A474002DF32E52139F0A0");
/// The order n of the generator.
pub(super) const N: [u8; 32] = hex(b"FFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFF7203DF6B21C6052B53BBF40939D54123");
const N_MINUS_1: [u8; 32] = hex(b"FFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFF7203DF6B21C6052B53BBF40939D54122");

/// A point of the curve other than infinity.
#[derive(Clone)]
pub(super) struct Point(VerifyingKey);

impl Point {
    /// Decodes a compressed (02, 03) or uncompressed (04) point; `None` if it is not on the curve or a
    /// coordinate is not below p.
    pub(super) fn from_sec1(encoded: &[u8]) -> Option<Self> {
        VerifyingKey::from_sec1_bytes(NO_USER_ID, encoded).ok().map(Self)
    }

    /// 04 || x || y.
    pub(super) fn to_sec1(&self) -> [u8; 65] {
        let mut bytes = [0; 65];
        bytes.iter_mut().zip(self.0.to_sec1_point(false).as_bytes()).for_each(|(to, from)| *to = *from);
        bytes
    }

    /// Whether R||S is this key's signature over `e`.
    pub(super) fn verifies(&self, e: &Digest, signature: &[u8; 64]) -> bool {
        Signature::from_slice(signature).is_ok_and(|signature| self.0.verify_prehash(e, &signature).is_ok())
    }
}

/// A private scalar in [1, n-2], wiped when dropped and boxed so that moves leave no copies.
pub(super) struct Secret(Box<SecretKey>);

impl Secret {
    /// A scalar from the operating system's randomness.
    pub(super) fn generate() -> Result<Self> {
        loop {
            let candidate = SecretKey::try_generate().map_err(|_| no_randomness())?;
            if let Some(secret) = Self::checked(candidate) {
                return Ok(secret);
            }
        }
    }

    /// The scalar with these big-endian bytes; `None` if it is not in [1, n-2].
    pub(super) fn from_bytes(bytes: &[u8; SCALAR_LEN]) -> Option<Self> {
        SecretKey::from_slice(bytes).ok().and_then(Self::checked)
    }

    /// Big-endian bytes.
    pub(super) fn to_bytes(&self) -> Zeroizing<[u8; SCALAR_LEN]> {
        Zeroizing::new(self.0.to_bytes().into())
    }

    /// The public point.
    pub(super) fn point(&self) -> Result<Point> {
        VerifyingKey::new(NO_USER_ID, self.0.public_key()).map(Point).map_err(|_| no_user_id())
    }

    /// R||S over `e`, with the nonce of RFC 6979 §3.6: derived from the scalar and `e`, and from fresh
    /// randomness, so that neither a weak generator nor a fault in one signature gives the key away.
    pub(super) fn sign(&self, e: &Digest) -> Result<[u8; 64]> {
        // Made for each signature, though it costs a point multiplication: this type cannot be wiped.
        let signer = SigningKey::new(NO_USER_ID, &self.0).map_err(|_| no_user_id())?;
        let signature = signer.sign_prehash_with_rng(&mut SysRng, e).map_err(|_| no_randomness())?;
        Ok(signature.to_bytes().into())
    }

    /// Takes n-1 out of [1, n-1]: 1 + d would have no inverse.
    fn checked(secret: SecretKey) -> Option<Self> {
        let bytes = Zeroizing::new(secret.to_bytes());
        let too_large = bool::from(bytes.as_slice().ct_eq(&N_MINUS_1));
        (!too_large).then(|| Self(Box::new(secret)))
    }
}

/// The implementation wants an identifier even where only digests are signed; it has no effect there.
const NO_USER_ID: &str = "";

fn no_user_id() -> Error {
    Error::new(Status::Internal, "sm2: the arithmetic refused an empty user id")
}

fn no_randomness() -> Error {
    Error::new(Status::Io, "sm2: the operating system gave no randomness")
}

/// Upper-case hexadecimal digits as bytes, at compile time.
const fn hex<const LEN: usize>(digits: &[u8]) -> [u8; LEN] {
    const fn nibble(digit: u8) -> u8 {
        if digit <= b'9' { digit - b'0' } else { digit - b'A' + 10 }
    }
    assert!(digits.len() == 2 * LEN);
    let mut bytes = [0; LEN];
    let mut i = 0;
    while i < LEN {
        bytes[i] = nibble(digits[2 * i]) << 4 | nibble(digits[2 * i + 1]);
        i += 1;
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::sm2::tests::unhex;

    #[test]
    fn scalars_lie_in_1_to_n_minus_2() {
        let mut n_minus_2 = N;
        n_minus_2[31] -= 2;
        let mut one = [0; 32];
        one[31] = 1;
        for (scalar, accepted) in [
            ([0; 32], false),
            (one, true),
            (n_minus_2, true),
            (N_MINUS_1, false),
            (N, false),
            ([0xff; 32], false),
        ] {
            assert_eq!(Secret::from_bytes(&scalar).is_some(), accepted, "{scalar:02x?}");
        }
    }

    #[test]
    fn the_generator_is_the_point_of_the_scalar_one() {
        let mut one = [0; 32];
        one[31] = 1;
        assert_eq!(Secret::from_bytes(&one).unwrap().point().unwrap().to_sec1()[1..], GENERATOR);
    }

    /// Cases that no chosen message reaches: x1 >= n, sums that double or end at infinity, extreme s and t.
    #[test]
    fn digests_at_the_edges() {
        let vectors = include_str!("../../../tests/vectors/sm2_digest.json");
        let vectors: serde_json::Value = serde_json::from_str(vectors).unwrap();
        for test in vectors["tests"].as_array().unwrap() {
            let bytes = |field: &str| unhex(test[field].as_str().unwrap());
            let point = Point::from_sec1(&bytes("spki")[26..]).unwrap();
            let verifies =
                point.verifies(&bytes("digest").try_into().unwrap(), &bytes("sig").try_into().unwrap());
            assert_eq!(verifies, test["result"] == "valid", "{}", test["comment"]);
        }
    }
}
