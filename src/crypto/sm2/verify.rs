//! Whether signatures are right (GM/T 0003.2-2012, section 7.1): (e + x_1) mod n = r, where (x_1, y_1) = s·G + t·P and
//! t = (r + s) mod n.
//!
//! Nothing here is secret, so time may depend on the values. With [`prepared`] keys s·G + t·P is a sum of table entries,
//! one a window, without doublings; [`once`] has the doublings for keys that have no table. x_1 = X/ZZ is compared as
//! (r - e)·ZZ = X, without an inversion. What the fast formulas cannot decide goes to the complete ones.
#![forbid(unsafe_code)]

#[cfg(test)]
mod differential;
mod once;
mod prepared;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod vectors;

pub(super) use prepared::KEY_WIDTH;

use super::complete::Projective;
use super::field::{Field, Fp, P};
use super::level::{self, Work};
use super::limbs::{self, Limbs};
use super::point::Affine;
use super::scalar::{N, Scalar};
use super::signature::Signature;
use super::sum::{Space, Sum};
use crate::crypto::sm3::Digest;

/// A public key in one of the forms that verification takes: `&Affine`, or a `&Table` of windows of [`KEY_WIDTH`].
pub(super) trait Key: Copy {
    /// P.
    fn point(&self) -> &Affine;

    /// s·G + t·P of one equation; `F` has one lane.
    fn sum<F: Field>(equation: &Equation<Self>) -> Sum<F>;

    /// s·G + t·P of all equations, [`Field::LANES`] of them in each sum.
    fn sums<F: Field>(equations: &[Equation<Self>], space: &mut Space<F>) -> Vec<Sum<F>>;
}

/// What a signature claims of a digest.
#[derive(Clone, Copy)]
pub(super) struct Equation<K> {
    key: K,
    s: Scalar,
    t: Scalar,
    /// r - e mod n: what x_1 has to be modulo n.
    v: Scalar,
}

impl<K: Key> Equation<K> {
    /// The equation of a signature by `key` over `e`; `None` if t = 0, which no right signature has.
    pub(super) fn new(key: K, e: &Digest, signature: &Signature) -> Option<Self> {
        let (r, s) = signature.scalars();
        let t = r.add(&s);
        (!t.is_zero()).then(|| Self { key, s, t, v: r.sub(&Scalar::reduce(e)) })
    }

    /// Whether it holds.
    pub(super) fn holds(&self) -> bool {
        level::one(Check(std::slice::from_ref(self))).first() == Some(&true)
    }

    /// Whether it holds, by formulas without odd cases.
    fn holds_completely(&self) -> bool {
        let sum = Projective::multiple(&Affine::generator(), &self.s)
            .add(&Projective::multiple(self.key.point(), &self.t));
        sum.to_affine().is_some_and(|point| Scalar::from_integer(&point.x.to_integer()) == self.v)
    }

    /// v + n where it is below p: then it is a right x_1 as well.
    fn second_answer(&self) -> Option<Limbs> {
        let (sum, carry) = limbs::add(self.v.as_integer(), &N);
        (!carry && limbs::sub(&sum, &P).1).then_some(sum)
    }
}

/// Which of the equations hold, in their order.
pub(super) fn holding<K: Key>(equations: &[Equation<K>]) -> Vec<bool> {
    match equations {
        // One alone would leave the other lanes idle.
        [_] => level::one(Check(equations)),
        _ => level::many(Check(equations)),
    }
}

/// The work of [`holding`].
struct Check<'a, K>(&'a [Equation<K>]);

/// How many equations share their inversions: more share better, but their points leave the cache.
const SHARING: usize = 64;

impl<K: Key> Work for Check<'_, K> {
    type Output = Vec<bool>;

    #[inline(always)]
    fn run<F: Field>(self) -> Vec<bool> {
        let mut verdicts = Vec::with_capacity(self.0.len());
        if let ([equation], 1) = (self.0, F::LANES) {
            judge(self.0, &K::sum::<F>(equation), &mut verdicts);
            return verdicts;
        }
        let mut space = Space::new();
        for equations in self.0.chunks(SHARING) {
            let sums = K::sums::<F>(equations, &mut space);
            for (equations, sum) in equations.chunks(F::LANES).zip(&sums) {
                judge(equations, sum, &mut verdicts);
            }
        }
        verdicts
    }
}

/// Appends whether the equations hold, one a lane, whose s·G + t·P is `sum`.
#[inline(always)]
fn judge<F: Field, K: Key>(equations: &[Equation<K>], sum: &Sum<F>, verdicts: &mut Vec<bool>) {
    let mut answers = [Fp::ZERO; 8];
    for (answer, equation) in answers.iter_mut().zip(equations) {
        *answer = Fp::from_montgomery(*equation.v.as_integer());
    }
    let mut right = lanes_with_x(sum, &answers);
    let mut has_second = false;
    for (answer, equation) in answers.iter_mut().zip(equations) {
        if let Some(second) = equation.second_answer() {
            *answer = Fp::from_montgomery(second);
            has_second = true;
        }
    }
    if has_second {
        right |= lanes_with_x(sum, &answers);
    }
    let odd = sum.odd_lanes();
    verdicts.extend(equations.iter().enumerate().map(|(lane, equation)| {
        if odd >> lane & 1 == 1 { equation.holds_completely() } else { right >> lane & 1 == 1 }
    }));
}

/// The lanes in which x_1 is the given integer, whose limbs stand in the place of a Montgomery form.
#[inline(always)]
fn lanes_with_x<F: Field>(sum: &Sum<F>, integers: &[Fp; 8]) -> u8 {
    let x = F::gather(|lane| &integers[lane]).mul(&F::splat(&Fp::INTEGER));
    x.mul_sub(&sum.point.zz, &sum.point.x).zero_lanes() & sum.present
}
