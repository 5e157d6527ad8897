//! Vectors as arrays: what the instructions are defined to do, for machines and tools that lack them.
#![forbid(unsafe_code)]

use super::vector::Vector;
use crate::crypto::sm2::limbs;
use std::array::from_fn;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Portable(pub(super) [u64; 8]);

const LOW_52_BITS: u64 = (1 << 52) - 1;

impl Portable {
    fn with(self, other: Self, operation: impl Fn(u64, u64) -> u64) -> Self {
        Self(from_fn(|lane| operation(self.0[lane], other.0[lane])))
    }
}

/// The product of the low 52 bits of two lanes.
fn product(a: u64, b: u64) -> u128 {
    u128::from(a & LOW_52_BITS) * u128::from(b & LOW_52_BITS)
}

#[allow(clippy::cast_possible_truncation, reason = "the halves of a product of 104 bits")]
impl Vector for Portable {
    fn splat(value: u64) -> Self {
        Self([value; 8])
    }

    fn transpose(rows: [&[u64; 4]; 8]) -> [Self; 4] {
        from_fn(|word| Self(rows.map(|row| row[word])))
    }

    fn load(lanes: &[u64; 8]) -> Self {
        Self(*lanes)
    }

    fn store(self) -> [u64; 8] {
        self.0
    }

    fn add(self, other: Self) -> Self {
        self.with(other, u64::wrapping_add)
    }

    fn sub(self, other: Self) -> Self {
        self.with(other, u64::wrapping_sub)
    }

    fn and(self, other: Self) -> Self {
        self.with(other, |a, b| a & b)
    }

    fn or(self, other: Self) -> Self {
        self.with(other, |a, b| a | b)
    }

    fn xor(self, other: Self) -> Self {
        self.with(other, |a, b| a ^ b)
    }

    fn shift_left<const BITS: u32>(self) -> Self {
        Self(self.0.map(|lane| lane << BITS))
    }

    fn shift_right<const BITS: u32>(self) -> Self {
        Self(self.0.map(|lane| lane >> BITS))
    }

    fn shift_right_signed<const BITS: u32>(self) -> Self {
        Self(self.0.map(|lane| (lane.cast_signed() >> BITS).cast_unsigned()))
    }

    fn multiply_add_low(self, a: Self, b: Self) -> Self {
        self.add(a.with(b, |a, b| product(a, b) as u64 & LOW_52_BITS))
    }

    fn multiply_add_high(self, a: Self, b: Self) -> Self {
        self.add(a.with(b, |a, b| (product(a, b) >> 52) as u64))
    }

    fn zero_lanes(self) -> u8 {
        (0..8).map(|lane| u8::from(self.0[lane] == 0) << lane).sum()
    }

    fn choose<const N: usize>(self, table: &[u64; N]) -> Self {
        Self(self.0.map(|index| {
            (0..).zip(table).fold(0, |found, (place, word)| found | word & limbs::mask(place == index))
        }))
    }

    fn select(lanes: u8, yes: Self, no: Self) -> Self {
        // Not an `if`: compilers make of it an address that depends on the lanes, which may be secret.
        Self(from_fn(|lane| {
            let mask = limbs::mask(lanes >> lane & 1 == 1);
            no.0[lane] ^ mask & (yes.0[lane] ^ no.0[lane])
        }))
    }
}
