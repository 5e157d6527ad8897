//! The ciphers of contents: GCM (SP 800-38D) with nonces of 96 bits and tags of 128 bits, and no others.
#![forbid(unsafe_code)]

use super::invalid;
use crate::error::{Error, Result, Status};
use ::sm4::Sm4;
use aes_gcm::aead::consts::U12;
use aes_gcm::aead::{AeadInOut, KeyInit};
use aes_gcm::{Aes256Gcm, AesGcm};

/// Bytes in a nonce.
pub const NONCE_LEN: usize = 12;
/// Bytes in a tag.
pub const TAG_LEN: usize = 16;

type Sm4Gcm = AesGcm<Sm4, U12>;

/// A cipher that authenticates what it encrypts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cipher {
    /// AES-256 in GCM (RFC 5084 §3.2).
    Aes256Gcm,
    /// SM4 in GCM (RFC 8998 §2).
    Sm4Gcm,
}

impl Cipher {
    /// Bytes in a key.
    pub fn key_len(self) -> usize {
        match self {
            Self::Aes256Gcm => 32,
            Self::Sm4Gcm => 16,
        }
    }

    /// Encrypts `buffer` in place and answers the tag. A nonce must not serve twice with one key.
    pub fn encrypt(
        self,
        key: &[u8],
        nonce: &[u8; NONCE_LEN],
        associated: &[u8],
        buffer: &mut [u8],
    ) -> Result<[u8; TAG_LEN]> {
        let encrypted = match self {
            Self::Aes256Gcm => Aes256Gcm::new_from_slice(key)
                .map(|gcm| gcm.encrypt_inout_detached(nonce.into(), associated, buffer.into())),
            Self::Sm4Gcm => Sm4Gcm::new_from_slice(key)
                .map(|gcm| gcm.encrypt_inout_detached(nonce.into(), associated, buffer.into())),
        };
        let tag = encrypted.map_err(|_| self.wrong_key(key))?;
        tag.map(Into::into).map_err(|_| Error::new(Status::LimitExceeded, "gcm: the content is too long"))
    }

    /// Verifies the tag and decrypts `buffer` in place; [`Status::PackageInvalid`] where the tag is not that of these bytes,
    /// and `buffer` is what it was.
    pub fn decrypt(
        self,
        key: &[u8],
        nonce: &[u8; NONCE_LEN],
        associated: &[u8],
        buffer: &mut [u8],
        tag: &[u8; TAG_LEN],
    ) -> Result<()> {
        let decrypted = match self {
            Self::Aes256Gcm => Aes256Gcm::new_from_slice(key)
                .map(|gcm| gcm.decrypt_inout_detached(nonce.into(), associated, buffer.into(), tag.into())),
            Self::Sm4Gcm => Sm4Gcm::new_from_slice(key)
                .map(|gcm| gcm.decrypt_inout_detached(nonce.into(), associated, buffer.into(), tag.into())),
        };
        decrypted.map_err(|_| self.wrong_key(key))?.map_err(|_| invalid("the tag is not that of the content"))
    }

    fn wrong_key(self, key: &[u8]) -> Error {
        Error::argument(format!("gcm: expected a key of {} bytes, found {}", self.key_len(), key.len()))
    }
}
