//! The signer's distinguishing identifier and the digest Z_A that binds it to a key.
#![forbid(unsafe_code)]

use super::PublicKey;
use super::curve::{A, B, GENERATOR};
use crate::crypto::sm3::{DIGEST_LEN, Digest, Hasher, Parts, digest_batch_into};
use crate::error::{Error, Result};
use std::sync::OnceLock;

/// A distinguishing identifier (ID_A): any 0 to 8191 bytes, agreed between signer and verifier.
///
/// The default is `1234567812345678` (GM/T 0009-2012 §10). An empty identifier is hashed as such. One of up to 31 bytes
/// takes no memory of its own.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct UserId {
    bytes: Bytes,
    /// ENTL_A, the length in bits; that it has 16 bits is what limits the length.
    bits: u16,
}

/// An identifier's bytes. Those that fit are short, with zeros behind them, so that equal ones have one form.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Bytes {
    Short([u8; SHORT_LEN]),
    Long(Box<[u8]>),
}

const SHORT_LEN: usize = 31;

impl UserId {
    /// `1234567812345678`.
    pub const DEFAULT: Self =
        Self { bytes: Bytes::Short(*b"1234567812345678\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"), bits: 16 * 8 };

    /// The identifier `bytes`; more than 8191 of them are [`Status::InvalidArgument`].
    ///
    /// [`Status::InvalidArgument`]: crate::error::Status::InvalidArgument
    pub fn new(bytes: &[u8]) -> Result<Self> {
        let bits = u16::try_from(bytes.len()).ok().and_then(|len| len.checked_mul(8));
        let bits = bits.ok_or_else(|| {
            Error::argument(format!("user id: expected at most 8191 bytes, found {}", bytes.len()))
        })?;
        let mut short = [0; SHORT_LEN];
        let bytes = match short.get_mut(..bytes.len()) {
            Some(place) => {
                place.copy_from_slice(bytes);
                Bytes::Short(short)
            }
            None => Bytes::Long(bytes.into()),
        };
        Ok(Self { bytes, bits })
    }

    /// The identifier's bytes.
    pub fn as_bytes(&self) -> &[u8] {
        match &self.bytes {
            Bytes::Short(bytes) => bytes.get(..usize::from(self.bits / 8)).unwrap_or_default(),
            Bytes::Long(bytes) => bytes,
        }
    }

    /// e = SM3(Z_A || message), what a signature by `signer` is computed over (§6.1, steps A1 and A2).
    pub fn message_digest(&self, signer: &PublicKey, message: &[u8]) -> Digest {
        let mut hasher = Hasher::new();
        hasher.update(&self.z(signer));
        hasher.update(message);
        hasher.finish()
    }

    /// Z_A = SM3(ENTL_A || ID_A || a || b || x_G || y_G || x_A || y_A) (GM/T 0003.2-2012 §5.5), where
    /// ENTL_A stands in two bytes, big-endian.
    pub(super) fn z(&self, signer: &PublicKey) -> Digest {
        let mut hasher = Hasher::new();
        hasher.update(&self.before_key());
        hasher.update(signer.coordinates());
        hasher.finish()
    }

    /// What of Z_A's input stands before the key.
    fn before_key(&self) -> Vec<u8> {
        [self.bits.to_be_bytes().as_slice(), self.as_bytes(), &A, &B, &GENERATOR].concat()
    }
}

/// Z_A of all these, side by side.
pub(super) fn zs(signers: &[(&UserId, &PublicKey)]) -> Vec<Digest> {
    let heads: Vec<_> = signers.iter().map(|(user_id, _)| user_id.before_key()).collect();
    let parts = heads.iter().zip(signers).map(|(head, (_, key))| Parts { head, tail: key.coordinates() });
    let mut digests = vec![[0; DIGEST_LEN]; signers.len()];
    digest_batch_into(&parts.collect::<Vec<_>>(), &mut digests);
    digests
}

/// Z_A of a key under the user id that it was first used with, which is mostly the only one.
#[derive(Debug, Default)]
pub(super) struct KnownZ(OnceLock<(UserId, Digest)>);

impl KnownZ {
    /// Z_A of `key`, always the same one, under a user id.
    pub(super) fn of(&self, key: &PublicKey, user_id: &UserId) -> Digest {
        let (first, z) = self.0.get_or_init(|| (user_id.clone(), user_id.z(key)));
        if first == user_id { *z } else { user_id.z(key) }
    }
}

impl Default for UserId {
    fn default() -> Self {
        Self::DEFAULT
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
        for len in [0, 1, 16, 30, 31, 32, 33, 8191] {
            let id = UserId::new(&vec![0xff; len]).unwrap();
            assert_eq!(id.as_bytes(), vec![0xff; len]);
            assert_eq!(id, UserId::new(&vec![0xff; len]).unwrap());
            assert_ne!(id, UserId::new(&[vec![0xff; len], vec![0]].concat()).unwrap_or_default());
        }
        assert!(UserId::new(&[0xff; 8192]).is_err());
    }
}
