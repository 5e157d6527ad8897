//! For whom an envelope is encrypted.
#![forbid(unsafe_code)]

use super::{Profile, certificate};
use crate::crypto::encoding::{Form, certificate_or_spki_der, invalid, spki};
use crate::crypto::key::PublicKey;
use crate::crypto::{rsa, sm2};
use crate::error::Result;
use sha1::{Digest, Sha1};

/// How a recipient is named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum RecipientId {
    /// By the certificate: `Name` and `INTEGER`, whole.
    Certificate { issuer: Vec<u8>, serial: Vec<u8> },
    /// By the key.
    Key(Vec<u8>),
}

/// A public key that an envelope can be encrypted for, and how it is named in there.
#[derive(Clone, Debug)]
pub struct Recipient {
    pub(super) id: RecipientId,
    pub(super) key: WrappingKey,
    key_id: crate::crypto::key_id::KeyId,
}

/// A public key that encrypts keys.
#[derive(Clone, Debug)]
pub(super) enum WrappingKey {
    Rsa(Box<rsa::PublicKey>),
    Sm2(sm2::PublicKey),
}

impl Recipient {
    /// Reads a certificate, which names the recipient by issuer and serial number, or a SubjectPublicKeyInfo, which names it
    /// by the SHA-1 digest of the key (RFC 5280 §4.2.1.2 (1)); in PEM or DER, of RSA with 3072 to 8192 bits or of SM2.
    ///
    /// Neither the chain nor the dates of a certificate are looked at. What cannot be read, and a key of another
    /// kind or size, is [`Status::KeyInvalid`](crate::error::Status::KeyInvalid).
    pub fn from_encoded(file: &[u8]) -> Result<Self> {
        let (form, der) = certificate_or_spki_der(file)?;
        let (id, spki_der) = if form == Form::Certificate {
            let certificate = certificate::parse(&der)?;
            let (issuer, serial) = (certificate.issuer.to_vec(), certificate.serial.to_vec());
            (RecipientId::Certificate { issuer, serial }, certificate.spki)
        } else {
            (RecipientId::Key(key_identifier(&der)?), der.as_slice())
        };
        let key = PublicKey::from_encoded(spki_der)?;
        let key_id = key.key_id();
        let key = match key {
            PublicKey::Rsa(key) => WrappingKey::Rsa(key),
            PublicKey::Sm2(key) => WrappingKey::Sm2(key),
            other => {
                let found = other.scheme();
                return Err(invalid(format!(
                    "expected a key of RSA or SM2 to encrypt for, found one of {found}"
                )));
            }
        };
        Ok(Self { id, key, key_id })
    }

    /// The identifier of the key.
    pub fn key_id(&self) -> crate::crypto::key_id::KeyId {
        self.key_id
    }

    pub(super) fn profile(&self) -> Profile {
        match self.key {
            WrappingKey::Rsa(_) => Profile::International,
            WrappingKey::Sm2(_) => Profile::Gm,
        }
    }

    pub(super) fn wrap(&self, key: &[u8]) -> Result<Vec<u8>> {
        match &self.key {
            WrappingKey::Rsa(recipient) => recipient.encrypt_oaep(key),
            WrappingKey::Sm2(recipient) => recipient.encrypt(key),
        }
    }
}

/// The SHA-1 digest of the bits of a key: a name, by which nothing is decided.
pub(super) fn key_identifier(spki_der: &[u8]) -> Result<Vec<u8>> {
    let (_, bits) = spki::split(spki_der)?;
    Ok(Sha1::digest(bits.raw_bytes()).to_vec())
}
