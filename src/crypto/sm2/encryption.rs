//! SM2 public key encryption (GB/T 32918.4-2016, the same as GM/T 0003.4-2012) in the encoding of GM/T 0009-2012 §7.2:
//! `SM2Cipher ::= SEQUENCE { x INTEGER, y INTEGER, hash OCTET STRING (SIZE (32)), cipherText OCTET STRING }`, the order
//! C1 C3 C2.
//!
//! It is for keys: short messages whose length the receiver knows. What does not decrypt gives random bytes of that length,
//! without a branch that depends on the private key, and the tag of what they decrypt decides.
#![forbid(unsafe_code)]

use super::complete::Projective;
use super::curve::SCALAR_LEN;
use super::limbs::Limbs;
use super::scalar::Scalar;
use super::sign::Secret;
use super::{PrivateKey, PublicKey};
use crate::crypto::asn1::{self, OCTET_STRING, SEQUENCE, read_sequence};
use crate::crypto::room::{CleanStack, Heap};
use crate::crypto::secret::declassify;
use crate::crypto::sm3::{DIGEST_LEN, Digest, Hasher};
use crate::error::{Error, Result, Status};
use der::Decode;
use der::asn1::{OctetStringRef, UintRef};
use zeroize::Zeroizing;

/// The longest message: a key.
pub const MAX_MESSAGE_LEN: usize = 64;

impl PublicKey {
    /// Encrypts `message`, of 1 to [`MAX_MESSAGE_LEN`] bytes, to an SM2Cipher in DER (§6.1). [`Status::Io`] if there is no
    /// randomness.
    pub fn encrypt(&self, message: &[u8]) -> Result<Vec<u8>> {
        if !(1..=MAX_MESSAGE_LEN).contains(&message.len()) {
            let found = message.len();
            return Err(Error::argument(format!(
                "sm2: expected 1 to {MAX_MESSAGE_LEN} bytes, found {found}"
            )));
        }
        loop {
            let k = Secret::generate(&Heap)?;
            let c1 = Self::of(k.point()?);
            let shared = Shared::new(self, k.open()?.d)?;
            let mask = shared.mask(message.len());
            // Has a chance of 2^-8 for a message of one byte, and none for a key (§6.1, A5).
            if declassify(mask.iter().fold(0, |any, byte| any | byte)) == 0 {
                continue;
            }
            let c3 = shared.digest(message);
            let c2: Vec<u8> = message.iter().zip(mask.iter()).map(|(byte, mask)| byte ^ mask).collect();
            let (x, y) = c1.coordinates().split_at(SCALAR_LEN);
            let cipher = [
                asn1::unsigned(x),
                asn1::unsigned(y),
                asn1::tlv(OCTET_STRING, &[&c3]),
                asn1::tlv(OCTET_STRING, &[&c2]),
            ];
            return Ok(asn1::tlv(SEQUENCE, &cipher.each_ref().map(|part| part.as_slice())).to_vec());
        }
    }
}

impl PrivateKey {
    /// The message of `len` bytes in an SM2Cipher (§7.1). Where there is none, for whatever reason, the answer is as many
    /// random bytes; [`Status::Io`] if there is no randomness.
    pub fn decrypt(&self, cipher: &[u8], len: usize) -> Result<Zeroizing<Vec<u8>>> {
        let mut message = Zeroizing::new(vec![0; len]);
        getrandom::fill(&mut message)
            .map_err(|_| Error::new(Status::Io, "sm2: the operating system gave no randomness"))?;
        // Form and point are the sender's and no secret.
        let Some((c1, c3, c2)) = parse(cipher).filter(|(_, _, c2)| c2.len() == len) else {
            return Ok(message);
        };
        let shared = Shared::new(&c1, self.open()?.d)?;
        let mask = shared.mask(len);
        let mut found = Zeroizing::new(c2.to_vec());
        found.iter_mut().zip(mask.iter()).for_each(|(byte, mask)| *byte ^= mask);
        let any = mask.iter().fold(0, |any, byte| any | byte);
        let wrong = shared.digest(&found).iter().zip(c3).fold(0, |wrong, (a, b)| wrong | (a ^ b));
        // All ones where the digest is right and the mask is not zero (§7.1, B4 and B6).
        let [_, zero] = u16::from(any).wrapping_sub(1).to_le_bytes();
        let [_, right] = u16::from(wrong | zero).wrapping_sub(1).to_le_bytes();
        let right = std::hint::black_box(right);
        message.iter_mut().zip(found.iter()).for_each(|(byte, found)| *byte ^= right & (*byte ^ found));
        Ok(message)
    }
}

