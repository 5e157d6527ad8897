//! ECDSA with SHA-256 on P-256 (FIPS 186-5 §6, SEC 1 v2.0 §4.1), the curve that is also called secp256r1.
//!
//! The arithmetic is that of the crate `p256`. What is held here: signatures are 64 bytes R||S with r and s in
//! [1, n-1]; points are on the curve, not at infinity, and not in the hybrid encoding; nonces are those of RFC 6979 with fresh
//! randomness (§3.6), so that neither a weak generator nor a fault in one of two signatures gives the key away.
//! s and n - s are both accepted, as in the standard: a signature is not a serial number.
#![forbid(unsafe_code)]

use super::encoding::algorithm::P256_CURVE;
use super::encoding::spki::CURVE_SPKI_LEN;
use super::encoding::{CurvePrivateKey, CurvePublicKey, spki};
use super::pair::{self, PAIR_LEN};
use super::room::{CleanStack, Custody, Heap, Room, Rooms, keep};
use crate::error::{Error, Result, Status};
use ::ecdsa::hazmat;
use ::p256::ecdsa::signature::Verifier;
use ::p256::ecdsa::{self, SigningKey, VerifyingKey};
use ::p256::{NistP256, NonZeroScalar};
use der::asn1::ObjectIdentifier;
use sha2::{Digest as _, Sha256};
use std::fmt;
use zeroize::Zeroizing;

/// Bytes in a signature.
pub const SIGNATURE_LEN: usize = PAIR_LEN;

/// The order of the group (SP 800-186 §3.2.1.3), big-endian.
const N: [u8; 32] = [
    0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xbc, 0xe6, 0xfa,
    0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51,
];

/// An ECDSA signature with r and s in [1, n-1]: 64 bytes R||S, each big-endian and left-padded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Signature([u8; SIGNATURE_LEN]);

impl Signature {
    /// Reads R||S; anything else is [`Status::SignatureInvalid`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        pair::check(bytes, &N).map(|bytes| Self(*bytes))
    }

    /// Reads `SEQUENCE { r INTEGER, s INTEGER }` (RFC 3279 §2.2.3) in DER and nothing else.
    pub fn from_der(der: &[u8]) -> Result<Self> {
        Self::from_bytes(&pair::bytes_of_der(der)?)
    }

    /// R||S.
    pub fn as_bytes(&self) -> &[u8; SIGNATURE_LEN] {
        &self.0
    }

    /// `SEQUENCE { r INTEGER, s INTEGER }`, 8 to 72 bytes.
    pub fn to_der(&self) -> Vec<u8> {
        pair::to_der(&self.0)
    }
}

/// A public key: a point of the curve, not at infinity.
#[derive(Clone, PartialEq, Eq)]
pub struct PublicKey {
    key: VerifyingKey,
    /// 04 || x || y.
    encoded: [u8; 65],
}

impl PublicKey {
    /// Decodes a point (SEC 1 §2.3.4): 65 bytes 04 || x || y, or 33 bytes 02 or 03 || x. Infinity, hybrid encodings,
    /// coordinates that are not below p and points off the curve are [`Status::KeyInvalid`].
    pub fn from_point(encoded: &[u8]) -> Result<Self> {
        if !matches!((encoded.first(), encoded.len()), (Some(4), 65) | (Some(2 | 3), 33)) {
            let first = encoded.first().map_or("none".to_owned(), |byte| format!("{byte:02x}"));
            let found = encoded.len();
            return Err(invalid(format!(
                "expected a point of 65 bytes from 04 or 33 bytes from 02 or 03, found {found} bytes from {first}"
            )));
        }
        let off_curve = |_| invalid("the point is not on the curve P-256 (1.2.840.10045.3.1.7)");
        VerifyingKey::from_sec1_bytes(encoded).map_err(off_curve).and_then(Self::of)
    }

    /// 04 || x || y.
    pub fn as_point(&self) -> &[u8; 65] {
        &self.encoded
    }

    /// Whether `signature` is this key's over `message`; if not, [`Status::SignatureInvalid`].
    pub fn verify(&self, message: &[u8], signature: &Signature) -> Result<()> {
        let valid = ecdsa::Signature::from_slice(signature.as_bytes())
            .is_ok_and(|signature| self.key.verify(message, &signature).is_ok());
        if valid {
            return Ok(());
        }
        Err(Error::new(
            Status::SignatureInvalid,
            "signature: it does not belong to this message and this key",
        ))
    }

