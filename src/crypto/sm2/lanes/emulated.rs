//! The eight lanes on arrays as one more implementation of [`Field`], for tests of what is built on it.
//!
//! Its operations are functions, not inlined: what is generic over `Field` compiles in a fraction of the time.
#![forbid(unsafe_code)]

use super::field::Fp8;
use super::portable::Portable;
use crate::crypto::sm2::field::{Field, Fp, Row};

#[derive(Clone, Copy)]
pub(in crate::crypto::sm2) struct Emulated(Fp8<Portable>);

impl Field for Emulated {
    const LANES: usize = 8;

    fn gather<'a>(source: impl Fn(usize) -> &'a Fp) -> Self {
        gather([0, 1, 2, 3, 4, 5, 6, 7].map(source))
    }

    #[inline(never)]
    fn splat(element: &Fp) -> Self {
        Self(Field::splat(element))
    }

    #[inline(never)]
    fn lane(&self, lane: usize) -> Fp {
        self.0.lane(lane)
    }

    fn choose<const N: usize>(rows: [&Row<N>; 2], columns: &[u64; 8]) -> [Self; 2] {
        Field::choose(rows, columns).map(Self)
    }

    #[inline(never)]
    fn add(&self, other: &Self) -> Self {
        Self(self.0.add(&other.0))
    }

    #[inline(never)]
    fn sub(&self, other: &Self) -> Self {
        Self(self.0.sub(&other.0))
    }

    #[inline(never)]
    fn mul(&self, other: &Self) -> Self {
        Self(self.0.mul(&other.0))
    }

    #[inline(never)]
    fn square(&self) -> Self {
        Self(self.0.square())
    }

    #[inline(never)]
    fn mul_sub(&self, other: &Self, less: &Self) -> Self {
        Self(self.0.mul_sub(&other.0, &less.0))
    }

    #[inline(never)]
    fn square_sub<const N: usize>(&self, less: [&Self; N]) -> Self {
        Self(self.0.square_sub(less.map(|one| &one.0)))
    }

    #[inline(never)]
    fn mul_sub_mul([a, b]: [&Self; 2], [c, d]: [&Self; 2]) -> Self {
        Self(Field::mul_sub_mul([&a.0, &b.0], [&c.0, &d.0]))
    }

    #[inline(never)]
    fn mul_sub_square([a, b]: [&Self; 2], c: &Self) -> Self {
        Self(Field::mul_sub_square([&a.0, &b.0], &c.0))
    }

    #[inline(never)]
    fn triple(&self) -> Self {
        Self(self.0.triple())
    }

    #[inline(never)]
    fn invert(&self) -> Self {
        Self(self.0.invert())
    }

    #[inline(never)]
    fn zero_lanes(&self) -> u8 {
        self.0.zero_lanes()
    }

    #[inline(never)]
    fn select(lanes: u8, yes: &Self, no: &Self) -> Self {
        Self(Field::select(lanes, &yes.0, &no.0))
    }
}

#[inline(never)]
fn gather(elements: [&Fp; 8]) -> Emulated {
    Emulated(Field::gather(|lane| elements[lane & 7]))
}
