//! Points for sums in which doublings prevail: Jacobian coordinates, in which a doubling costs 4M + 4S, with 2Y in place of Y.
//!
//! The formulas are those of the Explicit-Formulas Database for Jacobian coordinates with a = -3 (doubling:
//! Bernstein 2001; addition: "madd-2007-bl", Bernstein and Lange), rewritten for W = 2Y, which saves the multiples of Y
//! that they are full of:
//!
//! - doubling: V = W², S = X·V, M = 3(X - Z²)(X + Z²); X' = M² - 2S, W' = 2M(S - X') - V², Z' = W·Z;
//! - addition of (x, w = 2y): H = x·Z² - X, r = w·Z³ - W, I = (2H)², J = H·I, V = X·I; X' = r² - J - 2V,
//!   W' = 2(r(V - X') - W·J), Z' = 2H·Z.
//!
//! In odd cases H is 0, and so is Z from then on.
#![forbid(unsafe_code)]

use super::field::{Field, Fp};
use super::point::Xyzz;
use super::sum::{Points, Sum, all};

/// A point in each lane of `present`, infinity in the others; X/Z² and W/2Z³ are its coordinates.
#[derive(Clone, Copy)]
pub(super) struct DoublingSum<F> {
    x: F,
    w: F,
    z: F,
    present: u8,
}

impl<F: Field> DoublingSum<F> {
    /// Infinity in all lanes.
    #[inline(always)]
    pub(super) fn empty() -> Self {
        let zero = F::splat(&Fp::ZERO);
        Self { x: zero, w: zero, z: zero, present: 0 }
    }

    /// Becomes 2·self.
    #[inline(always)]
    pub(super) fn double(&mut self) {
        let Self { x, w, z, .. } = *self;
        let zz = z.square();
        let v = w.square();
        let s = x.mul(&v);
        let m = x.sub(&zz).mul(&x.add(&zz)).triple();
        self.x = m.square_sub([&s, &s]);
        let rest = s.sub(&self.x);
        self.w = F::mul_sub_square([&m, &rest.add(&rest)], &v);
        self.z = w.mul(&z);
    }

    /// Becomes self + points; the points' y are twice what they should be.
    #[inline(always)]
    pub(super) fn add(&mut self, points: &Points<F>) {
        let both = self.present & points.present;
        let present = self.present | points.present;
        if both == all::<F>() {
            *self = self.plus(&points.x, &points.y);
            return;
        }
        let first = Self { x: points.x, w: points.y, z: F::splat(&Fp::ONE), present };
        let first = Self::select(points.present, &first, self);
        *self = if both == 0 { first } else { Self::select(both, &self.plus(&points.x, &points.y), &first) };
        self.present = present;
    }

    /// The same sum for additions without doublings: X/Z² = 4X/(2Z)², W/2Z³ = 4W/(2Z)³.
    #[inline(always)]
    pub(super) fn into_sum(self) -> Sum<F> {
        let z = self.z.add(&self.z);
        let zz = z.square();
        let (x, y) = (self.x.add(&self.x), self.w.add(&self.w));
        let point = Xyzz { x: x.add(&x), y: y.add(&y), zz, zzz: z.mul(&zz) };
        Sum { point, present: self.present, odd: 0 }
    }

    /// self + (x, w/2).
    #[inline(always)]
    fn plus(&self, x: &F, w: &F) -> Self {
        let zz = self.z.square();
        let zzz = self.z.mul(&zz);
        let h = x.mul_sub(&zz, &self.x);
        let r = w.mul_sub(&zzz, &self.w);
        let twice_h = h.add(&h);
        let i = twice_h.square();
        let j = h.mul(&i);
        let v = self.x.mul(&i);
        let x = r.square_sub([&j, &v, &v]);
        let y = F::mul_sub_mul([&r, &v.sub(&x)], [&self.w, &j]);
        Self { x, w: y.add(&y), z: self.z.mul(&twice_h), present: self.present }
    }

    #[inline(always)]
    fn select(lanes: u8, yes: &Self, no: &Self) -> Self {
        Self {
            x: F::select(lanes, &yes.x, &no.x),
            w: F::select(lanes, &yes.w, &no.w),
            z: F::select(lanes, &yes.z, &no.z),
            present: no.present,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::sm2::point::{Affine, to_affine};

    /// What is added: G with 2y in place of y.
    fn generator() -> Points<Fp> {
        let Affine { x, y } = Affine::generator();
        Points { x, y: y.add(&y), present: 1, odd: 0 }
    }

    #[test]
    fn the_same_multiples_as_by_the_other_formulas() {
        let g = Affine::generator();
        let (mut found, mut expected) = (DoublingSum::<Fp>::empty(), Sum::<Fp>::empty());
        for bits in [1, 0, 1, 1, 0, 0, 1, 1, 1, 0] {
            found.double();
            expected.point = expected.point.double();
            if bits == 1 {
                found.add(&generator());
                expected.add(&Points { x: g.x, y: g.y, present: 1, odd: 0 });
            }
            let sum = found.into_sum();
            assert_eq!((sum.present, sum.odd_lanes()), (1, 0));
            assert_eq!(to_affine(&[sum.point]), to_affine(&[expected.point]));
        }
    }

    #[test]
    fn odd_cases_show_and_stay() {
        let Points { x, y, .. } = generator();
        for y in [y, y.negate()] {
            let mut sum = DoublingSum::<Fp>::empty();
            sum.add(&generator());
            sum.add(&Points { x, y, present: 1, odd: 0 });
            assert_eq!(sum.into_sum().odd_lanes(), 1);
            sum.double();
            sum.add(&generator());
            assert_eq!(sum.into_sum().odd_lanes(), 1);
        }
    }

    #[test]
    fn nothing_is_added_where_nothing_is() {
        let mut sum = DoublingSum::<Fp>::empty();
        sum.double();
        sum.add(&Points { present: 0, ..generator() });
        assert_eq!(sum.into_sum().present, 0);
        sum.add(&generator());
        sum.add(&Points { present: 0, ..generator() });
        assert_eq!(to_affine(&[sum.into_sum().point]), [Affine::generator()]);
    }
}