/// The point that both sides compute: x || y.
struct Shared(Zeroizing<[u8; 2 * SCALAR_LEN]>);

impl Shared {
    /// scalar·point, for a scalar below n that is not 0.
    fn new(point: &PublicKey, scalar: &Limbs) -> Result<Self> {
        let _clean = CleanStack;
        Self::multiply(point, scalar)
    }

    /// A frame of its own, which is wiped behind it.
    #[inline(never)]
    fn multiply(point: &PublicKey, scalar: &Limbs) -> Result<Self> {
        let scalar = Zeroizing::new(Scalar::from_integer(scalar));
        // The order of the curve is prime, and neither the point nor the scalar is zero.
        let product = Projective::multiple(point.point(), &scalar).to_affine();
        let product =
            product.ok_or_else(|| Error::new(Status::Internal, "sm2: a shared point at infinity"))?;
        let mut bytes = Zeroizing::new([0; 2 * SCALAR_LEN]);
        let (coordinates, _) = bytes.as_chunks_mut::<SCALAR_LEN>();
        coordinates.iter_mut().zip([product.x, product.y]).for_each(|(to, from)| *to = from.to_be_bytes());
        Ok(Self(bytes))
    }

    /// KDF(x || y, len) (§5.4.3): SM3 over the point and a counter of four bytes from 1 on.
    fn mask(&self, len: usize) -> Zeroizing<Vec<u8>> {
        let mut mask = Zeroizing::new(Vec::with_capacity(len.next_multiple_of(DIGEST_LEN)));
        for counter in (1_u32..).take(len.div_ceil(DIGEST_LEN)) {
            let mut hasher = Hasher::new();
            hasher.update(self.0.as_slice());
            hasher.update(&counter.to_be_bytes());
            mask.extend_from_slice(Zeroizing::new(hasher.finish()).as_slice());
        }
        mask.truncate(len);
        mask
    }

    /// C3 = SM3(x || message || y).
    fn digest(&self, message: &[u8]) -> Digest {
        let (x, y) = self.0.split_at(SCALAR_LEN);
        let mut hasher = Hasher::new();
        for part in [x, message, y] {
            hasher.update(part);
        }
        hasher.finish()
    }
}

/// C1, C3 and C2 of an SM2Cipher in strict DER whose point is on the curve.
fn parse(cipher: &[u8]) -> Option<(PublicKey, &[u8], &[u8])> {
    let mut point = [4; 1 + 2 * SCALAR_LEN];
    let (c3, c2) = read_sequence(cipher, |body| {
        for (place, number) in [(1, UintRef::decode(body)?), (1 + SCALAR_LEN, UintRef::decode(body)?)] {
            let digits = number.as_bytes();
            let padding = SCALAR_LEN.checked_sub(digits.len()).ok_or(der::ErrorKind::Failed)?;
            let whole = std::iter::repeat_n(&0, padding).chain(digits);
            point.iter_mut().skip(place).zip(whole).for_each(|(to, from)| *to = *from);
        }
        Ok((<&OctetStringRef>::decode(body)?.as_bytes(), <&OctetStringRef>::decode(body)?.as_bytes()))
    })
    .ok()?;
    let c1 = PublicKey::from_point(&point).ok()?;
    (c3.len() == DIGEST_LEN).then_some((c1, c3, c2))
}

#[cfg(all(test, ctgrind))]
mod constant_time;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ciphers_go_both_ways_and_every_byte_counts() {
        let (key, other) = (PrivateKey::generate().unwrap(), PrivateKey::generate().unwrap());
        for len in [1, 16, 32, 33, 64] {
            let message = vec![0xa5; len];
            let cipher = key.public_key().encrypt(&message).unwrap();
            assert_eq!(*key.decrypt(&cipher, len).unwrap(), message);
        }
        let message = [0xa5; 16];
        let cipher = key.public_key().encrypt(&message).unwrap();
        assert_ne!(*other.decrypt(&cipher, 16).unwrap(), message);
        assert_eq!(
            key.decrypt(&cipher, 32).unwrap().len(),
            32,
            "another length gives random bytes of that length"
        );
        for place in 0..cipher.len() {
            let mut bad = cipher.clone();
            bad[place] ^= 1;
            assert_ne!(*key.decrypt(&bad, 16).unwrap(), message, "{place}");
        }
        for bad in [&cipher[..cipher.len() - 1], &[&*cipher, &[0]].concat(), &[]] {
            assert_ne!(*key.decrypt(bad, 16).unwrap(), message);
        }
        assert!(key.public_key().encrypt(&[]).is_err());
        assert!(key.public_key().encrypt(&[0; 65]).is_err());
    }
}
