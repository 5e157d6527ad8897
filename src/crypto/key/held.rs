//! Keys whose private half is in a token or a device: what signs by it, and the public half.
#![forbid(unsafe_code)]

use super::{PublicKey, Signer};
use crate::crypto::room::Custody;
use crate::crypto::scheme::Schemes;
use crate::crypto::sm2::UserId;
use crate::error::{Error, Result, Status};

/// A private key that somebody keeps who signs by it and does not hand it out.
#[derive(Debug)]
pub struct HeldKey {
    public: PublicKey,
    custody: Custody,
    signer: Box<dyn Signer + Send>,
}

impl HeldKey {
    /// The key by which `signer` signs, of a scheme of this library.
    pub fn new(custody: Custody, signer: Box<dyn Signer + Send>) -> Self {
        Self { public: signer.public_key(), custody, signer }
    }

    /// The public half.
    pub fn public_key(&self) -> &PublicKey {
        &self.public
    }

    /// Who keeps the private half.
    pub fn custody(&self) -> Custody {
        self.custody
    }
}

impl Signer for HeldKey {
    fn public_key(&self) -> PublicKey {
        self.public.clone()
    }

    /// Signs, and verifies what was signed before it is handed out: a fault in a device, or a public key that is not that of
    /// the private one, is found here and not by those who are to verify it. [`Status::CustodyFailed`] then.
    fn sign(&self, user_id: &UserId, message: &[u8]) -> Result<Vec<u8>> {
        let signature = self.signer.sign(user_id, message)?;
        self.public.verify(&Schemes::new(), user_id, message, &signature).map_err(|e| {
            let why = format!("private key: what it signed does not verify under its public key ({e})");
            Error::new(Status::CustodyFailed, why)
        })?;
        Ok(signature)
    }
}
