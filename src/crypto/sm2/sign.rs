//! Signatures (GM/T 0003.2-2012, section 6.1): with a nonce k and (x_1, y_1) = k·G, r = (e + x_1) mod n and
//! s = (1 + d)^-1·(k - r·d) mod n.
//!
//! In constant time: no branch and no address depends on d or k. s is computed as (1 + d)^-1·(k + r) - r.
#![forbid(unsafe_code)]

use super::base::x_of_multiples;
use super::complete::Projective;
use super::curve::SCALAR_LEN;
use super::field::Field;
use super::level::{self, Work};
use super::limbs::{self, Limbs};
use super::nonce::nonces;
use super::point::Affine;
use super::scalar::{self, Factor, Scalar};
use super::sum::Space;
use crate::crypto::room::{CleanStack, Custody, Room, Rooms};
use crate::crypto::secret::{classify, declassify};
use crate::crypto::sm3::Digest;
use crate::error::{Error, Result, Status};
use getrandom::fill;
use zeroize::Zeroizing;

/// A private scalar d in [1, n-2]: the words of d, then those of (1 + d)^-1 as a [`Factor`] has them. They stand in their
/// room and are borrowed from there, so that moves leave no copies.
pub(super) struct Secret(Box<dyn Room<[u64]>>);

/// d and (1 + d)^-1, where they stand.
#[derive(Clone, Copy)]
pub(super) struct Opened<'a> {
    pub(super) d: &'a Limbs,
    pub(super) inverse: &'a Limbs,
}

impl Secret {
    /// A scalar from the operating system's randomness.
    pub(super) fn generate(rooms: &dyn Rooms) -> Result<Self> {
        let _clean = CleanStack;
        let mut candidate = Zeroizing::new([0; SCALAR_LEN]);
        loop {
            fill(candidate.as_mut()).map_err(|_| no_randomness())?;
            classify(candidate.as_mut_slice());
            if let Some(secret) = Self::place(&candidate, rooms)? {
                return Ok(secret);
            }
        }
    }

    /// The scalar with these big-endian bytes, in a room of its own; `None` if it is not in [1, n-2].
    pub(super) fn place(bytes: &[u8; SCALAR_LEN], rooms: &dyn Rooms) -> Result<Option<Self>> {
        let _clean = CleanStack;
        Self::fill(bytes, rooms)
    }

    /// A frame of its own, which is wiped behind it.
    #[inline(never)]
    fn fill(bytes: &[u8; SCALAR_LEN], rooms: &dyn Rooms) -> Result<Option<Self>> {
        let Some(d) = Scalar::from_be_bytes(bytes).map(Zeroizing::new) else { return Ok(None) };
        let successor = Zeroizing::new(d.add(&Scalar::ONE));
        if declassify(d.is_zero() | successor.is_zero()) {
            return Ok(None);
        }
        let inverse = Zeroizing::new(Factor::of(&successor).invert());
        let mut room = rooms.words(2 * LIMBS)?;
        room.open_mut()?
            .iter_mut()
            .zip(d.as_integer().iter().chain(inverse.as_limbs()))
            .for_each(|(word, limb)| *word = *limb);
        Ok(Some(Self(room)))
    }

    /// As [`place`](Self::place), in the heap.
    #[cfg(test)]
    pub(super) fn from_bytes(bytes: &[u8; SCALAR_LEN]) -> Option<Self> {
        Self::place(bytes, &crate::crypto::room::Heap).unwrap()
    }

    /// The secret where it stands, which is to be used at once.
    /// [`Status::KeyLostAfterFork`] where it is not there any more.
    pub(super) fn open(&self) -> Result<Opened<'_>> {
        let (d, rest) = self.0.open()?.split_first_chunk::<LIMBS>().ok_or_else(no_room)?;
        let (inverse, _) = rest.split_first_chunk::<LIMBS>().ok_or_else(no_room)?;
        Ok(Opened { d, inverse })
    }

    /// Where it is kept.
    pub(super) fn custody(&self) -> Custody {
        self.0.custody()
    }

    /// Big-endian bytes.
    pub(super) fn to_bytes(&self) -> Result<Zeroizing<[u8; SCALAR_LEN]>> {
        Ok(Zeroizing::new(limbs::to_be_bytes(self.open()?.d)))
    }

    /// The public point, d·G.
    pub(super) fn point(&self) -> Result<Affine> {
        let _clean = CleanStack;
        self.multiply()
    }

    #[inline(never)]
    fn multiply(&self) -> Result<Affine> {
        let d = Zeroizing::new(Scalar::from_integer(self.open()?.d));
        let product = Projective::multiple(&Affine::generator(), &d);
        // d is in [1, n-2], so it is not infinity.
        let point = product.to_affine().map(declassify);
        point.ok_or_else(|| Error::new(Status::Internal, "sm2: a private key of 0"))
    }
}

