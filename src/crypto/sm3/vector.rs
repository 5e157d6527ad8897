//! Words of 32 bits side by side: what the lanes and the message schedule are written in.
#![deny(unsafe_code)]
#![allow(
    clippy::inline_always,
    reason = "instructions are enabled in the function that this becomes part of"
)]

#[cfg(target_arch = "x86_64")]
pub mod avx2;
#[cfg(target_arch = "x86_64")]
pub mod avx512;
#[cfg(test)]
pub mod emulated;

use super::compress::Block;

/// `LANES` words, of which lane i belongs to chain i.
///
/// The defaults are right for all; a level overrides those for which it has an instruction.
pub trait Vector<const LANES: usize>: Copy {
    /// The same word in every lane.
    fn splat(word: u32) -> Self;
    /// Lane i is `words[i]`.
    fn load(words: &[u32; LANES]) -> Self;
    /// The inverse of `load`.
    fn store(self, words: &mut [u32; LANES]);
    /// Lane i of vector j is the big-endian word j of block i.
    fn transposed(blocks: [&Block; LANES]) -> [Self; 16];
    /// Asks for a block that is needed soon.
    #[inline(always)]
    fn prefetch(_block: &Block) {}

    /// The sum modulo 2^32.
    fn add(self, other: Self) -> Self;
    fn xor(self, other: Self) -> Self;
    fn and(self, other: Self) -> Self;
    /// Rotation to the left by 1 to 31 bits, a constant once this is inlined.
    fn rotate(self, bits: u32) -> Self;

    /// Rotation to the left by one byte.
    #[inline(always)]
    fn rotate_8(self) -> Self {
        self.rotate(8)
    }

    /// `self ^ b ^ c`.
    #[inline(always)]
    fn xor3(self, b: Self, c: Self) -> Self {
        self.xor(b).xor(c)
    }

    /// In each bit, what at least two of the three have: FF of the late rounds.
    #[inline(always)]
    fn majority(self, b: Self, c: Self) -> Self {
        self.and(b).xor(self.xor(b).and(c))
    }

    /// In each bit, that of `f` where `self` has one and that of `g` elsewhere: GG of the late rounds.
    #[inline(always)]
    fn choose(self, f: Self, g: Self) -> Self {
        f.xor(g).and(self).xor(g)
    }
}

/// W(j) from the words before it (GB/T 32905-2016, 5.3.2): `before(i)` is W(j - i).
#[inline(always)]
pub fn expanded<const LANES: usize, V: Vector<LANES>>(before: impl Fn(usize) -> V) -> V {
    let x = before(16).xor3(before(9), before(3).rotate(15));
    // 23 = 15 + 8, and a byte's rotation is one instruction where a rotation is three.
    let x15 = x.rotate(15);
    x.xor3(x15, x15.rotate_8()).xor3(before(13).rotate(7), before(6))
}