    /// SubjectPublicKeyInfo with id-ecPublicKey (1.2.840.10045.2.1), the curve 1.2.840.10045.3.1.7 and the
    /// uncompressed point.
    pub fn to_spki_der(&self) -> [u8; CURVE_SPKI_LEN] {
        spki::encode(self)
    }

    fn of(key: VerifyingKey) -> Result<Self> {
        let encoded = <[u8; 65]>::try_from(key.to_sec1_point(false).as_bytes());
        Ok(Self { key, encoded: encoded.map_err(|_| invalid("the point is at infinity"))? })
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("PublicKey").field(&super::key_id::KeyId::of_spki(&self.to_spki_der())).finish()
    }
}

/// A private key: a scalar in [1, n-1] with its public key. The scalar stands in a [`Room`] and is wiped when the key is
/// dropped.
pub struct PrivateKey {
    /// 32 bytes, big-endian.
    secret: Box<dyn Room<[u8]>>,
    public: PublicKey,
}

impl PrivateKey {
    /// A new key from the operating system's randomness, in the heap; [`Status::Io`] if there is none.
    pub fn generate() -> Result<Self> {
        Self::generate_in(&Heap)
    }

    /// As [`generate`](Self::generate), in a room of `rooms`.
    pub fn generate_in(rooms: &dyn Rooms) -> Result<Self> {
        loop {
            let mut scalar = Zeroizing::new([0; 32]);
            getrandom::fill(&mut *scalar).map_err(|_| no_randomness())?;
            // Out of range once in 2^32 times.
            match Self::from_bytes_in(rooms, &*scalar) {
                Err(e) if e.status() == Status::KeyInvalid => {}
                made => return made,
            }
        }
    }

    /// The key with this scalar, 32 bytes big-endian, in the heap; [`Status::KeyInvalid`] if it is not in [1, n-1].
    pub fn from_bytes(scalar: &[u8]) -> Result<Self> {
        Self::from_bytes_in(&Heap, scalar)
    }

    /// As [`from_bytes`](Self::from_bytes), in a room of `rooms`.
    pub fn from_bytes_in(rooms: &dyn Rooms, scalar: &[u8]) -> Result<Self> {
        if scalar.len() != 32 {
            let found = scalar.len();
            return Err(Error::new(
                Status::KeyInvalid,
                format!("private key: expected 32 bytes, found {found}"),
            ));
        }
        let _clean = CleanStack;
        Ok(Self { public: public_of(scalar)?, secret: keep(rooms, scalar)? })
    }

    /// The scalar, 32 bytes big-endian. [`Status::KeyLostAfterFork`] where it stayed in the parent process.
    pub fn to_bytes(&self) -> Result<Zeroizing<[u8; 32]>> {
        let mut scalar = Zeroizing::new([0; 32]);
        scalar.iter_mut().zip(self.secret.open()?).for_each(|(to, from)| *to = *from);
        Ok(scalar)
    }

    /// Where the scalar is kept.
    pub fn custody(&self) -> Custody {
        self.secret.custody()
    }

    /// The public half.
    pub fn public_key(&self) -> &PublicKey {
        &self.public
    }

    /// Signs `message`. Two signatures over one message differ; [`Status::Io`] if there is no randomness,
    /// [`Status::KeyLostAfterFork`] where the key stayed in the parent process.
    pub fn sign(&self, message: &[u8]) -> Result<Signature> {
        let mut fresh = Zeroizing::new([0; 32]);
        getrandom::fill(&mut *fresh).map_err(|_| no_randomness())?;
        let _clean = CleanStack;
        sign(self.secret.open()?, &Sha256::digest(message), &*fresh)
    }
}

/// The public half of a scalar. A frame of its own, which is wiped behind it.
#[inline(never)]
fn public_of(scalar: &[u8]) -> Result<PublicKey> {
    let secret = SigningKey::from_slice(scalar)
        .map_err(|_| Error::new(Status::KeyInvalid, "private key: the number is not in [1, n-1]"))?;
    PublicKey::of(*secret.verifying_key())
}

