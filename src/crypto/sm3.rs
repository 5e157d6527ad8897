//! SM3 (GB/T 32905-2016): the digest under every identifier, signature and tree of this crate.
//!
//! | what | how |
//! |---|---|
//! | one message ([`digest`], [`Hasher`]) | `compress`: one chain of blocks |
//! | many messages ([`digest_batch`], [`digest_batch_into`]) | `lanes`: 8 or 16 chains side by side |
//! | one large file ([`tree`]) | its leaves are many messages |
#![deny(unsafe_code)]

mod compress;
mod lanes;
mod padding;
pub mod tree;
mod vector;

pub(super) use compress::{Block, IV, State, digest_of};
pub(super) use lanes::compress_each;
pub use lanes::{Parts, digest_batch, digest_batch_into};

use compress::compress;
use padding::put;
use zeroize::Zeroize;

/// Bytes in an SM3 digest.
pub const DIGEST_LEN: usize = 32;

/// An SM3 digest.
pub type Digest = [u8; DIGEST_LEN];

/// The digest of `data`.
pub fn digest(data: &[u8]) -> Digest {
    let mut hasher = Hasher::new();
    hasher.update(data);
    hasher.finish()
}

/// The text form of a digest in documents and messages: `sm3:` and 64 lower-case hexadecimal digits.
pub fn text(digest: &Digest) -> String {
    digest.iter().fold(String::from("sm3:"), |text, byte| text + &format!("{byte:02x}"))
}

/// A digest in the making, for data that comes in parts.
#[derive(Clone)]
pub struct Hasher {
    state: State,
    /// The bytes taken in that do not fill a block yet stand at the front.
    partial: Block,
    /// Bytes taken in so far.
    length: u64,
}

impl Hasher {
    /// A hasher that has seen nothing.
    pub fn new() -> Self {
        Self { state: IV, partial: [0; 64], length: 0 }
    }

    /// Takes in the next `part`.
    pub fn update(&mut self, mut part: &[u8]) {
        let filled = self.filled();
        self.length = self.length.wrapping_add(part.len() as u64);
        if filled > 0 {
            let free = self.partial.get_mut(filled..).unwrap_or_default();
            let Some((first, rest)) = part.split_at_checked(free.len()) else {
                return put(free, part);
            };
            put(free, first);
            compress(&mut self.state, &[self.partial]);
            part = rest;
        }
        let (blocks, rest) = part.as_chunks();
        compress(&mut self.state, blocks);
        put(&mut self.partial, rest);
    }

    /// The digest of all parts.
    pub fn finish(mut self) -> Digest {
        let rest = self.partial.get(..self.filled()).unwrap_or_default();
        let mut last = [[0; 64]; 2];
        let count = padding::last_blocks(&mut last, [rest, &[]], self.length);
        compress(&mut self.state, last.get(..count).unwrap_or_default());
        compress::digest_of(&self.state)
    }

    /// How many bytes of `partial` count.
    fn filled(&self) -> usize {
        (self.length % 64) as usize
    }
}

impl Default for Hasher {
    fn default() -> Self {
        Self::new()
    }
}

/// For those who hash secrets; the data that goes through the kernels' registers and stack is not covered.
impl Zeroize for Hasher {
    fn zeroize(&mut self) {
        self.state.zeroize();
        self.partial.zeroize();
        self.length.zeroize();
    }
}

#[cfg(test)]
mod tests;
