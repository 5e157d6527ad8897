//! Vectors in the registers of AVX-512 IFMA.
#![allow(unsafe_code)]
#![allow(clippy::wildcard_imports, reason = "the names of intrinsics say where they come from")]

use super::field::Fp8;
use super::vector::Vector;
use crate::crypto::cpu::Features;
use crate::crypto::sm2::level::Work;
use std::arch::x86_64::*;

/// Does `work` in eight lanes; gives it back if the processor lacks AVX-512 IFMA.
pub(super) fn run<W: Work>(work: W) -> Result<W::Output, W> {
    if !Features::detected().ifma {
        return Err(work);
    }
    // SAFETY: the features that `run_enabled` enables are those that `Features::ifma` stands for.
    Ok(unsafe { run_enabled(work) })
}

#[target_feature(enable = "avx512f,avx512vl,avx512dq,avx512bw,avx512ifma")]
fn run_enabled<W: Work>(work: W) -> W::Output {
    work.run::<Fp8<Ifma>>()
}

/// Eight lanes in a register. The type is known to this file alone, which names it in [`run_enabled`] alone, so all of
/// its operations run below a check of the processor; inlined there, they are single instructions.
#[derive(Clone, Copy)]
struct Ifma(__m512i);

/// Calls intrinsics of the features that [`run_enabled`] enables.
macro_rules! enabled {
    ($call:expr) => {{
        // SAFETY: operations of `Ifma` run below `run_enabled` only (see there), for which `run` checked the processor.
        unsafe { $call }
    }};
}

impl Vector for Ifma {
    #[inline(always)]
    fn splat(value: u64) -> Self {
        Self(enabled!(_mm512_set1_epi64(value.cast_signed())))
    }

    /// Row l and row l + 4 share a register, of which the interleaved halves are then brought together.
    #[inline(always)]
    fn transpose(rows: [&[u64; 4]; 8]) -> [Self; 4] {
        let [r0, r1, r2, r3, r4, r5, r6, r7] = rows;
        let (r04, r15, r26, r37) = (pair(r0, r4), pair(r1, r5), pair(r2, r6), pair(r3, r7));
        enabled!({
            // Words 0 and 2, and words 1 and 3.
            let (even_01, odd_01) = (_mm512_unpacklo_epi64(r04, r15), _mm512_unpackhi_epi64(r04, r15));
            let (even_23, odd_23) = (_mm512_unpacklo_epi64(r26, r37), _mm512_unpackhi_epi64(r26, r37));
            let lower = _mm512_setr_epi64(0, 1, 8, 9, 4, 5, 12, 13);
            let upper = _mm512_setr_epi64(2, 3, 10, 11, 6, 7, 14, 15);
            [
                Self(_mm512_permutex2var_epi64(even_01, lower, even_23)),
                Self(_mm512_permutex2var_epi64(odd_01, lower, odd_23)),
                Self(_mm512_permutex2var_epi64(even_01, upper, even_23)),
                Self(_mm512_permutex2var_epi64(odd_01, upper, odd_23)),
            ]
        })
    }

    #[inline(always)]
    fn load(lanes: &[u64; 8]) -> Self {
        Self(enabled!(_mm512_loadu_si512((&raw const *lanes).cast())))
    }

    #[inline(always)]
    fn store(self) -> [u64; 8] {
        let mut lanes = [0; 8];
        enabled!(_mm512_storeu_si512((&raw mut lanes).cast(), self.0));
        lanes
    }

    #[inline(always)]
    fn add(self, other: Self) -> Self {
        Self(enabled!(_mm512_add_epi64(self.0, other.0)))
    }

    #[inline(always)]
    fn sub(self, other: Self) -> Self {
        Self(enabled!(_mm512_sub_epi64(self.0, other.0)))
    }

    #[inline(always)]
    fn and(self, other: Self) -> Self {
        Self(enabled!(_mm512_and_si512(self.0, other.0)))
    }

    #[inline(always)]
    fn or(self, other: Self) -> Self {
        Self(enabled!(_mm512_or_si512(self.0, other.0)))
    }

    #[inline(always)]
    fn xor(self, other: Self) -> Self {
        Self(enabled!(_mm512_xor_si512(self.0, other.0)))
    }

    #[inline(always)]
    fn shift_left<const BITS: u32>(self) -> Self {
        Self(enabled!(_mm512_slli_epi64::<BITS>(self.0)))
    }

    #[inline(always)]
    fn shift_right<const BITS: u32>(self) -> Self {
        Self(enabled!(_mm512_srli_epi64::<BITS>(self.0)))
    }

    #[inline(always)]
    fn shift_right_signed<const BITS: u32>(self) -> Self {
        Self(enabled!(_mm512_srai_epi64::<BITS>(self.0)))
    }

    #[inline(always)]
    fn multiply_add_low(self, a: Self, b: Self) -> Self {
        Self(enabled!(_mm512_madd52lo_epu64(self.0, a.0, b.0)))
    }

    #[inline(always)]
    fn multiply_add_high(self, a: Self, b: Self) -> Self {
        Self(enabled!(_mm512_madd52hi_epu64(self.0, a.0, b.0)))
    }

    #[inline(always)]
    fn zero_lanes(self) -> u8 {
        enabled!(_mm512_testn_epi64_mask(self.0, self.0))
    }

    /// All of the table is read; permutations take the same time for all indices (Intel, "Data Operand Independent Timing
    /// Instructions").
    #[inline(always)]
    fn choose<const N: usize>(self, table: &[u64; N]) -> Self {
        let (sixteens, _) = table.as_chunks::<16>();
        let high = self.shift_right::<4>();
        let mut found = Self::splat(0);
        for (i, sixteen) in (0..).zip(sixteens) {
            let (low_half, high_half) = sixteen.split_at(8);
            let of_these = enabled!({
                let low_half = _mm512_loadu_si512(low_half.as_ptr().cast());
                let high_half = _mm512_loadu_si512(high_half.as_ptr().cast());
                _mm512_permutex2var_epi64(low_half, self.0, high_half)
            });
            found = Self::select(high.xor(Self::splat(i)).zero_lanes(), Self(of_these), found);
        }
        found
    }

    #[inline(always)]
    fn select(lanes: u8, yes: Self, no: Self) -> Self {
        Self(enabled!(_mm512_mask_blend_epi64(lanes, no.0, yes.0)))
    }
}

/// Two rows in one register, `low` in the lower lanes.
#[inline(always)]
fn pair(low: &[u64; 4], high: &[u64; 4]) -> __m512i {
    enabled!({
        let low = _mm256_loadu_si256((&raw const *low).cast());
        let high = _mm256_loadu_si256((&raw const *high).cast());
        _mm512_inserti64x4::<1>(_mm512_castsi256_si512(low), high)
    })
}

#[cfg(test)]
mod tests;
