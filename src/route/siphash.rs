//! SipHash-2-4 with 64 bits of output: Aumasson and Bernstein, "SipHash: a fast short-input PRF", 2012.
//!
//! Most user keys are a few words long, and each request hashes one: the state is prepared with its key once, and a
//! whole key is hashed without a buffer between.
#![forbid(unsafe_code)]

/// The state after `len` bytes.
#[derive(Clone, Copy)]
pub(super) struct SipHash {
    v: [u64; 4],
    /// The bytes since the last whole word, the first one lowest.
    tail: u64,
    len: usize,
}

impl SipHash {
    pub(super) fn new(key: [u8; 16]) -> Self {
        let (k0, k1) = (first_word(&key), key.last_chunk().map_or(0, |half| u64::from_le_bytes(*half)));
        // The ASCII text "somepseudorandomlygeneratedbytes".
        let v = [
            k0 ^ 0x736f_6d65_7073_6575,
            k1 ^ 0x646f_7261_6e64_6f6d,
            k0 ^ 0x6c79_6765_6e65_7261,
            k1 ^ 0x7465_6462_7974_6573,
        ];
        Self { v, tail: 0, len: 0 }
    }

    /// The hash of `bytes` alone; nothing was appended before.
    #[inline]
    pub(super) fn hash(mut self, bytes: &[u8]) -> u64 {
        let (words, rest) = bytes.as_chunks::<8>();
        for word in words {
            self.absorb(u64::from_le_bytes(*word));
        }
        self.tail = first_word(rest);
        self.len = bytes.len();
        self.finish()
    }

    /// Appends `bytes`.
    pub(super) fn update(&mut self, mut bytes: &[u8]) {
        let pending = self.len % 8;
        self.len = self.len.wrapping_add(bytes.len());
        if pending > 0 {
            let Some((missing, rest)) = bytes.split_at_checked(8 - pending) else {
                self.tail |= first_word(bytes) << (8 * pending);
                return;
            };
            self.absorb(self.tail | first_word(missing) << (8 * pending));
            bytes = rest;
        }
        let (words, rest) = bytes.as_chunks::<8>();
        for word in words {
            self.absorb(u64::from_le_bytes(*word));
        }
        self.tail = first_word(rest);
    }

    /// The hash of what was appended.
    #[inline]
    pub(super) fn finish(mut self) -> u64 {
        self.absorb(self.tail | (self.len as u64) << 56);
        self.v[2] ^= 0xff;
        for _ in 0..4 {
            self.round();
        }
        self.v[0] ^ self.v[1] ^ self.v[2] ^ self.v[3]
    }

    #[inline]
    fn absorb(&mut self, word: u64) {
        self.v[3] ^= word;
        self.round();
        self.round();
        self.v[0] ^= word;
    }

    #[inline]
    fn round(&mut self) {
        let [v0, v1, v2, v3] = &mut self.v;
        *v0 = v0.wrapping_add(*v1);
        *v2 = v2.wrapping_add(*v3);
        *v1 = v1.rotate_left(13) ^ *v0;
        *v3 = v3.rotate_left(16) ^ *v2;
        *v0 = v0.rotate_left(32);
        *v2 = v2.wrapping_add(*v1);
        *v0 = v0.wrapping_add(*v3);
        *v1 = v1.rotate_left(17) ^ *v2;
        *v3 = v3.rotate_left(21) ^ *v0;
        *v2 = v2.rotate_left(32);
    }
}

/// The first eight bytes of `text` as a little-endian number, filled up with zeros behind.
#[inline]
pub(super) fn first_word(text: &[u8]) -> u64 {
    if let Some(first) = text.first_chunk::<8>() {
        return u64::from_le_bytes(*first);
    }
    if let (Some(first), Some(last)) = (text.first_chunk::<4>(), text.last_chunk::<4>()) {
        let shift = 8 * (text.len() - 4);
        return u64::from(u32::from_le_bytes(*first)) | u64::from(u32::from_le_bytes(*last)) << shift;
    }
    text.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::hash::Hasher as _;

    const KEY: [u8; 16] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15];

    fn hash(parts: &[&[u8]]) -> u64 {
        let mut hasher = SipHash::new(KEY);
        for part in parts {
            hasher.update(part);
        }
        hasher.finish()
    }

    #[test]
    fn the_example_of_the_paper() {
        let message: Vec<u8> = (0..15).collect();
        assert_eq!(hash(&[&message]), 0xa129_ca61_49be_45e5);
    }

    #[test]
    #[allow(deprecated, reason = "the standard library's SipHash-2-4 serves as a second opinion")]
    fn every_length_in_one_piece_and_in_two() {
        let text: Vec<u8> = (0_u8..=255).cycle().take(300).collect();
        for len in 0..text.len() {
            let text = &text[..len];
            let mut other = std::hash::SipHasher::new_with_keys(0x0706_0504_0302_0100, 0x0f0e_0d0c_0b0a_0908);
            other.write(text);
            assert_eq!(SipHash::new(KEY).hash(text), other.finish(), "{len}");
            assert_eq!(hash(&[text]), other.finish(), "{len}");
            for cut in 0..len.min(20) {
                let (head, tail) = text.split_at(cut);
                assert_eq!(hash(&[head, tail]), other.finish(), "{len} {cut}");
                let (middle, end) = tail.split_at(tail.len().min(3));
                assert_eq!(hash(&[head, middle, end]), other.finish(), "{len} {cut}");
            }
        }
    }

    #[test]
    fn a_first_word_is_filled_up_with_zeros() {
        for len in 0..12 {
            let text: Vec<u8> = (1..=len).collect();
            let mut padded = [0; 8];
            padded.iter_mut().zip(&text).for_each(|(to, from)| *to = *from);
            assert_eq!(first_word(&text), u64::from_le_bytes(padded), "{len}");
        }
    }
}
