//! HMAC with SHA-256 (RFC 2104, FIPS 198-1): for messages between peers and for local receipts.
//!
//! Whoever can verify can also make one. So a code vouches for nothing towards others, and never for a plugin.
#![forbid(unsafe_code)]

use super::key_id::KeyId;
use crate::error::{Error, Result, Status};
use ::hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use std::fmt;
use zeroize::Zeroizing;

/// Bytes in a code; a shorter one is refused.
pub const TAG_LEN: usize = 32;
/// Bytes in the shortest key: 128 bits of strength (SP 800-107 rev. 1 §5.3.4).
pub const MIN_KEY_LEN: usize = 16;
/// Bytes in the longest key.
pub const MAX_KEY_LEN: usize = 1024;

/// A secret key, wiped when it is dropped.
pub struct SecretKey {
    bytes: Zeroizing<Vec<u8>>,
}

impl SecretKey {
    /// A new key of 32 bytes from the operating system's randomness; [`Status::Io`] if there is none.
    pub fn generate() -> Result<Self> {
        let mut bytes = Zeroizing::new(vec![0; TAG_LEN]);
        getrandom::fill(&mut bytes)
            .map_err(|_| Error::new(Status::Io, "hmac: the operating system gave no randomness"))?;
        Ok(Self { bytes })
    }

    /// The key `bytes`, from [`MIN_KEY_LEN`] to [`MAX_KEY_LEN`] of them; otherwise [`Status::KeyInvalid`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        if !(MIN_KEY_LEN..=MAX_KEY_LEN).contains(&bytes.len()) {
            return Err(Error::new(
                Status::KeyInvalid,
                format!("secret key: expected {MIN_KEY_LEN} to {MAX_KEY_LEN} bytes, found {}", bytes.len()),
            ));
        }
        Ok(Self { bytes: Zeroizing::new(bytes.to_vec()) })
    }

    /// The key's bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// A name for the key that does not give it away: the SM3 digest of a domain tag and the key.
    pub fn key_id(&self) -> KeyId {
        const TAG: &[u8] = b"sogov.hmac-key.v1\0";
        KeyId::of_spki(&Zeroizing::new([TAG, self.as_bytes()].concat()))
    }

    /// The code of `message`.
    pub fn sign(&self, message: &[u8]) -> Result<[u8; TAG_LEN]> {
        Ok(self.mac(message)?.finalize().into_bytes().into())
    }

    /// Whether `tag` is the code of `message`; if not, or if it is shorter, [`Status::SignatureInvalid`]. Takes the same time
    /// whichever bytes differ.
    pub fn verify(&self, message: &[u8], tag: &[u8]) -> Result<()> {
        let why = "signature: the code does not belong to this message and this key";
        self.mac(message)?.verify_slice(tag).map_err(|_| Error::new(Status::SignatureInvalid, why))
    }

    fn mac(&self, message: &[u8]) -> Result<Hmac<Sha256>> {
        let mac = Hmac::<Sha256>::new_from_slice(&self.bytes);
        let mac = mac.map_err(|_| Error::new(Status::Internal, "hmac: refused the length of its key"))?;
        Ok(mac.chain_update(message))
    }
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SecretKey").field(&self.key_id()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_belong_to_key_and_message() {
        let (key, other) = (SecretKey::generate().unwrap(), SecretKey::generate().unwrap());
        let tag = key.sign(b"message").unwrap();
        assert_eq!(key.verify(b"message", &tag), Ok(()));
        for refused in [
            key.verify(b"another", &tag),
            other.verify(b"message", &tag),
            key.verify(b"message", &tag[..16]),
            key.verify(b"message", &[]),
            key.verify(b"message", &[tag.as_slice(), &[0]].concat()),
        ] {
            assert_eq!(refused.unwrap_err().status(), Status::SignatureInvalid);
        }
    }

    #[test]
    fn keys_have_bounds_and_do_not_show_themselves() {
        for len in [0, 15, 1025] {
            assert_eq!(SecretKey::from_bytes(&vec![1; len]).unwrap_err().status(), Status::KeyInvalid);
        }
        let key = SecretKey::from_bytes(b"0123456789abcdef").unwrap();
        assert!(!format!("{key:?}").contains("0123456789abcdef"));
        assert_ne!(key.key_id(), KeyId::of_spki(b"0123456789abcdef"));
    }
}
