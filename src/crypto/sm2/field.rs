//! The field of the curve: integers modulo p = 2^256 - 2^224 - 2^96 + 2^64 - 1 (GB/T 32918.5-2017).
//!
//! [`Fp`] is one element; the trait [`Field`] is what the curve's formulas need of elements, so that the same formulas
//! run on one element ([`Fp`]) and on several side by side.
#![deny(unsafe_code)]

use super::inverse::Modulus;
use super::limbs::{self, Limbs};

#[cfg(target_arch = "x86_64")]
pub(super) mod adx;

/// p.
pub(super) const P: Limbs =
    [0xffff_ffff_ffff_ffff, 0xffff_ffff_0000_0000, 0xffff_ffff_ffff_ffff, 0xffff_fffe_ffff_ffff];

/// Arithmetic modulo p on [`Self::LANES`] independent elements at once.
pub(super) trait Field: Copy {
    /// How many elements there are; at most 8.
    const LANES: usize;

    /// The elements that `source` gives for the lanes 0, 1, ...
    fn gather<'a>(source: impl Fn(usize) -> &'a Fp) -> Self;
    /// The same element in all lanes.
    fn splat(element: &Fp) -> Self;
    /// The element in a lane.
    fn lane(&self, lane: usize) -> Fp;
    /// For each lane the elements in the column of both rows that `columns` names; in constant time.
    fn choose<const N: usize>(rows: [&Row<N>; 2], columns: &[u64; 8]) -> [Self; 2];

    /// self + other.
    fn add(&self, other: &Self) -> Self;
    /// self - other.
    fn sub(&self, other: &Self) -> Self;
    /// self · other.
    fn mul(&self, other: &Self) -> Self;
    /// self².
    fn square(&self) -> Self;
    /// self·other - less.
    #[inline(always)]
    fn mul_sub(&self, other: &Self, less: &Self) -> Self {
        self.mul(other).sub(less)
    }
    /// self² less the sum of `less`, of up to three.
    #[inline(always)]
    fn square_sub<const N: usize>(&self, less: [&Self; N]) -> Self {
        let mut result = self.square();
        for one in less {
            result = result.sub(one);
        }
        result
    }
    /// a·b - c·d.
    #[inline(always)]
    fn mul_sub_mul([a, b]: [&Self; 2], [c, d]: [&Self; 2]) -> Self {
        a.mul(b).sub(&c.mul(d))
    }
    /// a·b - c².
    #[inline(always)]
    fn mul_sub_square([a, b]: [&Self; 2], c: &Self) -> Self {
        a.mul(b).sub(&c.square())
    }
    /// 3·self.
    #[inline(always)]
    fn triple(&self) -> Self {
        self.add(self).add(self)
    }
    /// 1 / self; 0 where self is 0.
    fn invert(&self) -> Self;

    /// The lanes in which self is 0, one bit each, lane 0 in the lowest.
    fn zero_lanes(&self) -> u8;
    /// `yes` in the lanes of `lanes`, `no` in the others.
    fn select(lanes: u8, yes: &Self, no: &Self) -> Self;
}

/// N elements, limb by limb: the limb i of element k is word k of i. N is a multiple of 16.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
pub(super) struct Row<const N: usize>([[u64; N]; 4]);

impl<const N: usize> Row<N> {
    pub(super) fn of<'a>(element: impl Fn(usize) -> &'a Fp) -> Self {
        const { assert!(N.is_multiple_of(16)) };
        Self(std::array::from_fn(|limb| std::array::from_fn(|column| element(column).0[limb])))
    }

    /// The limbs, the least significant one first.
    pub(super) const fn limbs(&self) -> &[[u64; N]; 4] {
        &self.0
    }
}

/// An element of the field, as self·2^256 mod p ("Montgomery form"), below p.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Fp(Limbs);

/// 2^256 mod p.
const R: Limbs = [1, 0xffff_ffff, 0, 0x1_0000_0000];
/// 2^512 mod p.
const R2: Limbs =
    [0x0000_0002_0000_0003, 0x0000_0002_ffff_ffff, 0x0000_0001_0000_0001, 0x0000_0004_0000_0002];

/// 2^768 mod p.
const R3: Limbs =
    [0x0000_0012_0000_0016, 0x0000_000e_ffff_fff8, 0x0000_000a_0000_000c, 0x0000_001b_0000_0009];
const MODULUS: Modulus = Modulus::new(&P);

impl Fp {
    pub(super) const ZERO: Self = Self([0; 4]);
    pub(super) const ONE: Self = Self(R);
    /// 2^256: what turns the limbs of an integer, taken for a Montgomery form, into that of the integer.
    pub(super) const INTEGER: Self = Self(R2);

