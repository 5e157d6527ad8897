//! Eight words in a 256-bit register.
//!
//! The type stays within this crate's kernels: its methods are inlined into functions that enable AVX2
//! and that are entered with proof of it only.
#![allow(unsafe_code)]
#![allow(
    clippy::inline_always,
    reason = "instructions are enabled in the function that this becomes part of"
)]

use super::super::compress::Block;
use super::Vector;
use std::arch::x86_64::{
    __m256i, _MM_HINT_T0, _mm_cvtsi32_si128, _mm_loadu_si128, _mm_prefetch, _mm256_add_epi32,
    _mm256_and_si256, _mm256_loadu_si256, _mm256_or_si256, _mm256_set_m128i, _mm256_set1_epi32,
    _mm256_setr_epi64x, _mm256_shuffle_epi8, _mm256_sll_epi32, _mm256_srl_epi32, _mm256_storeu_si256,
    _mm256_unpackhi_epi32, _mm256_unpackhi_epi64, _mm256_unpacklo_epi32, _mm256_unpacklo_epi64,
    _mm256_xor_si256,
};

/// Eight words.
#[derive(Clone, Copy)]
pub struct Avx2(__m256i);

impl Vector<8> for Avx2 {
    #[inline(always)]
    fn splat(word: u32) -> Self {
        // SAFETY: below an entry that has AVX2, as all of this type.
        Self(unsafe { _mm256_set1_epi32(word.cast_signed()) })
    }

    #[inline(always)]
    fn load(words: &[u32; 8]) -> Self {
        // SAFETY: as above; the array has 32 bytes.
        Self(unsafe { _mm256_loadu_si256(words.as_ptr().cast()) })
    }

    #[inline(always)]
    fn store(self, words: &mut [u32; 8]) {
        // SAFETY: as above; the array has 32 bytes.
        unsafe { _mm256_storeu_si256(words.as_mut_ptr().cast(), self.0) }
    }

    #[inline(always)]
    fn transposed(blocks: [&Block; 8]) -> [Self; 16] {
        // SAFETY: as above.
        unsafe {
            let mut words = [Self::splat(0); 16];
            for quarter in 0..4 {
                // Blocks i and i + 4 share a register, so no shuffle has to cross its halves.
                let row = |i: usize| reversed(pair(blocks[i], blocks[i + 4], quarter));
                let (r0, r1, r2, r3) = (row(0), row(1), row(2), row(3));
                let (low01, high01) = (_mm256_unpacklo_epi32(r0, r1), _mm256_unpackhi_epi32(r0, r1));
                let (low23, high23) = (_mm256_unpacklo_epi32(r2, r3), _mm256_unpackhi_epi32(r2, r3));
                words[4 * quarter] = Self(_mm256_unpacklo_epi64(low01, low23));
                words[4 * quarter + 1] = Self(_mm256_unpackhi_epi64(low01, low23));
                words[4 * quarter + 2] = Self(_mm256_unpacklo_epi64(high01, high23));
                words[4 * quarter + 3] = Self(_mm256_unpackhi_epi64(high01, high23));
            }
            words
        }
    }

    #[inline(always)]
    fn prefetch(block: &Block) {
        // SAFETY: as above; a prefetch reads nothing.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(block.as_ptr().wrapping_add(63).cast()) }
    }

    #[inline(always)]
    fn add(self, other: Self) -> Self {
        // SAFETY: as above.
        Self(unsafe { _mm256_add_epi32(self.0, other.0) })
    }

    #[inline(always)]
    fn xor(self, other: Self) -> Self {
        // SAFETY: as above.
        Self(unsafe { _mm256_xor_si256(self.0, other.0) })
    }

    #[inline(always)]
    fn and(self, other: Self) -> Self {
        // SAFETY: as above.
        Self(unsafe { _mm256_and_si256(self.0, other.0) })
    }

    #[inline(always)]
    fn rotate(self, bits: u32) -> Self {
        // SAFETY: as above. The counts are constants once inlined, and the shifts then take them as such.
        unsafe {
            let left = _mm256_sll_epi32(self.0, _mm_cvtsi32_si128(bits.cast_signed()));
            let right = _mm256_srl_epi32(self.0, _mm_cvtsi32_si128(32 - bits.cast_signed()));
            Self(_mm256_or_si256(left, right))
        }
    }

    #[inline(always)]
    fn rotate_8(self) -> Self {
        // SAFETY: as above.
        Self(unsafe { shuffled(self.0, 0x0605_0407_0201_0003, 0x0e0d_0c0f_0a09_080b) })
    }
}

/// Quarter `quarter` of two blocks, one in each half.
#[inline]
#[target_feature(enable = "avx2")]
fn pair(low: &Block, high: &Block, quarter: usize) -> __m256i {
    let (low, high) = (&low.as_chunks::<16>().0[quarter], &high.as_chunks::<16>().0[quarter]);
    // SAFETY: each array has 16 bytes.
    unsafe { _mm256_set_m128i(_mm_loadu_si128(high.as_ptr().cast()), _mm_loadu_si128(low.as_ptr().cast())) }
}

/// The bytes of every word in the opposite order.
#[inline]
#[target_feature(enable = "avx2")]
fn reversed(words: __m256i) -> __m256i {
    shuffled(words, 0x0405_0607_0001_0203, 0x0c0d_0e0f_0809_0a0b)
}

/// Takes the bytes of each half in the order that `low` and `high` give, least significant byte first.
#[inline]
#[target_feature(enable = "avx2")]
fn shuffled(words: __m256i, low: i64, high: i64) -> __m256i {
    _mm256_shuffle_epi8(words, _mm256_setr_epi64x(low, high, low, high))
}