/// Signs a digest by RFC 6979 with additional data (§3.6). A frame of its own, which is wiped behind it.
#[inline(never)]
fn sign(scalar: &[u8], digest: &[u8], fresh: &[u8]) -> Result<Signature> {
    let scalar = NonZeroScalar::try_from(scalar).map(Zeroizing::new);
    let scalar = scalar.map_err(|_| Error::new(Status::Internal, "p256: a private key of 0"))?;
    let (signature, _) = hazmat::sign_prehashed_rfc6979::<NistP256, Sha256>(&scalar, digest, fresh);
    Signature::from_bytes(&signature.to_bytes())
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PrivateKey").field("public", &self.public).finish_non_exhaustive()
    }
}

impl CurvePublicKey for PublicKey {
    const CURVE: ObjectIdentifier = P256_CURVE;

    fn from_point(encoded: &[u8]) -> Result<Self> {
        Self::from_point(encoded)
    }

    fn as_point(&self) -> &[u8; 65] {
        self.as_point()
    }
}

impl CurvePrivateKey for PrivateKey {
    type Public = PublicKey;

    fn from_scalar(rooms: &dyn Rooms, scalar: &[u8; 32]) -> Result<Self> {
        Self::from_bytes_in(rooms, scalar)
    }

    fn to_scalar(&self) -> Result<Zeroizing<[u8; 32]>> {
        self.to_bytes()
    }

    fn public(&self) -> &PublicKey {
        self.public_key()
    }
}

fn invalid(why: impl fmt::Display) -> Error {
    Error::new(Status::KeyInvalid, format!("public key: {why}"))
}

fn no_randomness() -> Error {
    Error::new(Status::Io, "p256: the operating system gave no randomness")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signatures_belong_to_key_and_message_and_differ() {
        let (key, other) = (PrivateKey::generate().unwrap(), PrivateKey::generate().unwrap());
        let signature = key.sign(b"message").unwrap();
        assert_eq!(key.public_key().verify(b"message", &signature), Ok(()));
        assert_eq!(Signature::from_der(&signature.to_der()), Ok(signature));
        assert_ne!(key.sign(b"message").unwrap(), signature, "the nonce takes in fresh randomness");
        for refused in [
            key.public_key().verify(b"another", &signature),
            other.public_key().verify(b"message", &signature),
        ] {
            assert_eq!(refused.unwrap_err().status(), Status::SignatureInvalid);
        }
    }

    #[test]
    fn r_and_s_are_in_range() {
        let good = *PrivateKey::generate().unwrap().sign(b"message").unwrap().as_bytes();
        let with = |place: usize, scalar: [u8; 32]| {
            let mut bytes = good;
            bytes[place..place + 32].copy_from_slice(&scalar);
            Signature::from_bytes(&bytes).map_err(|e| e.status())
        };
        let mut last = N;
        last[31] -= 1;
        for place in [0, 32] {
            assert!(with(place, last).is_ok());
            for scalar in [[0; 32], N, [0xff; 32]] {
                assert_eq!(with(place, scalar), Err(Status::SignatureInvalid));
            }
        }
        for len in [0, 63, 65] {
            assert!(Signature::from_bytes(&vec![1; len]).is_err());
        }
    }

    #[test]
    fn points_have_to_be_points() {
        let key = PrivateKey::from_bytes(&[7; 32]).unwrap();
        let good = *key.public_key().as_point();
        let compressed = [&[2 | good[64] & 1], &good[1..33]].concat();
        assert_eq!(PublicKey::from_point(&compressed).as_ref(), Ok(key.public_key()));
        let mut off_curve = good;
        off_curve[64] ^= 1;
        let hybrid = [&[6 | good[64] & 1], &good[1..]].concat();
        for point in [off_curve.to_vec(), hybrid, vec![0], vec![0; 65], vec![], good[..64].to_vec()] {
            assert_eq!(
                PublicKey::from_point(&point).unwrap_err().status(),
                Status::KeyInvalid,
                "{point:02x?}"
            );
        }
        for scalar in [[0; 32], N, [0xff; 32]] {
            assert_eq!(PrivateKey::from_bytes(&scalar).unwrap_err().status(), Status::KeyInvalid);
        }
    }
}
