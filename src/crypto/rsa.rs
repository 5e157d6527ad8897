//! RSASSA-PSS with SHA-512, MGF1 with SHA-512 and a salt of 64 bytes (RFC 8017 §8.1, FIPS 186-5 §5.4): verifying only.
//!
//! Moduli have from 3072 to 8192 bits. The lower bound is that of 128 bits of strength (SP 800-57 part 1 rev. 5, table 2),
//! the least that the other schemes have; BSI TR-02102-1 asks for 3000 since 2024. The upper one
//! bounds the time of a verification. The exponent is odd and from 65537 (FIPS 186-5 §5.1) to 2^32 - 1.
//!
//! Signing stands elsewhere: the private operation of the crate `rsa` is not constant in time (RUSTSEC-2023-0071), so
//! such keys live in a token. Verifying knows no secret.
//!
//! For update packages there is also RSAES-OAEP with SHA-256, MGF1-SHA-256 and the empty label (RFC 8017 §7.1), by keys that
//! sign nothing; what decrypts is in `private`.
#![forbid(unsafe_code)]

mod private;

pub use private::PrivateKey;

use super::asn1::{BIT_STRING, SEQUENCE, read_sequence, tlv, unsigned};
use super::encoding::algorithm::{Named, RSA, oid};
use super::encoding::{invalid, malformed, spki};
use crate::error::{Error, Result, Status};
use ::rsa::hazmat::rsa_encrypt;
use ::rsa::pss::{Signature, VerifyingKey};
use ::rsa::signature::Verifier;
use ::rsa::{BoxedUint, RsaPublicKey};
use der::Decode;
use der::asn1::UintRef;
use sha2::Sha512;
use std::fmt;
use zeroize::Zeroizing;

/// Bits in the shortest modulus.
pub const MIN_BITS: u32 = 3072;
/// Bits in the longest modulus.
pub const MAX_BITS: u32 = 8192;
/// The least exponent.
const MIN_EXPONENT: u64 = 65537;
/// Bytes of salt: as many as the digest has.
const SALT_LEN: usize = 64;

/// A public key.
#[derive(Clone)]
pub struct PublicKey {
    key: VerifyingKey<Sha512>,
    /// Bytes in the modulus, and so in a signature.
    len: usize,
    modulus: Vec<u8>,
    spki: Vec<u8>,
}

impl PublicKey {
    /// Reads a SubjectPublicKeyInfo whose algorithm is rsaEncryption (RFC 3279 §2.3.1); what breaks a rule above is
    /// [`Status::KeyInvalid`].
    pub fn from_spki(der: &[u8]) -> Result<Self> {
        let (algorithm, bits) = spki::split(der)?;
        if algorithm.oid != RSA {
            let (expected, found) = (Named(RSA), Named(algorithm.oid));
            return Err(invalid(format!("expected the algorithm {expected}, found {found}")));
        }
        if !algorithm.parameters.is_some_and(der::asn1::AnyRef::is_null) {
            return Err(invalid("expected NULL as the parameters of RSA"));
        }
        let key = bits.as_bytes().ok_or_else(|| invalid("the key is not a number of whole bytes"))?;
        let (modulus, exponent) =
            read_sequence(key, |body| Ok((UintRef::decode(body)?, UintRef::decode(body)?)))
                .map_err(malformed("RSAPublicKey"))?;
        Self::from_numbers(modulus.as_bytes(), exponent.as_bytes())
    }

    /// Bytes in a signature.
    pub fn signature_len(&self) -> usize {
        self.len
    }

    /// Whether `signature` is this key's over `message`; if not, or if it has another length than the modulus,
    /// [`Status::SignatureInvalid`].
    pub fn verify(&self, message: &[u8], signature: &[u8]) -> Result<()> {
        let valid = signature.len() == self.len
            && Signature::try_from(signature)
                .is_ok_and(|signature| self.key.verify(message, &signature).is_ok());
        if valid {
            return Ok(());
        }
        Err(Error::new(
            Status::SignatureInvalid,
            "signature: it does not belong to this message and this key",
        ))
    }

    /// Encrypts `message`, a key, by RSAES-OAEP. [`Status::InvalidArgument`] for more than fits;
    /// [`Status::Io`] if there is no randomness.
    pub fn encrypt_oaep(&self, message: &[u8]) -> Result<Vec<u8>> {
        let block = super::oaep::encode(message, &*super::oaep::seed()?, self.len)?;
        let failed = |_| Error::new(Status::Internal, "rsa: the public operation failed");
        let bits = bits_of(&self.modulus).next_multiple_of(64);
        let number = BoxedUint::from_be_slice(&block, bits)
            .map_err(|_| Error::new(Status::Internal, "rsa: the block is too long"))?;
        let key: &RsaPublicKey = self.key.as_ref();
        let cipher = rsa_encrypt(key, &Zeroizing::new(number)).map_err(failed)?.to_be_bytes();
        Ok(cipher.iter().skip(cipher.len().saturating_sub(self.len)).copied().collect())
    }

    /// SubjectPublicKeyInfo.
    pub fn to_spki_der(&self) -> &[u8] {
        &self.spki
    }

