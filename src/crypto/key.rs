//! Keys of every scheme. A key has one scheme, which its own encoding says: no caller can have it verified under another.
//!
//! | scheme | public key | private key |
//! |---|---|---|
//! | `sm2-sm3`, `ecdsa-p256` | SubjectPublicKeyInfo | PKCS#8, SEC 1 |
//! | `rsa-pss-sha512` | SubjectPublicKeyInfo | in a token only: see [`HeldKey`] |
//! | `hmac-sha256` | none | 16 to 1024 bytes |
//! | `x-...` | see [`RegisteredKey`] | bytes that the scheme can read |
#![forbid(unsafe_code)]

mod held;
mod private;
mod public;
mod signer;
#[cfg(test)]
mod tests;

pub use super::registered::{RegisteredKey, RegisteredPair};
pub use held::HeldKey;
pub use private::PrivateKey;
pub use public::PublicKey;
pub use signer::{RegisteredSigner, Signer};

use super::hmac::SecretKey;
use super::key_id::KeyId;
use super::room::Custody;
use super::scheme::{Scheme, Schemes};
use super::sm2::{self, UserId};
use crate::error::{Error, Result};

/// A key, of whichever scheme and kind.
#[derive(Debug)]
pub enum Key {
    /// A public key.
    Public(PublicKey),
    /// A private key with its public half.
    Private(PrivateKey),
    /// A secret that signs and verifies.
    Secret(SecretKey),
    /// A private key of a registered scheme with its public half.
    RegisteredPrivate(RegisteredPair),
    /// A private key that a token or a device keeps.
    Held(HeldKey),
}

impl Key {
    /// The SM2 public key in it, if it is one of SM2. SM2 has ways of its own to verify many signatures at once.
    #[inline]
    pub fn sm2(&self) -> Option<&sm2::PublicKey> {
        match self {
            Self::Public(PublicKey::Sm2(key)) => Some(key),
            Self::Private(PrivateKey::Sm2(key)) => Some(key.public_key()),
            Self::Held(key) => match key.public_key() {
                PublicKey::Sm2(key) => Some(key),
                _ => None,
            },
            _ => None,
        }
    }

    /// The SM2 private key in it, if it is one of SM2 and in this process.
    #[inline]
    pub fn sm2_private(&self) -> Option<&sm2::PrivateKey> {
        match self {
            Self::Private(PrivateKey::Sm2(key)) => Some(key),
            _ => None,
        }
    }

    /// The scheme that it signs or verifies under.
    pub fn scheme(&self) -> Scheme {
        match self {
            Self::Public(key) => key.scheme(),
            Self::Private(key) => key.scheme(),
            Self::Secret(_) => Scheme::HmacSha256,
            Self::RegisteredPrivate(pair) => Scheme::Registered(pair.public_key().scheme()),
            Self::Held(key) => key.public_key().scheme(),
        }
    }

    /// Where its secret part is kept.
    pub fn custody(&self) -> Custody {
        match self {
            Self::Public(_) => Custody::None,
            Self::Private(key) => key.custody(),
            Self::Secret(key) => key.custody(),
            Self::RegisteredPrivate(pair) => pair.custody(),
            Self::Held(key) => key.custody(),
        }
    }

    /// The key's identifier: both halves of a pair have the same.
    pub fn key_id(&self) -> KeyId {
        match self {
            Self::Public(key) => key.key_id(),
            Self::Private(key) => key.public_key().key_id(),
            Self::Secret(key) => key.key_id(),
            Self::RegisteredPrivate(pair) => pair.public_key().key_id(),
            Self::Held(key) => key.public_key().key_id(),
        }
    }

    /// The public half; [`Status::InvalidArgument`](crate::error::Status::InvalidArgument) for a secret, which has none.
    pub fn public_key(&self) -> Result<PublicKey> {
        match self {
            Self::Public(key) => Ok(key.clone()),
            Self::Private(key) => Ok(key.public_key()),
            Self::Secret(_) => {
                Err(Error::argument("key: a key of hmac-sha256 is secret as a whole and has no public part"))
            }
            Self::RegisteredPrivate(pair) => Ok(PublicKey::Registered(pair.public_key().clone())),
            Self::Held(key) => Ok(key.public_key().clone()),
        }
    }

    /// Refuses a key that cannot sign: [`Status::InvalidArgument`](crate::error::Status::InvalidArgument).
    pub fn check_signs(&self) -> Result<()> {
        match self {
            Self::Public(_) => Err(Error::argument("key: expected a private key, found a public one")),
            _ => Ok(()),
        }
    }

    /// Signs `message`; the user id concerns SM2 alone. The signature is in its scheme's form.
    pub fn sign(&self, schemes: &Schemes, user_id: &UserId, message: &[u8]) -> Result<Vec<u8>> {
        match self {
            Self::Secret(key) => key.sign(message).map(Vec::from),
            _ => self.with_signer(schemes, |signer| signer.sign(user_id, message)),
        }
    }

    /// Runs `body` on what signs plugins and documents by this key.
    /// [`Status::InvalidArgument`](crate::error::Status::InvalidArgument) for a public key, and for a secret, whose codes
    /// every verifier could make.
    pub fn with_signer<R>(
        &self,
        schemes: &Schemes,
        body: impl FnOnce(&dyn Signer) -> Result<R>,
    ) -> Result<R> {
        self.check_signs()?;
        match self {
            Self::Private(key) => body(key),
            Self::RegisteredPrivate(pair) => body(&RegisteredSigner { pair, schemes }),
            Self::Held(key) => body(key),
            Self::Public(_) | Self::Secret(_) => Err(Error::argument(
                "key: expected the private key of an asymmetric scheme, found one of hmac-sha256, whose codes every verifier \
                 could make",
            )),
        }
    }

    /// Whether `signature`, in its scheme's form, is this key's over `message`; if not,
    /// [`Status::SignatureInvalid`](crate::error::Status::SignatureInvalid).
    pub fn verify(
        &self,
        schemes: &Schemes,
        user_id: &UserId,
        message: &[u8],
        signature: &[u8],
    ) -> Result<()> {
        match self {
            Self::Public(key) => key.verify(schemes, user_id, message, signature),
            Self::Private(key) => key.verify(user_id, message, signature),
            Self::Secret(key) => key.verify(message, signature),
            Self::RegisteredPrivate(pair) => {
                public::verify_registered(pair.public_key(), schemes, message, signature)
            }
            Self::Held(key) => key.public_key().verify(schemes, user_id, message, signature),
        }
    }
}
