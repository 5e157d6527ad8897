//! The private keys that open envelopes.
#![forbid(unsafe_code)]

use super::recipient::{RecipientId, key_identifier};
use super::{Profile, certificate};
use crate::crypto::encoding::{Form, PrivateDer, certificate_or_spki_der, invalid};
use crate::crypto::key::PublicKey;
use crate::crypto::key_id::KeyId;
use crate::crypto::room::{Heap, Rooms};
use crate::crypto::{rsa, sm2};
use crate::error::{Error, Result};
use zeroize::Zeroizing;

/// A private key of RSA or SM2 that opens envelopes, wiped when it is dropped.
#[derive(Debug)]
pub struct RecipientKey {
    key: UnwrappingKey,
    public: PublicKey,
    /// The names that it goes by.
    identifiers: Vec<Vec<u8>>,
    certificate: Option<RecipientId>,
}

#[derive(Debug)]
enum UnwrappingKey {
    Rsa(Box<rsa::PrivateKey>),
    Sm2(Box<sm2::PrivateKey>),
}

impl RecipientKey {
    /// Reads a private key: PKCS#8 of RSA with 3072 to 8192 bits, or what
    /// [`sm2::PrivateKey::from_encoded`] reads; `password` opens an encrypted one.
    ///
    /// `certificate` says by which issuer and serial number the key is named. Without it every recipient that is named in
    /// that way is tried, up to eight. One whose key is another is
    /// [`Status::KeyInvalid`](crate::error::Status::KeyInvalid), as is what cannot be read.
    pub fn from_encoded(file: &[u8], password: Option<&[u8]>, certificate: Option<&[u8]>) -> Result<Self> {
        Self::from_encoded_in(&Heap, file, password, certificate)
    }

    /// The same, where a key of SM2 is kept in one of `rooms`; one of RSA stands in the heap.
    pub fn from_encoded_in(
        rooms: &dyn Rooms,
        file: &[u8],
        password: Option<&[u8]>,
        certificate: Option<&[u8]>,
    ) -> Result<Self> {
        let der = PrivateDer::read(file, password)?;
        let (key, public) = if let Some(numbers) = der.rsa() {
            let key = rsa::PrivateKey::from_numbers(numbers)?;
            let public = PublicKey::Rsa(Box::new(key.public_key().clone()));
            (UnwrappingKey::Rsa(Box::new(key)), public)
        } else if der.is_p256() {
            return Err(invalid("expected a key of RSA or SM2 to decrypt by, found one of ecdsa-p256"));
        } else {
            let key: sm2::PrivateKey = der.decode(rooms)?;
            let public = PublicKey::Sm2(key.public_key().clone());
            (UnwrappingKey::Sm2(Box::new(key)), public)
        };
        let identifiers = vec![key_identifier(&public.to_der())?];
        let mut read = Self { key, public, identifiers, certificate: None };
        certificate.map_or(Ok(()), |file| read.name_by(file))?;
        Ok(read)
    }

    /// The identifier of its public half.
    pub fn key_id(&self) -> KeyId {
        self.public.key_id()
    }

    fn name_by(&mut self, file: &[u8]) -> Result<()> {
        let (form, der) = certificate_or_spki_der(file)?;
        if form != Form::Certificate {
            return Err(invalid("expected a certificate, found a public key"));
        }
        let certificate = certificate::parse(&der)?;
        if PublicKey::from_encoded(certificate.spki)? != self.public {
            return Err(invalid("the certificate is that of another key"));
        }
        self.identifiers.extend(certificate.key_identifier.map(<[u8]>::to_vec));
        let (issuer, serial) = (certificate.issuer.to_vec(), certificate.serial.to_vec());
        self.certificate = Some(RecipientId::Certificate { issuer, serial });
        Ok(())
    }

    /// Whether a recipient of this name may be this key.
    pub(super) fn may_be(&self, profile: Profile, id: &RecipientId) -> bool {
        let of_kind = match self.key {
            UnwrappingKey::Rsa(_) => profile == Profile::International,
            UnwrappingKey::Sm2(_) => profile == Profile::Gm,
        };
        of_kind
            && match id {
                RecipientId::Key(identifier) => self.identifiers.contains(identifier),
                RecipientId::Certificate { .. } => self.certificate.as_ref().is_none_or(|own| own == id),
            }
    }

    /// The key of `len` bytes in `wrapped`, or, whatever is wrong with it, a random one.
    pub(super) fn unwrap(&self, wrapped: &[u8], len: usize) -> Result<Zeroizing<Vec<u8>>> {
        let unwrapped = match &self.key {
            UnwrappingKey::Rsa(key) => key.decrypt_oaep(wrapped, len),
            UnwrappingKey::Sm2(key) => key.decrypt(wrapped, len),
        };
        unwrapped.map_err(|e: Error| e.of("envelope"))
    }
}
