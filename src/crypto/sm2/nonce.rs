//! The nonces of signatures: RFC 6979 with HMAC-SM3, and fresh randomness as the additional data of its section 3.6.
//!
//! Derived from the private key and the digest, a nonce does not depend on the quality of the randomness; with the
//! randomness, a fault in one of two signatures over one digest does not give the key away.
#![forbid(unsafe_code)]

use super::limbs;
use super::scalar::Scalar;
use super::sign::{Signing, no_randomness};
use crate::crypto::secret::{classify, declassify};
use crate::crypto::sm3::{DIGEST_LEN, Digest, Parts, digest_batch_into};
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
        generators.mix(|i| {
            let seed = seeds.get(i).map_or(&[][..], |seed| seed.as_flattened());
            [&[separator], seed].concat()
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
        generators.mix(|_| vec![0]);
    }
}

/// The candidate in these bytes; `None` if it is not in [1, n-1].
fn nonce(value: &Digest) -> Option<Scalar> {
    let k = Scalar::from_be_bytes(value)?;
    (!declassify(k.is_zero())).then_some(k)
}

/// Generators side by side, with their K and V (section 3.2, steps b to h).
struct Generators {
    keys: Zeroizing<Vec<Digest>>,
    values: Zeroizing<Vec<Digest>>,
}

impl Generators {
    fn new(count: usize) -> Self {
        Self { keys: vec![[0; DIGEST_LEN]; count].into(), values: vec![[1; DIGEST_LEN]; count].into() }
    }

    /// K = HMAC_K(V || addition), V = HMAC_K(V).
    fn mix(&mut self, addition: impl Fn(usize) -> Vec<u8>) {
        let messages = self
            .values
            .iter()
            .enumerate()
            .map(|(i, value)| [value.as_slice(), &Zeroizing::new(addition(i))].concat());
        let messages: Zeroizing<Vec<Vec<u8>>> = Zeroizing::new(messages.collect());
        self.keys = self.hmacs(messages.iter().map(Vec::as_slice));
        self.step();
    }

    /// V = HMAC_K(V).
    fn step(&mut self) {
        self.values = self.hmacs(self.values.iter().map(Digest::as_slice));
    }

    /// HMAC-SM3 (RFC 2104) of each message under its K.
    fn hmacs<'a>(&self, messages: impl Iterator<Item = &'a [u8]>) -> Zeroizing<Vec<Digest>> {
        let inner = self.hash_behind_key(0x36, messages);
        self.hash_behind_key(0x5c, inner.iter().map(Digest::as_slice))
    }

    /// SM3((K xor pad) || message) of each message.
    fn hash_behind_key<'a>(
        &self,
        pad: u8,
        messages: impl Iterator<Item = &'a [u8]>,
    ) -> Zeroizing<Vec<Digest>> {
        let blocks = self.keys.iter().map(|key| {
            let mut block = [pad; 64];
            block.iter_mut().zip(key).for_each(|(byte, key)| *byte ^= key);
            block
        });
        let blocks: Zeroizing<Vec<[u8; 64]>> = Zeroizing::new(blocks.collect());
        let inputs: Vec<_> = blocks.iter().zip(messages).map(|(head, tail)| Parts { head, tail }).collect();
        let mut digests = Zeroizing::new(vec![[0; DIGEST_LEN]; inputs.len()]);
        digest_batch_into(&inputs, &mut digests);
        digests
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