    /// The key of two big-endian numbers, as tokens have them; the rules are those of [`from_spki`](Self::from_spki).
    pub fn from_be_numbers(modulus: &[u8], exponent: &[u8]) -> Result<Self> {
        let shortest = |number: &[u8]| {
            let zeros = number.iter().take_while(|byte| **byte == 0).count();
            number.get(zeros..).unwrap_or_default().to_vec()
        };
        Self::from_numbers(&shortest(modulus), &shortest(exponent))
    }

    /// Both numbers big-endian and without leading zeros.
    fn from_numbers(modulus: &[u8], exponent: &[u8]) -> Result<Self> {
        let bits = bits_of(modulus);
        if !(MIN_BITS..=MAX_BITS).contains(&bits) {
            return Err(invalid(format!(
                "expected an RSA modulus of {MIN_BITS} to {MAX_BITS} bits, found {bits}"
            )));
        }
        if modulus.last().is_none_or(|last| last % 2 == 0) {
            return Err(invalid("expected an odd RSA modulus"));
        }
        let number = (exponent.len() <= 4)
            .then(|| exponent.iter().fold(0_u64, |number, byte| number << 8 | u64::from(*byte)))
            .filter(|number| *number >= MIN_EXPONENT && number % 2 == 1)
            .ok_or_else(|| invalid("expected an odd RSA exponent from 65537 to 4294967295"))?;
        let refused = |_| invalid("the numbers make no RSA key");
        let modulus_number = BoxedUint::from_be_slice_vartime(modulus);
        let key = RsaPublicKey::new_with_size_limits(
            modulus_number,
            BoxedUint::from(number),
            MIN_BITS as usize..=MAX_BITS as usize,
        )
        .map_err(refused)?;
        let numbers = tlv(SEQUENCE, &[&unsigned(modulus), &unsigned(exponent)]);
        let algorithm = tlv(SEQUENCE, &[&oid(RSA), &[5, 0]]);
        let spki = tlv(SEQUENCE, &[&algorithm, &tlv(BIT_STRING, &[&[0], &numbers])]).to_vec();
        let key = VerifyingKey::new_with_salt_len(key, SALT_LEN);
        Ok(Self { key, len: modulus.len(), modulus: modulus.to_vec(), spki })
    }
}

impl PartialEq for PublicKey {
    fn eq(&self, other: &Self) -> bool {
        self.spki == other.spki
    }
}

impl Eq for PublicKey {}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("PublicKey").field(&super::key_id::KeyId::of_spki(&self.spki)).finish()
    }
}

/// How many bits a number has, the first of its bytes not being 0.
fn bits_of(number: &[u8]) -> u32 {
    let bits = u32::try_from(number.len()).ok().and_then(|len| len.checked_mul(8));
    let zeros = number.first().map_or(0, |first| first.leading_zeros());
    bits.map_or(u32::MAX, |bits| bits.saturating_sub(zeros))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(modulus: &[u8], exponent: &[u8], why: &str) {
        let error = PublicKey::from_numbers(modulus, exponent).unwrap_err();
        assert_eq!(error.status(), Status::KeyInvalid);
        assert!(error.message().contains(why), "{error}");
    }

    #[test]
    fn sizes_and_exponents_have_bounds() {
        let modulus = |bytes: usize| vec![0xff; bytes];
        PublicKey::from_numbers(&modulus(384), &[1, 0, 1]).unwrap();
        PublicKey::from_numbers(&modulus(1024), &[0xff; 4]).unwrap();
        refused(&modulus(256), &[1, 0, 1], "expected an RSA modulus of 3072 to 8192 bits, found 2048");
        refused(&[&[0x7f], &*modulus(383)].concat(), &[1, 0, 1], "found 3071");
        refused(&[&[1], &*modulus(1024)].concat(), &[1, 0, 1], "found 8193");
        refused(&[&*modulus(383), &[0xfe]].concat(), &[1, 0, 1], "odd RSA modulus");
        for exponent in [[].as_slice(), &[3], &[1, 0, 0], &[0xff, 0xff], &[1, 0, 2], &[1, 0, 0, 0, 1]] {
            refused(&modulus(384), exponent, "odd RSA exponent");
        }
    }

    #[test]
    fn the_algorithm_is_rsa_encryption_with_null_and_der_has_one_reading() {
        let good = PublicKey::from_numbers(&[0xff; 384], &[1, 0, 1]).unwrap();
        let der = good.to_spki_der();
        assert_eq!(PublicKey::from_spki(der).unwrap(), good);
        assert!(PublicKey::from_spki(&[der, &[0]].concat()).is_err());
        for cut in 0..der.len() {
            assert!(PublicKey::from_spki(&der[..cut]).is_err());
        }
        let key = tlv(BIT_STRING, &[&[0], &tlv(SEQUENCE, &[&unsigned(&[0xff; 384]), &unsigned(&[1, 0, 1])])]);
        let spki = |algorithm: &[u8]| tlv(SEQUENCE, &[&tlv(SEQUENCE, &[algorithm]), &key]);
        let why = |der: &[u8]| PublicKey::from_spki(der).unwrap_err().message().to_owned();
        assert!(why(&spki(&oid(RSA))).contains("expected NULL"));
        let pss = oid(der::asn1::ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.10"));
        assert!(why(&spki(&[&**pss, &[5, 0]].concat())).contains("RSASSA-PSS"));
    }
}
