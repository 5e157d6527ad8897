//! Public keys.
#![forbid(unsafe_code)]

use crate::crypto::encoding::algorithm::{Named, P256_CURVE, RSA, SM2_CURVE, curve_of};
use crate::crypto::encoding::{self, Form, invalid, spki};
use crate::crypto::key_id::KeyId;
use crate::crypto::registered::{self, RegisteredKey};
use crate::crypto::scheme::{MAX_SIGNATURE_LEN, Scheme, Schemes};
use crate::crypto::sm2::UserId;
use crate::crypto::{p256, rsa, sm2};
use crate::error::{Error, Result, Status};

/// A public key, of whichever scheme.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PublicKey {
    /// Of `sm2-sm3`.
    Sm2(sm2::PublicKey),
    /// Of `ecdsa-p256`.
    P256(p256::PublicKey),
    /// Of `rsa-pss-sha512`.
    Rsa(Box<rsa::PublicKey>),
    /// Of a scheme that the host registers.
    Registered(RegisteredKey),
}

impl PublicKey {
    /// Reads a SubjectPublicKeyInfo, or the key of a registered scheme, in PEM or DER; which scheme's it is, its
    /// algorithm says. What cannot be read, a private key among it, is [`Status::KeyInvalid`].
    pub fn from_encoded(file: &[u8]) -> Result<Self> {
        let (form, der) = encoding::public_der(file)?;
        if form == Form::Registered {
            return RegisteredKey::from_der(&der).map(Self::Registered);
        }
        let (algorithm, _) = spki::split(&der)?;
        match curve_of(&algorithm) {
            Some(P256_CURVE) => return spki::decode(&der).map(Self::P256),
            // Other curves are refused there, by name.
            Some(_) => return spki::decode(&der).map(Self::Sm2),
            None => {}
        }
        match algorithm.oid {
            RSA => rsa::PublicKey::from_spki(&der).map(|key| Self::Rsa(Box::new(key))),
            encoding::algorithm::EC_PUBLIC_KEY => spki::decode(&der).map(Self::Sm2),
            other => {
                let known = [SM2_CURVE, P256_CURVE, RSA].map(|oid| Named(oid).to_string()).join(", ");
                Err(invalid(format!("expected a key of {known}, found {}", Named(other))))
            }
        }
    }

    /// The only scheme that it verifies under.
    pub fn scheme(&self) -> Scheme {
        match self {
            Self::Sm2(_) => Scheme::Sm2Sm3,
            Self::P256(_) => Scheme::EcdsaP256,
            Self::Rsa(_) => Scheme::RsaPssSha512,
            Self::Registered(key) => Scheme::Registered(key.scheme()),
        }
    }

    /// The key's identifier: the SM3 digest of [`to_der`](Self::to_der), however the key was encoded when it was read.
    pub fn key_id(&self) -> KeyId {
        match self {
            Self::Sm2(key) => key.key_id(),
            other => KeyId::of_spki(&other.to_der()),
        }
    }

    /// SubjectPublicKeyInfo with an uncompressed point; of a registered scheme, [`RegisteredKey::to_der`].
    pub fn to_der(&self) -> Vec<u8> {
        match self {
            Self::Sm2(key) => key.to_spki_der().to_vec(),
            Self::P256(key) => key.to_spki_der().to_vec(),
            Self::Rsa(key) => key.to_spki_der().to_vec(),
            Self::Registered(key) => key.to_der(),
        }
    }

    /// The same as PEM.
    pub fn to_pem(&self) -> String {
        let label = match self {
            Self::Registered(_) => registered::PEM_LABEL,
            _ => "PUBLIC KEY",
        };
        encoding::public_pem(label, &self.to_der())
    }

    /// Whether `signature`, in its scheme's form, is this key's over `message`; if not, [`Status::SignatureInvalid`]. The
    /// user id concerns SM2 alone, and `schemes` the registered ones: [`Status::Unsupported`] for one that is not there.
    pub fn verify(
        &self,
        schemes: &Schemes,
        user_id: &UserId,
        message: &[u8],
        signature: &[u8],
    ) -> Result<()> {
        match self {
            Self::Sm2(key) => key.verify(user_id, message, &sm2::Signature::from_bytes(signature)?),
            Self::P256(key) => key.verify(message, &p256::Signature::from_bytes(signature)?),
            Self::Rsa(key) => key.verify(message, signature),
            Self::Registered(key) => verify_registered(key, schemes, message, signature),
        }
    }
}

impl From<sm2::PublicKey> for PublicKey {
    fn from(key: sm2::PublicKey) -> Self {
        Self::Sm2(key)
    }
}

impl From<p256::PublicKey> for PublicKey {
    fn from(key: p256::PublicKey) -> Self {
        Self::P256(key)
    }
}

pub(super) fn verify_registered(
    key: &RegisteredKey,
    schemes: &Schemes,
    message: &[u8],
    signature: &[u8],
) -> Result<()> {
    let scheme = schemes.implementation(key.scheme())?;
    if (1..=MAX_SIGNATURE_LEN).contains(&signature.len()) && scheme.verify(key.as_bytes(), message, signature)
    {
        return Ok(());
    }
    let name = key.scheme();
    Err(Error::new(
        Status::SignatureInvalid,
        format!("signature: the scheme {} does not take it for this message and this key", name.as_str()),
    ))
}
