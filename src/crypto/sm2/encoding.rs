//! SM2 keys in files. The formats are those of [`crate::crypto::encoding`], the curve sm2p256v1 and no other.
#![forbid(unsafe_code)]

#[cfg(test)]
mod tests;

use super::{PrivateKey, PublicKey};
use crate::crypto::encoding::algorithm::SM2_CURVE;
use crate::crypto::encoding::spki::CURVE_SPKI_LEN;
use crate::crypto::encoding::{self, CurvePrivateKey, CurvePublicKey, PrivateDer, pbes2, spki};
use crate::crypto::room::{Heap, Rooms};
use crate::error::Result;
use der::asn1::ObjectIdentifier;
use zeroize::Zeroizing;

/// PBKDF2 iterations of the keys that are written.
pub const PBKDF2_ITERATIONS: u32 = pbes2::ITERATIONS;

/// Bytes in a SubjectPublicKeyInfo with an uncompressed point.
pub const SPKI_LEN: usize = CURVE_SPKI_LEN;

impl PrivateKey {
    /// Reads a private key: PKCS#8, encrypted PKCS#8 or SEC 1, in PEM or DER.
    ///
    /// `password` opens an encrypted key and is ignored for any other. PEM may have text and other blocks
    /// around the one private key. What cannot be read is [`Status::KeyInvalid`].
    ///
    /// [`Status::KeyInvalid`]: crate::error::Status::KeyInvalid
    pub fn from_encoded(file: &[u8], password: Option<&[u8]>) -> Result<Self> {
        PrivateDer::read(file, password)?.decode(&Heap)
    }

    /// PKCS#8 (RFC 5958, version v1) around an RFC 5915 key with its public key: 138 bytes.
    pub fn to_pkcs8_der(&self) -> Result<Zeroizing<Vec<u8>>> {
        encoding::pkcs8_der(self)
    }

    /// PKCS#8 under the label `PRIVATE KEY`.
    pub fn to_pkcs8_pem(&self) -> Result<Zeroizing<String>> {
        encoding::pkcs8_pem(self)
    }

    /// PKCS#8 under the label `ENCRYPTED PRIVATE KEY`: PBES2 with PBKDF2-HMAC-SHA256 of
    /// [`PBKDF2_ITERATIONS`] and AES-256-CBC.
    ///
    /// An empty password is [`Status::InvalidArgument`]; [`Status::Io`] if there is no randomness.
    ///
    /// [`Status::InvalidArgument`]: crate::error::Status::InvalidArgument
    /// [`Status::Io`]: crate::error::Status::Io
    pub fn to_pkcs8_encrypted_pem(&self, password: &[u8]) -> Result<Zeroizing<String>> {
        encoding::pkcs8_encrypted_pem(self, password, PBKDF2_ITERATIONS)
    }
}

impl PublicKey {
    /// Reads a SubjectPublicKeyInfo in PEM or DER, its point compressed or not.
    ///
    /// PEM may have text and other blocks around the one public key. What cannot be read, a private key
    /// among it, is [`Status::KeyInvalid`].
    ///
    /// [`Status::KeyInvalid`]: crate::error::Status::KeyInvalid
    pub fn from_encoded(file: &[u8]) -> Result<Self> {
        spki::decode(&encoding::spki_der(file)?)
    }

    /// SubjectPublicKeyInfo with id-ecPublicKey (1.2.840.10045.2.1), the curve 1.2.156.10197.1.301 and the
    /// uncompressed point.
    pub fn to_spki_der(&self) -> [u8; SPKI_LEN] {
        spki::encode(self)
    }

    /// SubjectPublicKeyInfo under the label `PUBLIC KEY`.
    pub fn to_spki_pem(&self) -> String {
        encoding::public_pem("PUBLIC KEY", &self.to_spki_der())
    }
}

impl CurvePublicKey for PublicKey {
    const CURVE: ObjectIdentifier = SM2_CURVE;

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
