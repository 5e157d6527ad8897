//! The vectors as arrays: the oracle of the others, and what runs where no instruction set is to be relied on.
#![forbid(unsafe_code)]
#![allow(
    clippy::inline_always,
    reason = "instructions are enabled in the function that this becomes part of"
)]

use super::super::compress::Block;
use super::Vector;
use std::array;

/// `LANES` words in an array.
#[derive(Clone, Copy)]
pub struct Emulated<const LANES: usize>([u32; LANES]);

impl<const LANES: usize> Emulated<LANES> {
    #[inline(always)]
    fn zip(self, other: Self, f: impl Fn(u32, u32) -> u32) -> Self {
        Self(array::from_fn(|lane| f(self.0[lane], other.0[lane])))
    }
}

impl<const LANES: usize> Vector<LANES> for Emulated<LANES> {
    fn splat(word: u32) -> Self {
        Self([word; LANES])
    }

    fn load(words: &[u32; LANES]) -> Self {
        Self(*words)
    }

    fn store(self, words: &mut [u32; LANES]) {
        *words = self.0;
    }

    fn transposed(blocks: [&Block; LANES]) -> [Self; 16] {
        array::from_fn(|j| Self(blocks.map(|block| u32::from_be_bytes(block.as_chunks().0[j]))))
    }

    fn add(self, other: Self) -> Self {
        self.zip(other, u32::wrapping_add)
    }

    fn xor(self, other: Self) -> Self {
        self.zip(other, |a, b| a ^ b)
    }

    fn and(self, other: Self) -> Self {
        self.zip(other, |a, b| a & b)
    }

    fn rotate(self, bits: u32) -> Self {
        Self(self.0.map(|word| word.rotate_left(bits)))
    }
}
