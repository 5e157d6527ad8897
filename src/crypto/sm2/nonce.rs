//! The nonces of signatures: RFC 6979 with HMAC-SM3, and fresh randomness as the additional data of its section 3.6.
//!
//! Derived from the private key and the digest, a nonce does not depend on the quality of the randomness; with the
//! randomness, a fault in one of two signatures over one digest does not give the key away.
#![forbid(unsafe_code)]

use super::limbs;
use super::scalar::Scalar;
use super::sign::{Signing, no_randomness};
use crate::crypto::secret::{classify, declassify};
use crate::crypto::sm3::{Block, DIGEST_LEN, Digest, IV, State, compress_each, digest_of};
use crate::error::Result;
use zeroize::Zeroizing;

/// A nonce in [1, n-1] for each signing.
pub(super) fn nonces(signings: &[Signing<'_>]) -> Result<Zeroizing<Vec<Scalar>>> {
    let mut fresh = Zeroizing::new(vec![[0; 32]; signings.len()]);
    getrandom::fill(fresh.as_flattened_mut()).map_err(|_| no_randomness())?;
    classify(&mut fresh);
    Ok(nonces_from(signings, &fresh))
}

/// The nonces that follow from the additional data `fresh`.
fn nonces_from(signings: &[Signing<'_>], fresh: &[Digest]) -> Zeroizing<Vec<Scalar>> {
    let seeds = signings.iter().zip(fresh).map(|(signing, fresh)| {
        [limbs::to_be_bytes(signing.secret.d), Scalar::reduce(&signing.e).to_be_bytes(), *fresh]
    });
    let seeds: Zeroizing<Vec<[Digest; 3]>> = Zeroizing::new(seeds.collect());
    let mut generators = Generators::new(signings.len());
    for separator in [0, 1] {
        generators.mix::<3>(|i, message| {
            message.push(&[separator]);
            message.push(seeds.get(i).map_or(&[], |seed| seed.as_flattened()));
        });
    }
    loop {
        generators.step();
        // No more room than needed is asked for at once: what a vector leaves behind when it grows would not be wiped.
        let mut ks = Zeroizing::new(Vec::with_capacity(signings.len()));
        ks.extend(generators.values.iter().map_while(nonce));
        if ks.len() == signings.len() {
            return ks;
        }
        // One of them is out of range: the next one of all.
        generators.mix::<1>(|_, message| message.push(&[0]));
    }
}

/// The candidate in these bytes; `None` if it is not in [1, n-1].
fn nonce(value: &Digest) -> Option<Scalar> {
    let k = Scalar::from_be_bytes(value)?;
    (!declassify(k.is_zero())).then_some(k)
}

/// Generators side by side, with their K and V (section 3.2, steps b to h).
struct Generators {
    keys: Keys,
    values: Zeroizing<Vec<Digest>>,
}

impl Generators {
    fn new(count: usize) -> Self {
        let [inner, outer] = Keys::ZERO.map(|state| Zeroizing::new(vec![state; count]));
        Self { keys: Keys { inner, outer }, values: vec![[1; DIGEST_LEN]; count].into() }
    }

    /// K = HMAC_K(V || addition), V = HMAC_K(V), where the addition makes the message fill N blocks.
    fn mix<const N: usize>(&mut self, addition: impl Fn(usize, &mut Message<'_>)) {
        let keys = self.keys.hmacs::<N>(|i, message| {
            message.push(self.values.get(i).map_or(&[], Digest::as_slice));
            addition(i, message);
        });
        self.keys = Keys::new(&keys);
        self.step();
    }

    /// V = HMAC_K(V).
    fn step(&mut self) {
        self.values =
            self.keys.hmacs::<1>(|i, message| message.push(self.values.get(i).map_or(&[], Digest::as_slice)));
    }
}

/// Keys of HMAC-SM3 (RFC 2104): the chaining values behind K xor ipad and behind K xor opad.
struct Keys {
    inner: Zeroizing<Vec<State>>,
    outer: Zeroizing<Vec<State>>,
}

impl Keys {
    /// Both chaining values of the key 0.
    const ZERO: [State; 2] = [
        [
            0x8c85_4854,
            0xf66e_47eb,
            0x0538_ea9e,
            0x5958_a85f,
            0x4d78_9aef,
            0xe8cb_b135,
            0xb188_26ca,
            0xf696_d872,
        ],
        [
            0x69f2_3db2,
            0xb0ef_d84c,
            0x7dc1_32e0,
            0x2855_d81f,
            0x4353_9464,
            0x96af_80b2,
            0x91cf_7b06,
            0x4382_0bbd,
        ],
    ];

    fn new(keys: &[Digest]) -> Self {
        let behind = |pad: u8| {
            let mut blocks = Blocks(vec![[[pad; 64]]; keys.len()]);
            for (block, key) in blocks.0.iter_mut().zip(keys) {
                block.as_flattened_mut().iter_mut().zip(key).for_each(|(byte, key)| *byte ^= key);
            }
            let mut states = Zeroizing::new(vec![IV; keys.len()]);
            compress_each(&mut states, |i| blocks.0.get(i)?.first());
            states
        };
        Self { inner: behind(0x36), outer: behind(0x5c) }
    }

    /// The message authentication code under each key of the message that `write` writes for it, in N blocks with its
    /// padding.
    fn hmacs<const N: usize>(&self, write: impl Fn(usize, &mut Message<'_>)) -> Zeroizing<Vec<Digest>> {
        let inner = digests_behind::<N>(&self.inner, write);
        digests_behind::<1>(&self.outer, |i, message| {
            message.push(inner.get(i).map_or(&[], Digest::as_slice));
        })
    }
}

/// The digests of messages behind the blocks of these chaining values.
fn digests_behind<const N: usize>(
    states: &[State],
    write: impl Fn(usize, &mut Message<'_>),
) -> Zeroizing<Vec<Digest>> {
    let mut messages = Blocks(vec![[[0; 64]; N]; states.len()]);
    for (i, blocks) in messages.0.iter_mut().enumerate() {
        let mut message = Message { bytes: blocks.as_flattened_mut(), len: 0 };
        write(i, &mut message);
        message.pad();
    }
    let mut states = Zeroizing::new(states.to_vec());
    for index in 0..N {
        compress_each(&mut states, |i| messages.0.get(i)?.get(index));
    }
    Zeroizing::new(states.iter().map(digest_of).collect())
}

/// The blocks of messages, overwritten when dropped: as whole arrays, where `zeroize` takes byte by byte.
struct Blocks<const N: usize>(Vec<[Block; N]>);

impl<const N: usize> Drop for Blocks<N> {
    fn drop(&mut self) {
        self.0.fill([[0; 64]; N]);
        std::hint::black_box(&self.0[..]);
    }
}

/// A message behind a first block, in its place in zeroed blocks.
struct Message<'a> {
    bytes: &'a mut [u8],
    len: usize,
}

impl Message<'_> {
    fn push(&mut self, part: &[u8]) {
        let end = self.len + part.len();
        debug_assert!(end <= self.bytes.len());
        if let Some(place) = self.bytes.get_mut(self.len..end) {
            place.copy_from_slice(part);
        }
        self.len = end;
    }

    /// The padding (GB/T 32905-2016, 5.2).
    fn pad(mut self) {
        let bits = ((64 + self.len) as u64 * 8).to_be_bytes();
        debug_assert!(self.len + 9 <= self.bytes.len());
        self.push(&[0x80]);
        if let Some(place) = self.bytes.last_chunk_mut() {
            *place = bits;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::sm2::sign::Secret;
    use crate::crypto::sm2::tests::{EXAMPLE_KEY, unhex};
    use crate::crypto::sm3::digest;

    fn hmac(key: &Digest, message: &[u8]) -> Digest {
        let behind = |pad: u8, message: &[u8]| {
            let block: Vec<u8> = (0..64).map(|i| key.get(i).unwrap_or(&0) ^ pad).collect();
            digest(&[&block, message].concat())
        };
        behind(0x5c, &behind(0x36, message))
    }

    #[test]
    fn the_key_zero() {
        let computed = Keys::new(&[[0; DIGEST_LEN]]);
        assert_eq!([computed.inner[0], computed.outer[0]], Keys::ZERO);
    }

    /// Section 3.2 with the additional data of section 3.6, step by step as the text has it.
    #[test]
    fn as_rfc_6979_has_it() {
        let secret = Secret::from_bytes(&unhex(EXAMPLE_KEY).try_into().unwrap()).unwrap();
        let (digests, fresh) = ([[0x11; 32], [0xff; 32], digest(b"sample")], [[1; 32], [2; 32], [3; 32]]);
        let signings = digests.map(|e| Signing { secret: secret.open().unwrap(), e });
        let expected = digests.iter().zip(&fresh).map(|(e, fresh)| {
            let seed =
                [unhex(EXAMPLE_KEY), Scalar::reduce(e).to_be_bytes().to_vec(), fresh.to_vec()].concat();
            let (mut k, mut v) = ([0; 32], [1; 32]);
            for separator in [0, 1] {
                k = hmac(&k, &[&v, [separator].as_slice(), &seed].concat());
                v = hmac(&k, &v);
            }
            loop {
                v = hmac(&k, &v);
                if let Some(nonce) = nonce(&v) {
                    return nonce;
                }
                k = hmac(&k, &[&v, [0].as_slice()].concat());
                v = hmac(&k, &v);
            }
        });
        assert_eq!(nonces_from(&signings, &fresh)[..], expected.collect::<Vec<_>>());
    }
}
