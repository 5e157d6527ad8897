//! The encoding EME-OAEP with SHA-256, MGF1-SHA-256 and the empty label (RFC 8017 §7.1).
//!
//! Decoding is for a message whose length is known, as that of a content encryption key is. So there is one right form of
//! the block, nothing has to be searched for in it, and no branch and no address depends on what is found: a block of
//! another form gives the substitute instead of the message (Manger 2001 is what an answer would help).
#![forbid(unsafe_code)]
#![deny(clippy::indexing_slicing)]

use crate::error::{Error, Result, Status};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

const HASH_LEN: usize = 32;

/// The block of `len` bytes, as many as the modulus has, that holds `message`; `seed` has to be fresh randomness.
pub(super) fn encode(message: &[u8], seed: &[u8; HASH_LEN], len: usize) -> Result<Zeroizing<Vec<u8>>> {
    let padding = padding_len(message.len(), len).ok_or_else(|| {
        Error::argument(format!("oaep: {} bytes do not fit into a modulus of {len}", message.len()))
    })?;
    let mut block = Zeroizing::new(Vec::with_capacity(len));
    block.push(0);
    block.extend_from_slice(seed);
    block.extend_from_slice(&Sha256::digest(b""));
    block.extend(std::iter::repeat_n(0, padding));
    block.push(1);
    block.extend_from_slice(message);
    if let Some((_, masked)) = block.split_first_mut()
        && let Some((seed, data)) = masked.split_at_mut_checked(HASH_LEN)
    {
        mask(data, seed);
        mask(seed, data);
    }
    Ok(block)
}

/// The message of as many bytes as `substitute` that `block` holds, or `substitute` where it is not the block of one.
pub(super) fn decode(mut block: Zeroizing<Vec<u8>>, substitute: &[u8]) -> Zeroizing<Vec<u8>> {
    let mut message = Zeroizing::new(substitute.to_vec());
    let Some(padding) = padding_len(substitute.len(), block.len()) else { return message };
    let Some((first, masked)) = block.split_first_mut() else { return message };
    let Some((seed, data)) = masked.split_at_mut_checked(HASH_LEN) else { return message };
    mask(seed, data);
    mask(data, seed);
    let expected = Sha256::digest(b"").into_iter().chain(std::iter::repeat_n(0, padding)).chain([1]);
    let wrong = data.iter().zip(expected).fold(*first, |wrong, (found, expected)| wrong | (found ^ expected));
    let found = data.iter().skip(data.len().saturating_sub(substitute.len()));
    // All ones where nothing is wrong. Without the barrier the compiler may make a branch of what the mask selects.
    let [_, right] = std::hint::black_box(u16::from(wrong).wrapping_sub(1).to_le_bytes());
    message.iter_mut().zip(found).for_each(|(byte, found)| *byte ^= right & (*byte ^ found));
    message
}

/// How many zeros stand before the one, where there is room for the message.
fn padding_len(message: usize, block: usize) -> Option<usize> {
    block.checked_sub(message)?.checked_sub(2 * HASH_LEN + 2)
}

/// Adds MGF1 of `seed` (RFC 8017 §B.2.1).
fn mask(data: &mut [u8], seed: &[u8]) {
    for (counter, chunk) in (0_u32..).zip(data.chunks_mut(HASH_LEN)) {
        let digest = Sha256::new().chain_update(seed).chain_update(counter.to_be_bytes()).finalize();
        chunk.iter_mut().zip(digest).for_each(|(byte, mask)| *byte ^= mask);
    }
}

/// 32 bytes of randomness; [`Status::Io`] if there is none.
pub(super) fn seed() -> Result<Zeroizing<[u8; HASH_LEN]>> {
    let mut seed = Zeroizing::new([0; HASH_LEN]);
    getrandom::fill(seed.as_mut_slice())
        .map_err(|_| Error::new(Status::Io, "the operating system gave no randomness"))?;
    Ok(seed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_go_both_ways_and_every_bit_of_their_form_counts() {
        let (message, substitute) = ([7; 32], [9; 32]);
        let good = encode(&message, &[5; 32], 384).unwrap();
        assert_eq!(*decode(good.clone(), &substitute), message);
        for place in (0..384).step_by(7).chain([383]) {
            let mut bad = good.clone();
            bad[place] ^= 0x80;
            assert_eq!(*decode(bad, &substitute), substitute, "{place}");
        }
        assert_eq!(*decode(good.clone(), &[9; 31]), [9; 31], "a message of another length");
        assert_eq!(*decode(Zeroizing::new(good[1..].to_vec()), &substitute), substitute);
        assert_eq!(*decode(Zeroizing::default(), &substitute), substitute);
        assert!(encode(&message, &[5; 32], 97).is_err());
        encode(&message, &[5; 32], 98).unwrap();
    }

    /// Under valgrind: neither the block nor what is found in it makes a branch (`make test-constant-time`).
    #[cfg(ctgrind)]
    #[test]
    fn constant_time_decoding() {
        use crate::crypto::secret::{classify, declassify};
        let good = encode(&[7; 32], &[5; 32], 384).unwrap();
        for (place, expected) in [(None, true), (Some(0), false), (Some(200), false), (Some(383), false)] {
            let mut block = good.clone();
            if let Some(place) = place {
                block[place] ^= 1;
            }
            classify(&mut block);
            let message: [u8; 32] = decode(block, &[9; 32]).as_slice().try_into().unwrap();
            assert_eq!(declassify(message) == [7; 32], expected);
        }
    }
}
