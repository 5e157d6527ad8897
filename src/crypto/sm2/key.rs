//! Key pairs: what a key is and what it can do. Files are the subject of `encoding`.
#![forbid(unsafe_code)]

use super::curve::SCALAR_LEN;
use super::point::Affine;
use super::sign::{Opened, Secret};
use super::user_id::KnownZ;
use super::verify::Equation;
use super::{Order, Signature, UserId, sign_batch};
use crate::crypto::key_id::KeyId;
use crate::crypto::room::{Custody, Heap, Rooms};
use crate::crypto::sm3::Digest;
use crate::error::{Error, Result, Status};
use std::fmt;
use zeroize::Zeroizing;

/// A public key: a point of the curve, not at infinity.
#[derive(Clone)]
pub struct PublicKey {
    point: Affine,
    /// 04 || x || y.
    encoded: [u8; 65],
}

impl PublicKey {
    /// Decodes a point (SEC 1 §2.3.4): 65 bytes 04 || x || y, or 33 bytes 02 or 03 || x.
    ///
    /// Infinity, the hybrid encodings 06 and 07, coordinates that are not below p and points off the
    /// curve are [`Status::KeyInvalid`].
    pub fn from_point(encoded: &[u8]) -> Result<Self> {
        match (encoded.first(), encoded.len()) {
            (Some(4), 65) | (Some(2 | 3), 33) => {}
            (Some(0), 1) => return Err(invalid("the point is at infinity")),
            (Some(6 | 7), _) => return Err(invalid("hybrid points (06, 07) are refused")),
            (first, len) => {
                let first = first.map_or("none".to_owned(), |byte| format!("{byte:02x}"));
                return Err(invalid(format!(
                    "expected a point of 65 bytes from 04 or 33 bytes from 02 or 03, found {len} bytes from {first}"
                )));
            }
        }
        let point =
            match encoded.split_first().map(|(form, coordinates)| (*form, coordinates.as_chunks::<32>().0)) {
                Some((4, [x, y])) => Affine::from_coordinates(x, y),
                Some((form, [x])) => Affine::from_x(x, form == 3),
                _ => None,
            };
        let off_curve = "the point is not on the curve sm2p256v1 (1.2.156.10197.1.301)";
        Ok(Self::of(point.ok_or_else(|| invalid(off_curve))?))
    }

    /// 04 || x || y.
    pub fn as_point(&self) -> &[u8; 65] {
        &self.encoded
    }

    /// The key's identifier: the SM3 digest of [`Self::to_spki_der`], however the key was encoded when read.
    pub fn key_id(&self) -> KeyId {
        KeyId::of_spki(&self.to_spki_der())
    }

    /// Whether `signature` is this key's over `message` under `user_id`; if not,
    /// [`Status::SignatureInvalid`] (GM/T 0003.2-2012 §7.1).
    pub fn verify(&self, user_id: &UserId, message: &[u8], signature: &Signature) -> Result<()> {
        let e = user_id.message_digest(self, message);
        if Equation::new(&self.point, &e, signature).is_some_and(|equation| equation.holds()) {
            return Ok(());
        }
        let why = "signature: it does not belong to this message, this key and this user id";
        Err(Error::new(Status::SignatureInvalid, why))
    }

    /// x || y.
    pub(super) fn coordinates(&self) -> &[u8; 64] {
        self.encoded.last_chunk().unwrap_or(&[0; 64])
    }

    /// The point.
    pub(super) const fn point(&self) -> &Affine {
        &self.point
    }

    pub(super) fn of(point: Affine) -> Self {
        let mut encoded = [4; 65];
        let (coordinates, _) = encoded[1..].as_chunks_mut::<32>();
        coordinates.iter_mut().zip([point.x, point.y]).for_each(|(to, from)| *to = from.to_be_bytes());
        Self { point, encoded }
    }
}

impl PartialEq for PublicKey {
    fn eq(&self, other: &Self) -> bool {
        self.encoded == other.encoded
    }
}

impl Eq for PublicKey {}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("PublicKey").field(&self.key_id()).finish()
    }
}

/// A private key: a scalar in [1, n-2] with its public key. The scalar stands in a [`Room`](crate::crypto::room::Room), and
/// is wiped when the key is dropped.
pub struct PrivateKey {
    secret: Secret,
    public: PublicKey,
    z: KnownZ,
}

impl PrivateKey {
    /// A new key from the operating system's randomness, in the heap; [`Status::Io`] if there is none.
    pub fn generate() -> Result<Self> {
        Self::generate_in(&Heap)
    }

    /// As [`generate`](Self::generate), in a room of `rooms`.
    pub fn generate_in(rooms: &dyn Rooms) -> Result<Self> {
        Self::of(Secret::generate(rooms)?)
    }

    /// The key with this scalar, 32 bytes big-endian, in the heap; [`Status::KeyInvalid`] if it is not in [1, n-2].
    pub fn from_bytes(scalar: &[u8]) -> Result<Self> {
        Self::from_bytes_in(&Heap, scalar)
    }

    /// As [`from_bytes`](Self::from_bytes), in a room of `rooms`.
    pub fn from_bytes_in(rooms: &dyn Rooms, scalar: &[u8]) -> Result<Self> {
        let scalar = <&[u8; SCALAR_LEN]>::try_from(scalar).map_err(|_| {
            let found = scalar.len();
            Error::new(Status::KeyInvalid, format!("private key: expected {SCALAR_LEN} bytes, found {found}"))
        })?;
        let secret = Secret::place(scalar, rooms)?
            .ok_or_else(|| Error::new(Status::KeyInvalid, "private key: the number is not in [1, n-2]"))?;
        Self::of(secret)
    }

    /// The scalar, 32 bytes big-endian. [`Status::KeyLostAfterFork`] where it stayed in the parent process.
    pub fn to_bytes(&self) -> Result<Zeroizing<[u8; SCALAR_LEN]>> {
        self.secret.to_bytes()
    }

    /// The public half.
    pub fn public_key(&self) -> &PublicKey {
        &self.public
    }

    /// Signs `message` under `user_id` (GM/T 0003.2-2012 §6.1). Two signatures over one message differ:
    /// the nonce takes in fresh randomness; [`Status::Io`] if there is none.
    pub fn sign(&self, user_id: &UserId, message: &[u8]) -> Result<Signature> {
        let signatures = sign_batch(&[Order { key: self, user_id, message }])?;
        signatures
            .into_iter()
            .next()
            .ok_or_else(|| Error::new(Status::Internal, "sm2: no signature was made"))
    }

    /// Z_A under a user id.
    pub(super) fn z(&self, user_id: &UserId) -> Digest {
        self.z.of(&self.public, user_id)
    }

    /// The scalar where it stands.
    pub(super) fn open(&self) -> Result<Opened<'_>> {
        self.secret.open()
    }

    /// Where the scalar is kept.
    pub fn custody(&self) -> Custody {
        self.secret.custody()
    }

    fn of(secret: Secret) -> Result<Self> {
        let public = PublicKey::of(secret.point()?);
        Ok(Self { secret, public, z: KnownZ::default() })
    }
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PrivateKey").field("public", &self.public).finish_non_exhaustive()
    }
}

fn invalid(why: impl fmt::Display) -> Error {
    Error::new(Status::KeyInvalid, format!("public key: {why}"))
}
