//! HMAC with SHA-256 (RFC 2104, FIPS 198-1): for messages between peers and for local receipts.
//!
//! Whoever can verify can also make one. So a code vouches for nothing towards others, and never for a plugin.
#![forbid(unsafe_code)]

use super::key_id::KeyId;
use super::room::{CleanStack, Custody, Heap, Room, Rooms, keep};
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
    bytes: Box<dyn Room<[u8]>>,
    key_id: KeyId,
}

impl SecretKey {
    /// A new key of 32 bytes from the operating system's randomness, in the heap; [`Status::Io`] if there is none.
    pub fn generate() -> Result<Self> {
        Self::generate_in(&Heap)
    }

    /// As [`generate`](Self::generate), in a room of `rooms`.
    pub fn generate_in(rooms: &dyn Rooms) -> Result<Self> {
        let mut bytes = Zeroizing::new(vec![0; TAG_LEN]);
        getrandom::fill(&mut bytes)
            .map_err(|_| Error::new(Status::Io, "hmac: the operating system gave no randomness"))?;
        Self::from_bytes_in(rooms, &bytes)
    }

    /// The key `bytes`, from [`MIN_KEY_LEN`] to [`MAX_KEY_LEN`] of them, in the heap; otherwise [`Status::KeyInvalid`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        Self::from_bytes_in(&Heap, bytes)
    }

    /// As [`from_bytes`](Self::from_bytes), in a room of `rooms`.
    pub fn from_bytes_in(rooms: &dyn Rooms, bytes: &[u8]) -> Result<Self> {
        if !(MIN_KEY_LEN..=MAX_KEY_LEN).contains(&bytes.len()) {
            return Err(Error::new(
                Status::KeyInvalid,
                format!("secret key: expected {MIN_KEY_LEN} to {MAX_KEY_LEN} bytes, found {}", bytes.len()),
            ));
        }
        let _clean = CleanStack;
        Ok(Self { key_id: key_id(bytes), bytes: keep(rooms, bytes)? })
    }

    /// The key's bytes. [`Status::KeyLostAfterFork`] where they stayed in the parent process.
    pub fn as_bytes(&self) -> Result<&[u8]> {
        self.bytes.open()
    }

    /// Where the bytes are kept.
    pub fn custody(&self) -> Custody {
        self.bytes.custody()
    }

    /// A name for the key that does not give it away: the SM3 digest of a domain tag and the key.
    pub fn key_id(&self) -> KeyId {
        self.key_id
    }

    /// The code of `message`.
    pub fn sign(&self, message: &[u8]) -> Result<[u8; TAG_LEN]> {
        let _clean = CleanStack;
        self.code(message)
    }

    /// Whether `tag` is the code of `message`; if not, or if it is shorter, [`Status::SignatureInvalid`]. Takes the same time
    /// whichever bytes differ.
    pub fn verify(&self, message: &[u8], tag: &[u8]) -> Result<()> {
        let _clean = CleanStack;
        self.check(message, tag)
    }

    /// A frame of its own, which is wiped behind it.
    #[inline(never)]
    fn code(&self, message: &[u8]) -> Result<[u8; TAG_LEN]> {
        Ok(self.mac(message)?.finalize().into_bytes().into())
    }

    /// As [`code`](Self::code).
    #[inline(never)]
    fn check(&self, message: &[u8], tag: &[u8]) -> Result<()> {
        let why = "signature: the code does not belong to this message and this key";
        self.mac(message)?.verify_slice(tag).map_err(|_| Error::new(Status::SignatureInvalid, why))
    }

    fn mac(&self, message: &[u8]) -> Result<Hmac<Sha256>> {
        let mac = Hmac::<Sha256>::new_from_slice(self.bytes.open()?);
        let mac = mac.map_err(|_| Error::new(Status::Internal, "hmac: refused the length of its key"))?;
        Ok(mac.chain_update(message))
    }
}

#[inline(never)]
fn key_id(bytes: &[u8]) -> KeyId {
    const TAG: &[u8] = b"sogov.hmac-key.v1\0";
    KeyId::of_spki(&Zeroizing::new([TAG, bytes].concat()))
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