/// Limbs in a scalar.
const LIMBS: usize = 4;

fn no_room() -> Error {
    Error::new(Status::Internal, "sm2: a private key without room")
}

/// A digest to be signed.
#[derive(Clone, Copy)]
pub(super) struct Signing<'a> {
    pub(super) secret: Opened<'a>,
    pub(super) e: Digest,
}

/// R||S of all, in their order; [`Status::Io`] without randomness.
pub(super) fn sign(signings: &[Signing<'_>]) -> Result<Vec<[u8; 64]>> {
    let _clean = CleanStack;
    sign_all(signings)
}

/// A frame of its own, which is wiped behind it.
#[inline(never)]
fn sign_all(signings: &[Signing<'_>]) -> Result<Vec<[u8; 64]>> {
    let mut signatures = Vec::with_capacity(signings.len());
    for signings in signings.chunks(SHARING) {
        loop {
            // Another turn, with other nonces, comes to pass as good as never.
            let ks = nonces(signings)?;
            let found = match signings.len() {
                1 => level::one(Sign(signings, &ks)),
                _ => level::many(Sign(signings, &ks)),
            };
            if let Some(found) = found {
                signatures.extend(found);
                break;
            }
        }
    }
    Ok(signatures)
}

/// How many signatures share their inversions.
const SHARING: usize = 64;

/// The signatures with these nonces; `None` if a nonce does not do.
struct Sign<'a>(&'a [Signing<'a>], &'a [Scalar]);

impl Work for Sign<'_> {
    type Output = Option<Vec<[u8; 64]>>;

    #[inline(always)]
    fn run<F: Field>(self) -> Self::Output {
        let Self(signings, ks) = self;
        let xs = x_of_multiples::<F>(ks, &mut Space::new())?;
        signings
            .iter()
            .zip(ks.iter().zip(xs))
            .map(|(signing, (k, x))| {
                let r = Scalar::reduce(&signing.e).add(&x);
                let sum = r.add(k);
                let s = scalar::product(signing.secret.inverse, &sum).sub(&r);
                // r and s are the signature; that r + k is 0 is as good as impossible, and then says k.
                if declassify(r.is_zero() | sum.is_zero() | s.is_zero()) {
                    return None;
                }
                let mut signature = [0; 64];
                let (halves, _) = signature.as_chunks_mut::<SCALAR_LEN>();
                halves.iter_mut().zip([r, s]).for_each(|(half, scalar)| *half = scalar.to_be_bytes());
                Some(declassify(signature))
            })
            .collect()
    }
}

/// The signatures by `F`, with nonces of their own.
#[cfg(test)]
pub(super) fn sign_by<F: Field>(signings: &[Signing<'_>]) -> Vec<[u8; 64]> {
    Sign(signings, &nonces(signings).unwrap()).run::<F>().unwrap()
}

pub(super) fn no_randomness() -> Error {
    Error::new(Status::Io, "sm2: the operating system gave no randomness")
}

#[cfg(all(test, ctgrind))]
mod constant_time;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::sm2::curve::{GENERATOR, N};

    #[test]
    fn scalars_lie_in_1_to_n_minus_2() {
        let last = |less: u8| {
            let mut bytes = N;
            bytes[31] -= less;
            bytes
        };
        let mut one = [0; 32];
        one[31] = 1;
        for (scalar, accepted) in [
            ([0; 32], false),
            (one, true),
            (last(2), true),
            (last(1), false),
            (N, false),
            ([0xff; 32], false),
        ] {
            assert_eq!(Secret::from_bytes(&scalar).is_some(), accepted, "{scalar:02x?}");
        }
    }

    #[test]
    fn the_generator_is_the_point_of_the_scalar_one() {
        let mut one = [0; 32];
        one[31] = 1;
        let point = Secret::from_bytes(&one).unwrap().point().unwrap();
        assert_eq!([point.x.to_be_bytes(), point.y.to_be_bytes()].concat(), GENERATOR);
    }
}
