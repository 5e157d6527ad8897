//! Many sums of points at once, with inversions shared by all of them.
//!
//! The sum of two affine points costs an inversion and 2M + 1S. Shared by Montgomery's trick among k sums, an inversion
//! costs 3M and one k-th of itself: 5M + 1S a sum, where a sum without inversions costs 8M + 2S. So points are added in
//! pairs, in all sums at the same time, until few are left; these are added without inversions.
#![forbid(unsafe_code)]

use super::field::{Field, Fp};
use super::point::Xyzz;
use crate::crypto::secret::declassify;

/// A point in each lane of `present`. In the lanes of `odd` two points had the same x, and x and y say nothing.
#[derive(Clone, Copy)]
pub(super) struct Points<F> {
    pub(super) x: F,
    pub(super) y: F,
    pub(super) present: u8,
    pub(super) odd: u8,
}

/// A sum in each lane of `present`; infinity in the other lanes. In the lanes of `odd` the formulas gave up.
#[derive(Clone, Copy)]
pub(super) struct Sum<F> {
    pub(super) point: Xyzz<F>,
    pub(super) present: u8,
    pub(super) odd: u8,
}

impl<F: Field> Points<F> {
    /// The opposites in the lanes of `negative`. Its time tells whether there are such lanes.
    #[inline(always)]
    pub(super) fn negated(mut self, negative: u8) -> Self {
        if negative != 0 {
            self.y = F::select(negative, &F::splat(&Fp::ZERO).sub(&self.y), &self.y);
        }
        self
    }
}

/// How many sums have to share an inversion for it to pay: it takes about as long as 150 multiplications, and saves four
/// of them a sum.
const INVERSION_PAYS: usize = 40;

/// Memory that is used over and over.
pub(super) struct Space<F> {
    differences: Vec<F>,
    pub(super) products: Vec<F>,
}

impl<F: Field> Space<F> {
    pub(super) fn new() -> Self {
        Self { differences: Vec::new(), products: Vec::new() }
    }

    /// Overwrites what it was used for.
    #[inline(always)]
    pub(super) fn wipe(&mut self) {
        let zero = F::splat(&Fp::ZERO);
        wipe(&mut self.differences, zero);
        wipe(&mut self.products, zero);
    }

    /// Adds up the columns of `points`, which stand in rows of `width` points.
    #[inline(always)]
    pub(super) fn sum_columns(&mut self, points: &mut Vec<Points<F>>, width: usize, sums: &mut [Sum<F>]) {
        let mut rows = points.len().checked_div(width).unwrap_or(0);
        while rows / 2 * width >= INVERSION_PAYS {
            self.halve_rows(points, width);
            rows = rows.div_ceil(2);
        }
        for row in points.chunks(width) {
            for (sum, points) in sums.iter_mut().zip(row) {
                sum.add(points);
            }
        }
    }

    /// Adds the second half of the rows to the first. With an odd number of rows, the middle one stays as it is.
    #[inline(always)]
    pub(super) fn halve_rows(&mut self, points: &mut Vec<Points<F>>, width: usize) {
        let kept = points.len().checked_div(width).unwrap_or(0).div_ceil(2) * width;
        let (sums, addends) = points.split_at_mut(kept);
        self.add_each(sums, addends);
        points.truncate(kept);
    }

