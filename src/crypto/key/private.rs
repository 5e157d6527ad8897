//! Private keys that live in this process. Those in tokens are the subject of `custody`.
#![forbid(unsafe_code)]

use super::PublicKey;
use crate::crypto::encoding::{self, PrivateDer};
use crate::crypto::room::{CleanStack, Custody, Heap, Rooms};
use crate::crypto::scheme::Scheme;
use crate::crypto::sm2::{PBKDF2_ITERATIONS, UserId};
use crate::crypto::{p256, sm2};
use crate::error::{Error, Result, Status};
use zeroize::Zeroizing;

/// A private key with its public half, wiped when it is dropped.
#[derive(Debug)]
pub enum PrivateKey {
    /// Of `sm2-sm3`.
    Sm2(sm2::PrivateKey),
    /// Of `ecdsa-p256`.
    P256(p256::PrivateKey),
}

impl PrivateKey {
    /// A new key from the operating system's randomness, in the heap. [`Status::Unsupported`] for a scheme whose keys are not made here;
    /// [`Status::Io`] if there is no randomness.
    pub fn generate(scheme: Scheme) -> Result<Self> {
        Self::generate_in(&Heap, scheme)
    }

    /// As [`generate`](Self::generate), in a room of `rooms`.
    pub fn generate_in(rooms: &dyn Rooms, scheme: Scheme) -> Result<Self> {
        match scheme {
            Scheme::Sm2Sm3 => sm2::PrivateKey::generate_in(rooms).map(Self::Sm2),
            Scheme::EcdsaP256 => p256::PrivateKey::generate_in(rooms).map(Self::P256),
            other => Err(Error::new(
                Status::Unsupported,
                format!("private key: expected the scheme sm2-sm3 or ecdsa-p256, found {other}"),
            )),
        }
    }

    /// Reads a private key: PKCS#8, encrypted PKCS#8 or SEC 1, in PEM or DER; the curve says the scheme.
    ///
    /// `password` opens an encrypted key and is ignored for any other. PEM may have text and other blocks
    /// around the one private key. What cannot be read is [`Status::KeyInvalid`].
    pub fn from_encoded(file: &[u8], password: Option<&[u8]>) -> Result<Self> {
        Self::from_encoded_in(&Heap, file, password)
    }

    /// As [`from_encoded`](Self::from_encoded), in a room of `rooms`.
    pub fn from_encoded_in(rooms: &dyn Rooms, file: &[u8], password: Option<&[u8]>) -> Result<Self> {
        let _clean = CleanStack;
        read(rooms, file, password)
    }

    /// Where the private part is kept.
    pub fn custody(&self) -> Custody {
        match self {
            Self::Sm2(key) => key.custody(),
            Self::P256(key) => key.custody(),
        }
    }

    /// The only scheme that it signs under.
    pub fn scheme(&self) -> Scheme {
        match self {
            Self::Sm2(_) => Scheme::Sm2Sm3,
            Self::P256(_) => Scheme::EcdsaP256,
        }
    }

    /// The public half.
    pub fn public_key(&self) -> PublicKey {
        match self {
            Self::Sm2(key) => PublicKey::Sm2(key.public_key().clone()),
            Self::P256(key) => PublicKey::P256(key.public_key().clone()),
        }
    }

    /// Signs `message`; the user id concerns SM2 alone. 64 bytes R||S, each time others;
    /// [`Status::Io`] if there is no randomness.
    pub fn sign(&self, user_id: &UserId, message: &[u8]) -> Result<Vec<u8>> {
        match self {
            Self::Sm2(key) => key.sign(user_id, message).map(|signature| signature.as_bytes().to_vec()),
            Self::P256(key) => key.sign(message).map(|signature| signature.as_bytes().to_vec()),
        }
    }

    /// PKCS#8 (RFC 5958, version v1) around an RFC 5915 key with its public key.
    pub fn to_pkcs8_der(&self) -> Result<Zeroizing<Vec<u8>>> {
        match self {
            Self::Sm2(key) => encoding::pkcs8_der(key),
            Self::P256(key) => encoding::pkcs8_der(key),
        }
    }

    /// PKCS#8 under the label `PRIVATE KEY`.
    pub fn to_pkcs8_pem(&self) -> Result<Zeroizing<String>> {
        match self {
            Self::Sm2(key) => encoding::pkcs8_pem(key),
            Self::P256(key) => encoding::pkcs8_pem(key),
        }
    }

    /// PKCS#8 under the label `ENCRYPTED PRIVATE KEY`: PBES2 with PBKDF2-HMAC-SHA256 of [`PBKDF2_ITERATIONS`] and
    /// AES-256-CBC.
    ///
    /// An empty password is [`Status::InvalidArgument`]; [`Status::Io`] if there is no randomness.
    pub fn to_pkcs8_encrypted_pem(&self, password: &[u8]) -> Result<Zeroizing<String>> {
        match self {
            Self::Sm2(key) => encoding::pkcs8_encrypted_pem(key, password, PBKDF2_ITERATIONS),
            Self::P256(key) => encoding::pkcs8_encrypted_pem(key, password, PBKDF2_ITERATIONS),
        }
    }

    pub(super) fn verify(&self, user_id: &UserId, message: &[u8], signature: &[u8]) -> Result<()> {
        match self {
            Self::Sm2(key) => {
                key.public_key().verify(user_id, message, &sm2::Signature::from_bytes(signature)?)
            }
            Self::P256(key) => key.public_key().verify(message, &p256::Signature::from_bytes(signature)?),
        }
    }
}

/// A frame of its own, which is wiped behind it.
#[inline(never)]
fn read(rooms: &dyn Rooms, file: &[u8], password: Option<&[u8]>) -> Result<PrivateKey> {
    let der = PrivateDer::read(file, password)?;
    if der.is_p256() {
        der.decode(rooms).map(PrivateKey::P256)
    } else {
        der.decode(rooms).map(PrivateKey::Sm2)
    }
}

impl From<sm2::PrivateKey> for PrivateKey {
    fn from(key: sm2::PrivateKey) -> Self {
        Self::Sm2(key)
    }
}

impl From<p256::PrivateKey> for PrivateKey {
    fn from(key: p256::PrivateKey) -> Self {
        Self::P256(key)
    }
}
