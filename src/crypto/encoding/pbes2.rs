//! Encrypted PKCS#8 by PBES2 with PBKDF2 (RFC 8018 §6.2, RFC 5958 §3).
//!
//! ```text
//! EncryptedPrivateKeyInfo ::= SEQUENCE { AlgorithmIdentifier { PBES2, PBES2-params }, OCTET STRING }
//! PBES2-params  ::= SEQUENCE { AlgorithmIdentifier { PBKDF2, PBKDF2-params },
//!                              AlgorithmIdentifier { cipher, iv OCTET STRING } }
//! PBKDF2-params ::= SEQUENCE { salt OCTET STRING, iterationCount INTEGER, keyLength INTEGER OPTIONAL,
//!                              prf AlgorithmIdentifier DEFAULT hmacWithSHA1 }
//! ```
#![forbid(unsafe_code)]

mod cipher;
mod prf;

use super::algorithm::{Named, oid, openssl_converts};
use super::{invalid, malformed};
use crate::crypto::asn1::{Algorithm, OCTET_STRING, SEQUENCE, read_sequence, tlv, unsigned};
use crate::error::{Error, Result, Status};
use cipher::{Cipher, IV_LEN};
use der::asn1::{AnyRef, ObjectIdentifier, OctetStringRef};
use der::{Decode, Reader};
use prf::Prf;
use zeroize::Zeroizing;

/// PBKDF2 iterations of the keys that are written (OWASP's figure for HMAC-SHA256).
pub const ITERATIONS: u32 = 600_000;

/// The most iterations of a key that is read: a hostile file must not cost minutes, nor milliseconds while fuzzing.
const MAX_ITERATIONS: u32 = if cfg!(fuzzing) { 100 } else { 10_000_000 };

const SALT_LEN: usize = 16;

const PBES2: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.5.13");
const PBKDF2: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.5.12");

/// The plain text of an `EncryptedPrivateKeyInfo`.
///
/// A wrong password may also come out as an arbitrary plain text: see [`wrong_password`].
pub(super) fn decrypt(der: &[u8], password: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
    let (scheme, ciphertext) =
        read_sequence(der, |body| Ok((Algorithm::read(body)?, <&OctetStringRef>::decode(body)?)))
            .map_err(malformed("EncryptedPrivateKeyInfo"))?;
    let parameters = parameters_of(&scheme, PBES2)?;
    let (kdf, encryption) = parameters
        .sequence(|body| Ok((Algorithm::read(body)?, Algorithm::read(body)?)))
        .map_err(malformed("PBES2"))?;

    let cipher = Cipher::of_oid(encryption.oid)?;
    let iv: &OctetStringRef = required(&encryption)?.decode_as().map_err(malformed("iv"))?;
    let iv = <&[u8; IV_LEN]>::try_from(iv.as_bytes())
        .map_err(|_| invalid(format!("expected an iv of {IV_LEN} bytes, found {}", iv.as_bytes().len())))?;
    let key = Pbkdf2::read(&kdf)?.key(password, cipher.key_len())?;
    cipher.decrypt(&key, iv, ciphertext.as_bytes()).ok_or_else(wrong_password)
}

/// An `EncryptedPrivateKeyInfo` of `plain` by PBKDF2-HMAC-SHA256 and AES-256-CBC.
pub(super) fn encrypt(plain: &[u8], password: &[u8], iterations: u32) -> Result<Zeroizing<Vec<u8>>> {
    let (salt, iv) = (random::<SALT_LEN>()?, random::<IV_LEN>()?);
    let (prf, cipher) = (Prf::HmacSha256, Cipher::Aes256);
    let kdf = Pbkdf2 { salt: &salt, iterations, key_len: None, prf };
    let ciphertext = cipher.encrypt(&kdf.key(password, cipher.key_len())?, &iv, plain)?;

    let encryption = tlv(SEQUENCE, &[&oid(cipher.oid()), &tlv(OCTET_STRING, &[&iv])]);
    let parameters = tlv(SEQUENCE, &[&kdf.write(), &encryption]);
    let scheme = tlv(SEQUENCE, &[&oid(PBES2), &parameters]);
    Ok(tlv(SEQUENCE, &[&scheme, &tlv(OCTET_STRING, &[&ciphertext])]))
}

/// The answer where decryption does not give a key.
pub(super) fn wrong_password() -> Error {
    invalid("the password is wrong, or the file is damaged")
}

/// How the key is made from the password.
struct Pbkdf2<'a> {
    salt: &'a [u8],
    iterations: u32,
    key_len: Option<u16>,
    prf: Prf,
}

impl<'a> Pbkdf2<'a> {
    fn read(kdf: &Algorithm<'a>) -> Result<Self> {
        let (salt, iterations, key_len, prf) = parameters_of(kdf, PBKDF2)?
            .sequence(|body| {
                let salt = <&OctetStringRef>::decode(body)?;
                let iterations = u32::decode(body)?;
                let key_len = Option::<u16>::decode(body)?;
                let prf = if body.is_finished() { None } else { Some(Algorithm::read(body)?) };
                Ok((salt, iterations, key_len, prf))
            })
            .map_err(malformed("PBKDF2"))?;
        if !(1..=MAX_ITERATIONS).contains(&iterations) {
            return Err(invalid(format!(
                "expected 1 to {MAX_ITERATIONS} PBKDF2 iterations, found {iterations}"
            )));
        }
        let prf = prf.map_or(Ok(Prf::HmacSha1), |prf| Prf::of(&prf))?;
        Ok(Self { salt: salt.as_bytes(), iterations, key_len, prf })
    }

    fn write(&self) -> Zeroizing<Vec<u8>> {
        let salt = tlv(OCTET_STRING, &[self.salt]);
        let parameters =
            tlv(SEQUENCE, &[&salt, &unsigned(&self.iterations.to_be_bytes()), &self.prf.write()]);
        tlv(SEQUENCE, &[&oid(PBKDF2), &parameters])
    }

    fn key(&self, password: &[u8], len: usize) -> Result<Zeroizing<Vec<u8>>> {
        if let Some(found) = self.key_len.filter(|key_len| usize::from(*key_len) != len) {
            return Err(invalid(format!("expected a PBKDF2 key length of {len}, found {found}")));
        }
        let mut key = Zeroizing::new(vec![0; len]);
        self.prf.pbkdf2(password, self.salt, self.iterations, &mut key);
        Ok(key)
    }
}

/// The parameters of `algorithm`, which has to be `expected`.
fn parameters_of<'a>(algorithm: &Algorithm<'a>, expected: ObjectIdentifier) -> Result<AnyRef<'a>> {
    if algorithm.oid != expected {
        let (expected, found) = (Named(expected), Named(algorithm.oid));
        let how = openssl_converts();
        return Err(invalid(format!("expected encryption by {expected}, found {found}, {how}")));
    }
    required(algorithm)
}

fn required<'a>(algorithm: &Algorithm<'a>) -> Result<AnyRef<'a>> {
    algorithm.parameters.ok_or_else(|| invalid(format!("{} has no parameters", Named(algorithm.oid))))
}

fn random<const LEN: usize>() -> Result<[u8; LEN]> {
    let mut bytes = [0; LEN];
    getrandom::fill(&mut bytes)
        .map_err(|_| Error::new(Status::Io, "key file: the operating system gave no randomness"))?;
    Ok(bytes)
}