    /// The element with these big-endian bytes; `None` if they are not below p.
    pub(super) fn from_be_bytes(bytes: &[u8; 32]) -> Option<Self> {
        Self::from_integer(&limbs::from_be_bytes(bytes))
    }

    /// An integer modulo p; `None` if it is not below p.
    pub(super) fn from_integer(integer: &Limbs) -> Option<Self> {
        let (_, below_p) = limbs::sub(integer, &P);
        below_p.then(|| Self::reduced(integer))
    }

    /// An integer below p.
    pub(super) fn reduced(integer: &Limbs) -> Self {
        Self(montgomery_reduce(&limbs::widening_mul(integer, &R2)))
    }

    /// The element as an integer below p.
    pub(super) fn to_integer(self) -> Limbs {
        let [a, b, c, d] = self.0;
        montgomery_reduce(&[a, b, c, d, 0, 0, 0, 0])
    }

    /// The element's big-endian bytes.
    pub(super) fn to_be_bytes(self) -> [u8; 32] {
        limbs::to_be_bytes(&self.to_integer())
    }

    /// The limbs of self·2^256 mod p.
    pub(super) const fn as_montgomery(&self) -> &Limbs {
        &self.0
    }

    /// The element whose Montgomery form these limbs are; they have to be below p.
    pub(super) const fn from_montgomery(limbs: Limbs) -> Self {
        Self(limbs)
    }

    pub(super) fn is_zero(&self) -> bool {
        limbs::is_zero(&self.0)
    }

    /// Whether the integer is odd.
    pub(super) fn is_odd(self) -> bool {
        self.to_integer()[0] & 1 == 1
    }

    /// -self.
    #[inline(always)]
    pub(super) fn negate(&self) -> Self {
        Self::ZERO.sub(self)
    }

    /// A square root; `None` if there is none. p = 3 mod 4, so self^((p+1)/4) is one if there is any.
    pub(super) fn sqrt(&self) -> Option<Self> {
        // (p+1)/4 = 2^254 - 2^222 - 2^94 + 2^62, from the top: 31 ones, a zero, 128 ones, 31 zeros, a one, 62 zeros.
        // The powers x_k = self^(2^k - 1) have exponents of k ones.
        let x2 = self.square().mul(self);
        let x4 = squared(&x2, 2).mul(&x2);
        let x6 = squared(&x4, 2).mul(&x2);
        let x12 = squared(&x6, 6).mul(&x6);
        let x24 = squared(&x12, 12).mul(&x12);
        let x30 = squared(&x24, 6).mul(&x6);
        let x31 = x30.square().mul(self);
        let x32 = x31.square().mul(self);
        let mut power = squared(&x31, 1 + 32).mul(&x32);
        for _ in 0..3 {
            power = squared(&power, 32).mul(&x32);
        }
        let power = squared(&squared(&power, 32).mul(self), 62);
        (power.square() == *self).then_some(power)
    }
}

impl Field for Fp {
    const LANES: usize = 1;

    #[inline(always)]
    fn gather<'a>(source: impl Fn(usize) -> &'a Fp) -> Self {
        *source(0)
    }

    #[inline(always)]
    fn splat(element: &Fp) -> Self {
        *element
    }

    #[inline(always)]
    fn lane(&self, _lane: usize) -> Fp {
        *self
    }

    #[inline(always)]
    fn choose<const N: usize>(rows: [&Row<N>; 2], columns: &[u64; 8]) -> [Self; 2] {
        // All ones in the wanted column. Without the barrier the compiler makes a branch of what the mask selects.
        let masks: [u64; N] =
            std::array::from_fn(|column| 0u64.wrapping_sub(u64::from(column as u64 == columns[0])));
        let masks = std::hint::black_box(masks);
        let mut found = [Self::ZERO; 2];
        for (found, row) in found.iter_mut().zip(rows) {
            for (found, limbs) in found.0.iter_mut().zip(&row.0) {
                for (limb, mask) in limbs.iter().zip(&masks) {
                    *found |= limb & mask;
                }
            }
        }
        found
    }

    #[inline(always)]
    fn add(&self, other: &Self) -> Self {
        Self(add_modulo(&self.0, &other.0))
    }

    #[inline(always)]
    fn sub(&self, other: &Self) -> Self {
        Self(subtract_modulo(&self.0, &other.0))
    }

    #[inline(never)]
    fn mul(&self, other: &Self) -> Self {
        Self(montgomery_reduce(&limbs::widening_mul(&self.0, &other.0)))
    }

    #[inline(never)]
    fn square(&self) -> Self {
        Self(montgomery_reduce(&limbs::widening_square(&self.0)))
    }

    fn invert(&self) -> Self {
        // (a·2^256)^-1, times 2^512.
        Self(MODULUS.invert(&self.0)).mul(&Self(R3))
    }

    #[inline(always)]
    fn zero_lanes(&self) -> u8 {
        u8::from(limbs::is_zero(&self.0))
    }

    #[inline(always)]
    fn select(lanes: u8, yes: &Self, no: &Self) -> Self {
        Self(limbs::select(limbs::mask(lanes & 1 == 1), &yes.0, &no.0))
    }
}