    /// Adds to each point the addend at the same place, as long as there are addends.
    #[inline(always)]
    fn add_each(&mut self, sums: &mut [Points<F>], addends: &[Points<F>]) {
        let one = F::splat(&Fp::ONE);
        self.differences.clear();
        self.differences.reserve(addends.len());
        for (a, b) in sums.iter().zip(addends) {
            let both = a.present & b.present;
            let difference = b.x.sub(&a.x);
            let difference = if both == all::<F>() { difference } else { F::select(both, &difference, &one) };
            self.differences.push(difference);
        }
        if !invert_all(&mut self.differences, &mut self.products) {
            // Somewhere two points have the same x: their sum is for the complete formulas.
            for (sum, difference) in sums.iter_mut().zip(&mut self.differences) {
                let same_x = difference.zero_lanes();
                sum.odd |= same_x;
                *difference = F::select(same_x, &one, difference);
            }
            invert_all(&mut self.differences, &mut self.products);
        }
        for ((sum, addend), inverse) in sums.iter_mut().zip(addends).zip(&self.differences) {
            let slope = addend.y.sub(&sum.y).mul(inverse);
            let x = slope.square_sub([&sum.x, &addend.x]);
            let y = slope.mul_sub(&sum.x.sub(&x), &sum.y);
            let (before, both) = (*sum, sum.present & addend.present);
            *sum = Points { x, y, present: before.present | addend.present, odd: before.odd | addend.odd };
            if both != all::<F>() {
                sum.x = F::select(both, &x, &F::select(before.present, &before.x, &addend.x));
                sum.y = F::select(both, &y, &F::select(before.present, &before.y, &addend.y));
            }
        }
    }
}

impl<F: Field> Sum<F> {
    /// Infinity in all lanes.
    #[inline(always)]
    pub(super) fn empty() -> Self {
        let zero = F::splat(&Fp::ZERO);
        Self { point: Xyzz { x: zero, y: zero, zz: zero, zzz: zero }, present: 0, odd: 0 }
    }

    /// self + points.
    #[inline(always)]
    pub(super) fn add(&mut self, points: &Points<F>) {
        let both = self.present & points.present;
        self.odd |= points.odd;
        if both == all::<F>() {
            self.point = self.point.add_affine(&points.x, &points.y);
            return;
        }
        let first = Xyzz::select(points.present, &Xyzz::of_affine(points.x, points.y), &self.point);
        if both != 0 {
            let sum = self.point.add_affine(&points.x, &points.y);
            self.point = Xyzz::select(both, &sum, &first);
        } else {
            self.point = first;
        }
        self.present |= points.present;
    }

    /// The lanes in which the formulas gave up.
    #[inline(always)]
    pub(super) fn odd_lanes(&self) -> u8 {
        self.odd | self.point.zz.zero_lanes() & self.present
    }
}

/// Overwrites all that `values` held since it last grew, and leaves it empty.
#[inline(always)]
pub(super) fn wipe<T: Copy>(values: &mut Vec<T>, zero: T) {
    values.clear();
    values.resize(values.capacity(), zero);
    std::hint::black_box(&values[..]);
    values.clear();
}

/// The bits of all lanes.
pub(super) const fn all<F: Field>() -> u8 {
    u8::MAX >> (8 - F::LANES)
}

/// Replaces each value by its inverse, at the cost of one inversion and 3M a value (Montgomery's trick). Answers whether
/// there was no zero among them, which is no secret; otherwise they stay as they are.
#[inline(always)]
pub(super) fn invert_all<F: Field>(values: &mut [F], products: &mut Vec<F>) -> bool {
    // Products of four interleaved chains, so that a multiplication need not wait for the one before it.
    const CHAINS: usize = 4;
    let one = F::splat(&Fp::ONE);
    let mut chains = [one; CHAINS];
    products.clear();
    products.reserve(values.len());
    for turn in values.chunks(CHAINS) {
        for (value, chain) in turn.iter().zip(&mut chains) {
            products.push(*chain);
            *chain = chain.mul(value);
        }
    }
    let [a, b, c, d] = chains;
    let (ab, cd) = (a.mul(&b), c.mul(&d));
    let product = ab.mul(&cd);
    if declassify(product.zero_lanes()) != 0 {
        return false;
    }
    let inverse = product.invert();
    let (ab_inverse, cd_inverse) = (inverse.mul(&cd), inverse.mul(&ab));
    let mut chains = [ab_inverse.mul(&b), ab_inverse.mul(&a), cd_inverse.mul(&d), cd_inverse.mul(&c)];
    for (turn, products) in values.chunks_mut(CHAINS).zip(products.chunks(CHAINS)).rev() {
        for ((value, product), chain) in turn.iter_mut().zip(products).zip(&mut chains) {
            let inverse = chain.mul(product);
            *chain = chain.mul(value);
            *value = inverse;
        }
    }
    true
}
