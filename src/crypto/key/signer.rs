//! What signs plugins and documents, wherever the private key lives.
#![forbid(unsafe_code)]

use super::{PrivateKey, PublicKey, RegisteredPair};
use crate::crypto::scheme::{MAX_SIGNATURE_LEN, Scheme, Schemes};
use crate::crypto::sm2::UserId;
use crate::crypto::{p256, sm2};
use crate::error::{Error, Result, Status};
use std::fmt;

/// Signs with a private key of an asymmetric scheme: one in this process, in a token, or in the host's hands.
pub trait Signer: fmt::Debug + Sync {
    /// The public half, which names the signer and fixes the scheme.
    fn public_key(&self) -> PublicKey;

    /// The signature over `message` in the scheme's form; the user id concerns SM2 alone.
    fn sign(&self, user_id: &UserId, message: &[u8]) -> Result<Vec<u8>>;

    /// The number of the scheme in signed bytes. [`Status::Unsupported`] for a scheme that is not registered.
    fn scheme_number(&self) -> Result<u8> {
        let scheme = self.public_key().scheme();
        scheme
            .id()
            .ok_or_else(|| Error::new(Status::Unsupported, format!("scheme {scheme}: has no number here")))
    }
}

impl Signer for PrivateKey {
    fn public_key(&self) -> PublicKey {
        self.public_key()
    }

    fn sign(&self, user_id: &UserId, message: &[u8]) -> Result<Vec<u8>> {
        self.sign(user_id, message)
    }
}

impl Signer for sm2::PrivateKey {
    fn public_key(&self) -> PublicKey {
        PublicKey::Sm2(self.public_key().clone())
    }

    fn sign(&self, user_id: &UserId, message: &[u8]) -> Result<Vec<u8>> {
        self.sign(user_id, message).map(|signature| signature.as_bytes().to_vec())
    }
}

impl Signer for p256::PrivateKey {
    fn public_key(&self) -> PublicKey {
        PublicKey::P256(self.public_key().clone())
    }

    fn sign(&self, _: &UserId, message: &[u8]) -> Result<Vec<u8>> {
        self.sign(message).map(|signature| signature.as_bytes().to_vec())
    }
}

/// Signs by a registered scheme, as it is registered when it signs.
#[derive(Clone, Copy, Debug)]
pub struct RegisteredSigner<'a> {
    /// The key.
    pub pair: &'a RegisteredPair,
    /// Where its scheme is registered.
    pub schemes: &'a Schemes,
}

impl Signer for RegisteredSigner<'_> {
    fn public_key(&self) -> PublicKey {
        PublicKey::Registered(self.pair.public_key().clone())
    }

    fn sign(&self, _: &UserId, message: &[u8]) -> Result<Vec<u8>> {
        let name = self.pair.public_key().scheme();
        let signature = self.schemes.implementation(name)?.sign(self.pair.private_bytes()?, message)?;
        if (1..=MAX_SIGNATURE_LEN).contains(&signature.len()) {
            return Ok(signature);
        }
        Err(Error::new(
            Status::LimitExceeded,
            format!(
                "scheme {}: expected a signature of 1 to {MAX_SIGNATURE_LEN} bytes, found {}",
                name.as_str(),
                signature.len()
            ),
        ))
    }

    fn scheme_number(&self) -> Result<u8> {
        let name = self.pair.public_key().scheme();
        self.schemes.number(name).ok_or_else(|| {
            let scheme = Scheme::Registered(name);
            Error::new(Status::Unsupported, format!("scheme {scheme}: is not registered in this process"))
        })
    }
}
