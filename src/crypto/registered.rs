//! Keys of the schemes that a host registers: a scheme's name and bytes that only the scheme can read.
//!
//! In a file such a public key is, as PEM under the label `SOGOV REGISTERED KEY` or as bare DER:
//!
//! ```text
//! SEQUENCE { scheme UTF8String ("x-..."), key OCTET STRING (SIZE (1..8192)) }
//! ```
//!
//! Its key id is the digest of that DER. So it is that of no SubjectPublicKeyInfo, and one key under two schemes is two keys.
#![forbid(unsafe_code)]

use super::asn1::{OCTET_STRING, SEQUENCE, UTF8_STRING, read_sequence, tlv};
use super::encoding::{invalid, malformed};
use super::key_id::KeyId;
use super::room::{Custody, Heap, Room, Rooms, keep};
use crate::error::{Error, Result};
use der::Decode;
use der::asn1::{OctetStringRef, Utf8StringRef};
use std::fmt;

/// The label of such a key in PEM.
pub(super) const PEM_LABEL: &str = "SOGOV REGISTERED KEY";
/// Bytes in the longest key.
pub const MAX_KEY_LEN: usize = 8 << 10;
/// Bytes in the longest name.
const MAX_NAME_LEN: usize = 32;

/// The name of a registered scheme: `x-`, then 1 to 30 of `a-z 0-9 . - _`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SchemeName {
    /// With zeros behind the name.
    bytes: [u8; MAX_NAME_LEN],
}

impl SchemeName {
    /// The name `text`; anything else is [`Status::InvalidArgument`](crate::error::Status::InvalidArgument).
    pub fn new(text: &str) -> Result<Self> {
        let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b".-_".contains(&byte);
        let good = text.strip_prefix("x-").is_some_and(|rest| !rest.is_empty() && rest.bytes().all(allowed));
        let mut bytes = [0; MAX_NAME_LEN];
        let place = bytes.get_mut(..text.len()).filter(|_| good).ok_or_else(|| {
            Error::argument(format!(
                "name of a registered scheme: expected x- and 1 to 30 of a-z 0-9 . - _, found {text:?}"
            ))
        })?;
        place.copy_from_slice(text.as_bytes());
        Ok(Self { bytes })
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        let len = self.bytes.iter().position(|byte| *byte == 0).unwrap_or(MAX_NAME_LEN);
        self.bytes.get(..len).and_then(|name| std::str::from_utf8(name).ok()).unwrap_or_default()
    }
}

impl fmt::Debug for SchemeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

/// A public key of a registered scheme.
#[derive(Clone, PartialEq, Eq)]
pub struct RegisteredKey {
    scheme: SchemeName,
    bytes: Box<[u8]>,
}

impl RegisteredKey {
    /// The key `bytes`, from 1 to [`MAX_KEY_LEN`] of them; otherwise
    /// [`Status::KeyInvalid`](crate::error::Status::KeyInvalid). Whether they are a key, the scheme alone knows.
    pub fn new(scheme: SchemeName, bytes: &[u8]) -> Result<Self> {
        check_len(bytes)?;
        Ok(Self { scheme, bytes: bytes.into() })
    }

    /// The scheme that can read it.
    pub fn scheme(&self) -> SchemeName {
        self.scheme
    }

    /// The key as the scheme reads it.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The key's identifier.
    pub fn key_id(&self) -> KeyId {
        KeyId::of_spki(&self.to_der())
    }

    /// The key as it stands in files.
    pub fn to_der(&self) -> Vec<u8> {
        let name = tlv(UTF8_STRING, &[self.scheme.as_str().as_bytes()]);
        tlv(SEQUENCE, &[&name, &tlv(OCTET_STRING, &[&self.bytes])]).to_vec()
    }

    pub(super) fn from_der(der: &[u8]) -> Result<Self> {
        let (name, bytes) = read_sequence(der, |body| {
            Ok((<Utf8StringRef<'_>>::decode(body)?, <&OctetStringRef>::decode(body)?))
        })
        .map_err(malformed("key of a registered scheme"))?;
        Self::new(SchemeName::new(name.as_str()).map_err(|e| invalid(e.message()))?, bytes.as_bytes())
    }
}

impl fmt::Debug for RegisteredKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("RegisteredKey").field(&self.scheme).field(&self.key_id()).finish()
    }
}

/// A key pair of a registered scheme. The private bytes are wiped when it is dropped.
pub struct RegisteredPair {
    public: RegisteredKey,
    private: Box<dyn Room<[u8]>>,
}

impl RegisteredPair {
    /// The pair of `public` and the bytes from 1 to [`MAX_KEY_LEN`] that the scheme signs with.
    pub fn new(public: RegisteredKey, private: &[u8]) -> Result<Self> {
        Self::new_in(&Heap, public, private)
    }

    /// As [`new`](Self::new), the private bytes in a room of `rooms`.
    pub fn new_in(rooms: &dyn Rooms, public: RegisteredKey, private: &[u8]) -> Result<Self> {
        check_len(private)?;
        Ok(Self { public, private: keep(rooms, private)? })
    }

    /// The public half.
    pub fn public_key(&self) -> &RegisteredKey {
        &self.public
    }

    /// What the scheme signs with. [`Status::KeyLostAfterFork`](crate::error::Status::KeyLostAfterFork) where it stayed in
    /// the parent process.
    pub fn private_bytes(&self) -> Result<&[u8]> {
        self.private.open()
    }

    /// Where the private bytes are kept.
    pub fn custody(&self) -> Custody {
        self.private.custody()
    }
}

impl fmt::Debug for RegisteredPair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RegisteredPair").field("public", &self.public).finish_non_exhaustive()
    }
}

fn check_len(bytes: &[u8]) -> Result<()> {
    if (1..=MAX_KEY_LEN).contains(&bytes.len()) {
        return Ok(());
    }
    Err(invalid(format!(
        "expected 1 to {MAX_KEY_LEN} bytes of a registered scheme's key, found {}",
        bytes.len()
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_begin_with_x() {
        for name in ["x-a", "x-ed25519", "x-bank.internal_v2", &format!("x-{}", "a".repeat(30))] {
            assert_eq!(SchemeName::new(name).unwrap().as_str(), name);
        }
        for name in
            ["", "x", "x-", "sm2-sm3", "X-a", "x-A", "x-a b", "x-\0", &format!("x-{}", "a".repeat(31))]
        {
            assert!(SchemeName::new(name).is_err(), "{name:?}");
        }
    }

    #[test]
    fn keys_in_files_have_one_reading() {
        let key = RegisteredKey::new(SchemeName::new("x-test").unwrap(), b"key").unwrap();
        let der = key.to_der();
        assert_eq!(RegisteredKey::from_der(&der).as_ref(), Ok(&key));
        for cut in 0..der.len() {
            assert!(RegisteredKey::from_der(&der[..cut]).is_err());
        }
        assert!(RegisteredKey::from_der(&[&*der, &[0]].concat()).is_err());
        let other = RegisteredKey::new(SchemeName::new("x-other").unwrap(), b"key").unwrap();
        assert_ne!(other.key_id(), key.key_id());
    }
}
