//! Signatures in DER, as OpenSSL and Bouncy Castle write them: at the border only, nothing in here keeps them so.
#![forbid(unsafe_code)]

use super::Scheme;
use crate::crypto::{p256, sm2};
use crate::error::{Error, Result};

impl Scheme {
    /// The signature in its scheme's form, from `SEQUENCE { r INTEGER, s INTEGER }`. What is not strict DER of numbers in
    /// range is [`Status::SignatureInvalid`]; [`Status::InvalidArgument`] for a scheme without that form.
    ///
    /// [`Status::SignatureInvalid`]: crate::error::Status::SignatureInvalid
    /// [`Status::InvalidArgument`]: crate::error::Status::InvalidArgument
    pub fn signature_from_der(self, der: &[u8]) -> Result<Vec<u8>> {
        match self {
            Self::Sm2Sm3 => Ok(sm2::Signature::from_der(der)?.as_bytes().to_vec()),
            Self::EcdsaP256 => Ok(p256::Signature::from_der(der)?.as_bytes().to_vec()),
            other => Err(no_der(other)),
        }
    }

    /// The way back.
    pub fn signature_to_der(self, signature: &[u8]) -> Result<Vec<u8>> {
        match self {
            Self::Sm2Sm3 => Ok(sm2::Signature::from_bytes(signature)?.to_der()),
            Self::EcdsaP256 => Ok(p256::Signature::from_bytes(signature)?.to_der()),
            other => Err(no_der(other)),
        }
    }

    /// Refuses a scheme whose signatures have no form in DER.
    pub fn check_has_der(self) -> Result<()> {
        if matches!(self, Self::Sm2Sm3 | Self::EcdsaP256) { Ok(()) } else { Err(no_der(self)) }
    }
}

fn no_der(scheme: Scheme) -> Error {
    Error::argument(format!(
        "encoding: expected the raw one for {scheme}, found DER, which its signatures do not have"
    ))
}
