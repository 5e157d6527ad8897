//! Sums of points without odd cases, in constant time: for private keys, and where the fast formulas give up.
//!
//! The formulas are algorithms 4 and 6 of Renes, Costello, Batina, "Complete addition formulas for prime order elliptic
//! curves" (2016), for a = -3: the same operations for all points, infinity and equal points included.
#![forbid(unsafe_code)]

use super::curve::B;
use super::field::{Field, Fp};
use super::limbs::{self, Limbs};
use super::point::Affine;
use super::scalar::Scalar;
use crate::crypto::secret::declassify;

/// A point X/Z, Y/Z; infinity has Z = 0.
#[derive(Clone, Copy)]
pub(super) struct Projective {
    x: Fp,
    y: Fp,
    z: Fp,
}

impl Projective {
    pub(super) const INFINITY: Self = Self { x: Fp::ZERO, y: Fp::ONE, z: Fp::ZERO };

    pub(super) const fn of_affine(point: &Affine) -> Self {
        Self { x: point.x, y: point.y, z: Fp::ONE }
    }

    /// The affine form; `None` for infinity, and whether it is infinity is no secret.
    pub(super) fn to_affine(self) -> Option<Affine> {
        let inverse = self.z.invert();
        (!declassify(self.z.is_zero())).then(|| Affine { x: self.x.mul(&inverse), y: self.y.mul(&inverse) })
    }

    /// scalar · point, in constant time: four bits at a time, each multiple read by a scan over all.
    pub(super) fn multiple(point: &Affine, scalar: &Scalar) -> Self {
        let mut multiples = [Self::INFINITY; 16];
        for i in 1..16 {
            multiples[i] = multiples[i - 1].add(&Self::of_affine(point));
        }
        let mut result = Self::INFINITY;
        for nibble in (0..64).rev() {
            for _ in 0..4 {
                result = result.add(&result);
            }
            let digit = scalar.as_integer()[nibble / 16] >> (4 * (nibble % 16)) & 15;
            result = result.add(&Self::scan(&multiples, digit));
        }
        result
    }

    /// self + other (algorithm 4): 12 multiplications and 2 by b.
    pub(super) fn add(&self, other: &Self) -> Self {
        let b = Fp::from_be_bytes(&B).unwrap_or(Fp::ZERO);
        let (xx, yy, zz) = (self.x.mul(&other.x), self.y.mul(&other.y), self.z.mul(&other.z));
        let xy = self.x.add(&self.y).mul(&other.x.add(&other.y)).sub(&xx).sub(&yy);
        let yz = self.y.add(&self.z).mul(&other.y.add(&other.z)).sub(&yy).sub(&zz);
        let xz = self.x.add(&self.z).mul(&other.x.add(&other.z)).sub(&xx).sub(&zz);

        let triple = |a: &Fp| a.add(a).add(a);
        let zz3 = triple(&zz);
        let e = triple(&xz.sub(&b.mul(&zz)));
        let (low, high) = (yy.sub(&e), yy.add(&e));
        let f = triple(&b.mul(&xz).sub(&zz3).sub(&xx));
        let g = triple(&xx).sub(&zz3);
        Self {
            x: xy.mul(&high).sub(&yz.mul(&f)),
            y: high.mul(&low).add(&g.mul(&f)),
            z: yz.mul(&low).add(&xy.mul(&g)),
        }
    }

    /// multiples[digit], by a scan over all.
    fn scan(multiples: &[Self; 16], digit: u64) -> Self {
        let mut found = [[0; 4]; 3];
        for (i, multiple) in (0..).zip(multiples) {
            let hit = limbs::mask(i == digit);
            for (found, part) in found.iter_mut().zip([&multiple.x, &multiple.y, &multiple.z]) {
                *found = limbs::select(hit, part.as_montgomery(), found);
            }
        }
        let [x, y, z]: [Limbs; 3] = found;
        let fp = Fp::from_montgomery;
        Self { x: fp(x), y: fp(y), z: fp(z) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::sm2::point::{Xyzz, to_affine};

    #[test]
    fn multiples_of_the_generator() {
        let g = Affine::generator();
        let (n_minus_1, _) = limbs::sub(&crate::crypto::sm2::scalar::N, &[1, 0, 0, 0]);
        let multiple = |k: Limbs| Projective::multiple(&g, &Scalar::from_integer(&k)).to_affine();
        assert_eq!(multiple([0; 4]), None);
        assert_eq!(multiple([1, 0, 0, 0]), Some(g));
        assert_eq!(multiple(n_minus_1), Some(Affine { x: g.x, y: g.y.negate() }));
        let two = Xyzz::of_affine(g.x, g.y).double();
        let doubles = to_affine(&[two, two.add_affine(&g.x, &g.y), two.double()]);
        assert_eq!([2, 3, 4].map(|k| multiple([k, 0, 0, 0]).unwrap())[..], doubles[..]);
    }

    #[test]
    fn infinity_and_opposites() {
        let g = Affine::generator();
        let (p, minus_p) =
            (Projective::of_affine(&g), Projective::of_affine(&Affine { x: g.x, y: g.y.negate() }));
        assert_eq!(p.add(&minus_p).to_affine(), None);
        assert_eq!(p.add(&Projective::INFINITY).to_affine(), Some(g));
        assert_eq!(Projective::INFINITY.add(&p).to_affine(), Some(g));
        assert_eq!(Projective::INFINITY.add(&Projective::INFINITY).to_affine(), None);
    }
}
