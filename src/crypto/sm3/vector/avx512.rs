//! Sixteen words in a 512-bit register, with rotations and functions of three operands in one instruction.
//!
//! The type stays within this crate's kernels: its methods are inlined into functions that enable
//! AVX-512 F and BW and that are entered with proof of them only.
#![allow(unsafe_code)]
#![allow(
    clippy::inline_always,
    reason = "instructions are enabled in the function that this becomes part of"
)]

use super::super::compress::Block;
use super::Vector;
use std::arch::x86_64::{
    __m512i, _MM_HINT_T0, _mm_loadu_si128, _mm_prefetch, _mm512_add_epi32, _mm512_and_si512,
    _mm512_castsi128_si512, _mm512_inserti32x4, _mm512_loadu_si512, _mm512_rolv_epi32, _mm512_set1_epi32,
    _mm512_set4_epi32, _mm512_shuffle_epi8, _mm512_storeu_si512, _mm512_ternarylogic_epi32,
    _mm512_unpackhi_epi32, _mm512_unpackhi_epi64, _mm512_unpacklo_epi32, _mm512_unpacklo_epi64,
    _mm512_xor_si512,
};

/// Sixteen words.
#[derive(Clone, Copy)]
pub struct Avx512(__m512i);

impl Vector<16> for Avx512 {
    #[inline(always)]
    fn splat(word: u32) -> Self {
        // SAFETY: below an entry that has AVX-512 F and BW, as all of this type.
        Self(unsafe { _mm512_set1_epi32(word.cast_signed()) })
    }

    #[inline(always)]
    fn load(words: &[u32; 16]) -> Self {
        // SAFETY: as above; the array has 64 bytes.
        Self(unsafe { _mm512_loadu_si512(words.as_ptr().cast()) })
    }

    #[inline(always)]
    fn store(self, words: &mut [u32; 16]) {
        // SAFETY: as above; the array has 64 bytes.
        unsafe { _mm512_storeu_si512(words.as_mut_ptr().cast(), self.0) }
    }

    #[inline(always)]
    fn transposed(blocks: [&Block; 16]) -> [Self; 16] {
        // SAFETY: as above.
        unsafe {
            let mut words = [Self::splat(0); 16];
            for quarter in 0..4 {
                // Blocks i, i + 4, i + 8 and i + 12 share a register, so no shuffle has to cross its quarters.
                let row = |i: usize| {
                    reversed(four([blocks[i], blocks[i + 4], blocks[i + 8], blocks[i + 12]], quarter))
                };
                let (r0, r1, r2, r3) = (row(0), row(1), row(2), row(3));
                let (low01, high01) = (_mm512_unpacklo_epi32(r0, r1), _mm512_unpackhi_epi32(r0, r1));
                let (low23, high23) = (_mm512_unpacklo_epi32(r2, r3), _mm512_unpackhi_epi32(r2, r3));
                words[4 * quarter] = Self(_mm512_unpacklo_epi64(low01, low23));
                words[4 * quarter + 1] = Self(_mm512_unpackhi_epi64(low01, low23));
                words[4 * quarter + 2] = Self(_mm512_unpacklo_epi64(high01, high23));
                words[4 * quarter + 3] = Self(_mm512_unpackhi_epi64(high01, high23));
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
        Self(unsafe { _mm512_add_epi32(self.0, other.0) })
    }

    #[inline(always)]
    fn xor(self, other: Self) -> Self {
        // SAFETY: as above.
        Self(unsafe { _mm512_xor_si512(self.0, other.0) })
    }

    #[inline(always)]
    fn and(self, other: Self) -> Self {
        // SAFETY: as above.
        Self(unsafe { _mm512_and_si512(self.0, other.0) })
    }

    #[inline(always)]
    fn rotate(self, bits: u32) -> Self {
        // SAFETY: as above. The count is a constant once inlined, and the rotation then takes it as such.
        Self(unsafe { _mm512_rolv_epi32(self.0, _mm512_set1_epi32(bits.cast_signed())) })
    }

    // The third argument's bits are the truth table: bit 4a + 2b + c is the result of a, b and c.

    #[inline(always)]
    fn xor3(self, b: Self, c: Self) -> Self {
        // SAFETY: as above.
        Self(unsafe { _mm512_ternarylogic_epi32::<0b1001_0110>(self.0, b.0, c.0) })
    }

    #[inline(always)]
    fn majority(self, b: Self, c: Self) -> Self {
        // SAFETY: as above.
        Self(unsafe { _mm512_ternarylogic_epi32::<0b1110_1000>(self.0, b.0, c.0) })
    }

    #[inline(always)]
    fn choose(self, f: Self, g: Self) -> Self {
        // SAFETY: as above.
        Self(unsafe { _mm512_ternarylogic_epi32::<0b1100_1010>(self.0, f.0, g.0) })
    }
}

/// Quarter `quarter` of four blocks, one behind the other.
#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
fn four(blocks: [&Block; 4], quarter: usize) -> __m512i {
    // SAFETY: each array has 16 bytes.
    let [a, b, c, d] =
        blocks.map(|block| unsafe { _mm_loadu_si128(block.as_chunks::<16>().0[quarter].as_ptr().cast()) });
    let row = _mm512_inserti32x4::<1>(_mm512_castsi128_si512(a), b);
    _mm512_inserti32x4::<3>(_mm512_inserti32x4::<2>(row, c), d)
}

/// The bytes of every word in the opposite order.
#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
fn reversed(words: __m512i) -> __m512i {
    _mm512_shuffle_epi8(words, _mm512_set4_epi32(0x0c0d_0e0f, 0x0809_0a0b, 0x0405_0607, 0x0001_0203))
}