/// x^(2^n).
fn squared(x: &Fp, n: usize) -> Fp {
    let mut power = *x;
    for _ in 0..n {
        power = power.square();
    }
    power
}

/// t/2^256 mod p, below p, for t < p·2^256 (Montgomery 1985).
///
/// The multiple of p that clears the lower half of t is at most (2^256 - 1)·p. So what the lower half leaves is at most
/// p, and the sum with the upper half below 2p.
#[inline(always)]
fn montgomery_reduce(t: &[u64; 8]) -> Limbs {
    let low = clear_two_limbs(&clear_two_limbs(&[t[0], t[1], t[2], t[3]]));
    add_modulo(&low, &[t[4], t[5], t[6], t[7]])
}

/// The reduction for limbs of type `$limb`, of which `$half` is half the width: 64 bits here, 8 bits in the test that
/// tries it on every input.
macro_rules! reduction {
    ($limb:ty, $half:literal) => {
        /// (t + (m1·w + m0)·p)/w², where w = 2^64 and the limbs m0 and m1 make the division exact.
        ///
        /// p + 1 = w - w·h - w³·h + w⁴ with h = 2^32, so m0 is the lowest limb of t itself, and m1 the next one of
        /// t + m0·p: neither needs a multiplication. m·p adds m in the limbs 1 and 4 above its own and takes m·h away
        /// from 1 and 3, or rather the upper half of m, `high`, and the lower one moved up, `low`:
        ///
        /// |    | limb 1     | limb 2      | limb 3  | limb 4       | limb 5       |
        /// |----|------------|-------------|---------|--------------|--------------|
        /// | m0 | +m0 - low0 | -high0      | -low0   | +m0 - high0  |              |
        /// | m1 |            | +m1 - low1  | -high1  | -low1        | +m1 - high1  |
        ///
        /// In each column the `low` and the `high` share no bit. That stays so when `high` takes on what the limb
        /// before borrows: t1 - m0·(h - 1) >= -w·(h - 1), so high0 and that borrow lie in [0, h - 1]; and the same with
        /// t2 less this and less m1·(h - 1). The result is not below 0 and at most (w⁴ - 1 + (w² - 1)·p)/w² < w⁴.
        #[inline(always)]
        fn clear_two_limbs(t: &[$limb; 4]) -> [$limb; 4] {
            let m0 = t[0];
            let (low0, high0) = (m0 << $half, m0 >> $half);
            let (m1, borrow) = add_and_subtract(t[1], m0, low0);
            let high0_and_borrow = high0.wrapping_add(borrow);
            let (low1, high1) = (m1 << $half, m1 >> $half);
            let (r2, borrow) = add_and_subtract(t[2], m1, low1 | high0_and_borrow);
            let (r3, c) = t[3].borrowing_sub(low0 | high1.wrapping_add(borrow), false);
            let (r4, c) = m0.borrowing_sub(low1 | high0, c);
            let (r5, _) = m1.borrowing_sub(high1, c);
            [r2, r3, r4, r5]
        }

        /// t + m - x in one limb, and what that borrows from the limb above: -1, 0 or 1.
        #[inline(always)]
        fn add_and_subtract(t: $limb, m: $limb, x: $limb) -> ($limb, $limb) {
            let (sum, carry) = t.overflowing_add(m);
            let (limb, borrow) = sum.overflowing_sub(x);
            (limb, <$limb>::from(borrow).wrapping_sub(<$limb>::from(carry)))
        }
    };
}
reduction!(u64, 32);

/// a + b mod p, below p, for b <= p and a + b < 2p.
#[inline(always)]
fn add_modulo(a: &Limbs, b: &Limbs) -> Limbs {
    subtract_modulo(a, &limbs::sub(&P, b).0)
}

/// a - b mod p, below p, for b <= p and a - b < p.
///
/// The borrow comes from the top bits (Warren, Hacker's Delight, 2-13), not from a condition: so no compiler makes a
/// branch of it, and chains of carries stay chains.
#[inline(always)]
fn subtract_modulo(a: &Limbs, b: &Limbs) -> Limbs {
    let (difference, _) = limbs::sub(a, b);
    let borrow = ((!a[3] & b[3]) | ((!a[3] | b[3]) & difference[3])) >> 63;
    limbs::add(&difference, &limbs::and(&P, borrow.wrapping_neg())).0
}

#[cfg(test)]
pub(super) mod tests;
