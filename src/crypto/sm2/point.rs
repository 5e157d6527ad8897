//! Points of the curve y² = x³ - 3x + b and the formulas of their sums.
//!
//! A point is kept as [`Affine`] coordinates where it stands in a table and as [`Xyzz`] coordinates while it is summed up.
//! The formulas of `Xyzz` are those of the Explicit-Formulas Database ("xyzz", short Weierstrass; Sutherland), which fail
//! in odd cases: the sum of a point and itself or its opposite. Then they give ZZ = 0, and keep it to the end, where
//! callers find it and compute anew by the formulas of `complete`.
#![forbid(unsafe_code)]

use super::curve::{B, GENERATOR};
use super::field::{Field, Fp};

/// A point other than infinity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C, align(64))]
pub(super) struct Affine {
    pub(super) x: Fp,
    pub(super) y: Fp,
}

impl Affine {
    /// G.
    pub(super) fn generator() -> Self {
        let (coordinates, _) = GENERATOR.as_chunks::<32>();
        let [x, y] = [0, 1].map(|i| coordinates.get(i).and_then(Fp::from_be_bytes).unwrap_or(Fp::ZERO));
        Self { x, y }
    }

    /// The point with these coordinates; `None` if one of them is not below p or the point is not on the curve.
    pub(super) fn from_coordinates(x: &[u8; 32], y: &[u8; 32]) -> Option<Self> {
        let (x, y) = (Fp::from_be_bytes(x)?, Fp::from_be_bytes(y)?);
        (y.square() == Self::square_of_y(&x)).then_some(Self { x, y })
    }

    /// The point with this x and an odd or even y; `None` if x is not below p or no point has it (SEC 1, section 2.3.4).
    pub(super) fn from_x(x: &[u8; 32], y_is_odd: bool) -> Option<Self> {
        let x = Fp::from_be_bytes(x)?;
        let y = Self::square_of_y(&x).sqrt()?;
        // y is not 0: no point has order 2, since n is odd.
        Some(Self { x, y: if y.is_odd() == y_is_odd { y } else { y.negate() } })
    }

    /// x³ - 3x + b.
    fn square_of_y(x: &Fp) -> Fp {
        let b = Fp::from_be_bytes(&B).unwrap_or(Fp::ZERO);
        let three = Fp::ONE.add(&Fp::ONE).add(&Fp::ONE);
        x.square().sub(&three).mul(x).add(&b)
    }
}

/// Points X/ZZ, Y/ZZZ with ZZ³ = ZZZ², one a lane.
#[derive(Clone, Copy)]
pub(super) struct Xyzz<F> {
    pub(super) x: F,
    pub(super) y: F,
    pub(super) zz: F,
    pub(super) zzz: F,
}

impl<F: Field> Xyzz<F> {
    #[inline(always)]
    pub(super) fn of_affine(x: F, y: F) -> Self {
        let one = F::splat(&Fp::ONE);
        Self { x, y, zz: one, zzz: one }
    }

    /// self + (x, y), 8M + 2S ("madd-2008-s"). ZZ = 0 in odd cases, and where self has ZZ = 0.
    #[inline(always)]
    pub(super) fn add_affine(&self, x: &F, y: &F) -> Self {
        let p = x.mul_sub(&self.zz, &self.x);
        let r = y.mul_sub(&self.zzz, &self.y);
        let pp = p.square();
        let ppp = p.mul(&pp);
        let q = self.x.mul(&pp);
        let x = r.square_sub([&ppp, &q, &q]);
        let y = F::mul_sub_mul([&r, &q.sub(&x)], [&self.y, &ppp]);
        Self { x, y, zz: self.zz.mul(&pp), zzz: self.zzz.mul(&ppp) }
    }

    /// 2·self, 7M + 2S ("dbl-2008-s-1" with a = -3). There is no odd case: no point has y = 0.
    #[inline(always)]
    pub(super) fn double(&self) -> Self {
        let u = self.y.add(&self.y);
        let v = u.square();
        let w = u.mul(&v);
        let s = self.x.mul(&v);
        let m = self.x.sub(&self.zz).mul(&self.x.add(&self.zz));
        let m = m.add(&m).add(&m);
        let x = m.square_sub([&s, &s]);
        let y = F::mul_sub_mul([&m, &s.sub(&x)], [&w, &self.y]);
        Self { x, y, zz: v.mul(&self.zz), zzz: w.mul(&self.zzz) }
    }

    /// `yes` in the lanes of `lanes`, `no` in the others.
    #[inline(always)]
    pub(super) fn select(lanes: u8, yes: &Self, no: &Self) -> Self {
        Self {
            x: F::select(lanes, &yes.x, &no.x),
            y: F::select(lanes, &yes.y, &no.y),
            zz: F::select(lanes, &yes.zz, &no.zz),
            zzz: F::select(lanes, &yes.zzz, &no.zzz),
        }
    }
}

/// The affine forms of points with ZZ other than 0, by one inversion for all (Montgomery's trick).
pub(super) fn to_affine(points: &[Xyzz<Fp>]) -> Vec<Affine> {
    // 1/ZZZ is inverted, since 1/ZZ = (ZZ/ZZZ)².
    let mut product = Fp::ONE;
    let mut before = Vec::with_capacity(points.len());
    for point in points {
        before.push(product);
        product = product.mul(&point.zzz);
    }
    let mut inverse = product.invert();
    let mut affine: Vec<Affine> = points
        .iter()
        .zip(&before)
        .rev()
        .map(|(point, before)| {
            let zzz_inverse = inverse.mul(before);
            inverse = inverse.mul(&point.zzz);
            let zz_inverse = zzz_inverse.mul(&point.zz).square();
            Affine { x: point.x.mul(&zz_inverse), y: point.y.mul(&zzz_inverse) }
        })
        .collect();
    affine.reverse();
    affine
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doublings_and_additions_agree() {
        let g = Affine::generator();
        let one = Xyzz::<Fp>::of_affine(g.x, g.y);
        let two = one.double();
        let three = two.add_affine(&g.x, &g.y);
        let [two_affine, three_affine] = to_affine(&[two, three])[..] else { panic!() };
        let four = three.add_affine(&g.x, &g.y);
        let five = Xyzz::of_affine(two_affine.x, two_affine.y).add_affine(&three_affine.x, &three_affine.y);
        assert_eq!(to_affine(&[two.double()]), to_affine(&[four]));
        assert_eq!(to_affine(&[four.add_affine(&g.x, &g.y)]), to_affine(&[five]));
        for point in to_affine(&[two, three, four, five]) {
            assert_eq!(point.y.square(), Affine::square_of_y(&point.x));
        }
    }

    #[test]
    fn odd_cases_show_and_stay() {
        let g = Affine::generator();
        let one = Xyzz::<Fp>::of_affine(g.x, g.y);
        for y in [g.y, g.y.negate()] {
            let odd = one.add_affine(&g.x, &y);
            assert!(odd.zz.is_zero());
            assert!(odd.add_affine(&g.x, &g.y).zz.is_zero());
            assert!(odd.double().zz.is_zero());
        }
    }
}
