//! The signer's distinguishing identifier and the digest Z_A that binds it to a key.
#![forbid(unsafe_code)]

use super::PublicKey;
use super::curve::{A, B, GENERATOR};
use crate::crypto::sm3::{Digest, Hasher};
use crate::error::{Error, Result};

/// A distinguishing identifier (ID_A): any 0 to 8191 bytes, agreed between signer and verifier.
///
/// The default is `1234567812345678` (GM/T 0009-2012 §10). An empty identifier is hashed as such.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct UserId {
    bytes: Box<[u8]>,
    /// ENTL_A, the length in bits; that it has 16 bits is what limits the length.
    bits: u16,
}

impl UserId {
    /// The identifier `bytes`; more than 8191 of them are [`Status::InvalidArgument`].
    ///
    /// [`Status::InvalidArgument`]: crate::error::Status::InvalidArgument
    pub fn new(bytes: &[u8]) -> Result<Self> {
        let bits = u16::try_from(bytes.len()).ok().and_then(|len| len.checked_mul(8));
        let bits = bits.ok_or_else(|| {
            Error::argument(format!("user id: expected at most 8191 bytes, found {}", bytes.len()))
        })?;
        Ok(Self { bytes: bytes.into(), bits })
    }

    /// The identifier's bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// e = SM3(Z_A || message), what a signature by `signer` is computed over (§6.1, steps A1 and A2).
    pub(super) fn message_digest(&self, signer: &PublicKey, message: &[u8]) -> Digest {
        let mut hasher = Hasher::new();
        hasher.update(&self.z(signer));
        hasher.update(message);
        hasher.finish()
    }

    /// Z_A = SM3(ENTL_A || ID_A || a || b || x_G || y_G || x_A || y_A) (GM/T 0003.2-2012 §5.5), where
    /// ENTL_A stands in two bytes, big-endian.
    fn z(&self, signer: &PublicKey) -> Digest {
        let mut hasher = Hasher::new();
        hasher.update(&self.bits.to_be_bytes());
        for part in [&self.bytes, A.as_slice(), &B, &GENERATOR, signer.coordinates()] {
            hasher.update(part);
        }
        hasher.finish()
    }
}

impl Default for UserId {
    fn default() -> Self {
        Self { bytes: b"1234567812345678".as_slice().into(), bits: 16 * 8 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::sm2::PrivateKey;
    use crate::crypto::sm2::tests::{EXAMPLE_KEY, unhex};

    /// Z_A of GM/T 0003.5-2012 A.2.
    #[test]
    fn z_of_the_standard() {
        let key = PrivateKey::from_bytes(&unhex(EXAMPLE_KEY)).unwrap();
        let z = UserId::default().z(key.public_key());
        assert_eq!(z.to_vec(), unhex("B2E14C5C79C6DF5B85F4FE7ED8DB7A262B9DA7E07CCB0EA9F4747B8CCDA8A4F3"));
    }

    #[test]
    fn the_default_is_that_of_the_standard() {
        assert_eq!(UserId::default(), UserId::new(b"1234567812345678").unwrap());
    }

    #[test]
    fn lengths_up_to_8191() {
        assert_eq!(UserId::new(&[]).unwrap().as_bytes(), b"");
        assert!(UserId::new(&[0xff; 8191]).is_ok());
        assert!(UserId::new(&[0xff; 8192]).is_err());
    }
}
