//! The name of a public key: the SM3 digest of its SubjectPublicKeyInfo in DER.
//!
//! A verifier recomputes it from the key, so a file cannot give one key two names.
#![forbid(unsafe_code)]

use super::sm3::{self, DIGEST_LEN, Digest};
use crate::error::{Error, Result};
use std::fmt;
use std::str::FromStr;

/// A key's identifier; its text form is `sm3:` and 64 lower-case hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId(Digest);

impl KeyId {
    /// The identifier of the key whose SubjectPublicKeyInfo is `spki`.
    pub fn of_spki(spki: &[u8]) -> Self {
        Self(sm3::digest(spki))
    }

    /// The identifier as it stands in a signature container.
    pub fn from_bytes(bytes: Digest) -> Self {
        Self(bytes)
    }

    /// The 32 bytes of the digest.
    pub fn as_bytes(&self) -> &Digest {
        &self.0
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("sm3:")?;
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for KeyId {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        parse_digest(text).map(Self).ok_or_else(|| {
            Error::argument(format!("key id: expected sm3: and 64 hex digits, found {text:?}"))
        })
    }
}

/// Reads `sm3:` and 64 hexadecimal digits, the text form of every digest in documents and messages.
pub fn parse_digest(text: &str) -> Option<Digest> {
    let hex = text.strip_prefix("sm3:")?.as_bytes();
    let mut digest = [0; DIGEST_LEN];
    let (pairs, rest) = hex.as_chunks::<2>();
    if pairs.len() != DIGEST_LEN || !rest.is_empty() {
        return None;
    }
    for (byte, &[high, low]) in digest.iter_mut().zip(pairs) {
        let nibble = |c: u8| char::from(c).to_digit(16).and_then(|d| u8::try_from(d).ok());
        *byte = nibble(high)? << 4 | nibble(low)?;
    }
    Some(digest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_form_goes_both_ways() {
        let id = KeyId::of_spki(b"abc");
        assert_eq!(id.to_string(), "sm3:66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0");
        assert_eq!(id.to_string().parse::<KeyId>().unwrap(), id);
    }

    #[test]
    fn other_texts_are_refused() {
        let hex = "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0";
        for text in ["", "sm3:", hex, &format!("sm3:{hex}00"), &format!("sm3:{}é", &hex[..62]), "sm3:+f"] {
            assert!(text.parse::<KeyId>().is_err(), "{text:?}");
        }
    }
}
