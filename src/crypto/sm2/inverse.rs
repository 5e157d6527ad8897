//! Inverses modulo an odd prime by division steps, in constant time (Bernstein, Yang: "Fast constant-time gcd computation
//! and modular inversion", TCHES 2019).
//!
//! Beginning with f = p and g = x, a step makes of (δ, f, g)
//!
//! - (1 - δ, g, (g - f)/2) where δ > 0 and g is odd,
//! - (1 + δ, f, (g + (g mod 2)·f)/2) elsewhere.
//!
//! With δ = 1/2 at first, 590 steps bring every g below 2^256 to 0, and f to ±gcd (Wuille's bound for that beginning: the
//! proof computes the convex hull of all that the steps reach). Steps look at the lowest bits only, so they are made 59 at a
//! time on single words, as a matrix that is then applied to f and g, and to d and e with d·x = f and e·x = g modulo p.
#![forbid(unsafe_code)]

use super::limbs::Limbs;
use zeroize::Zeroize;

/// An odd prime above 2^255.
pub(super) struct Modulus {
    limbs: Wide,
    /// 1/p mod 2^62.
    inverse: u64,
}

/// An integer Σ limb_i·2^(62·i), in size below 2^258; all limbs but the last lie in [0, 2^62).
type Wide = [i64; 5];

const LIMB: u64 = (1 << 62) - 1;
const BATCHES: usize = 10;
const STEPS: usize = 59;

impl Modulus {
    pub(super) const fn new(p: &Limbs) -> Self {
        // Each round doubles the bits that are right; p·p = 1 mod 8.
        let (mut inverse, mut round) = (p[0], 0);
        while round < 5 {
            inverse = inverse.wrapping_mul(2_u64.wrapping_sub(p[0].wrapping_mul(inverse)));
            round += 1;
        }
        Self { limbs: wide(p), inverse: inverse & LIMB }
    }

    /// 1/x, below p, for an x below p; 0 of 0.
    pub(super) fn invert(&self, x: &Limbs) -> Limbs {
        let (mut f, mut g) = (self.limbs, wide(x));
        let (mut d, mut e): (Wide, Wide) = ([0; 5], [1, 0, 0, 0, 0]);
        // -(δ + 1/2).
        let mut zeta = -1;
        for _ in 0..BATCHES {
            let steps = Steps::of(&mut zeta, f[0], g[0]);
            steps.apply(&mut f, &mut g);
            steps.apply_modulo(self, &mut d, &mut e);
        }
        let result = self.normal(&d, f[4] >> 63);
        for secret in [&mut f, &mut g, &mut d, &mut e] {
            secret.zeroize();
        }
        result
    }

    /// ±d mod p, below p, for d in (-2p, p): the opposite where `negative` is all ones.
    fn normal(&self, d: &Wide, negative: i64) -> Limbs {
        let d = self.added_if_negative(d);
        let mut opposite = d.map(|limb| (limb ^ negative) - negative);
        carry(&mut opposite);
        let [a0, a1, a2, a3, a4] = self.added_if_negative(&opposite).map(i64::cast_unsigned);
        [a0 | a1 << 62, a1 >> 2 | a2 << 60, a2 >> 4 | a3 << 58, a3 >> 6 | a4 << 56]
    }

    /// a, and p more where it is negative.
    fn added_if_negative(&self, a: &Wide) -> Wide {
        let negative = a[4] >> 63;
        let mut sum: Wide = std::array::from_fn(|i| a[i] + (self.limbs[i] & negative));
        carry(&mut sum);
        sum
    }
}

/// What [`STEPS`] steps make of f and g, times 2^59 and times 8: so it is 2^62 that it has to be divided by, a limb.
struct Steps {
    /// f becomes (u·f + v·g)/2^62.
    u: i64,
    v: i64,
    /// g becomes (q·f + r·g)/2^62.
    q: i64,
    r: i64,
}

impl Steps {
    /// The steps from ζ = -(δ + 1/2) and the lowest limbs of f and g.
    #[inline(always)]
    fn of(zeta: &mut i64, f: i64, g: i64) -> Self {
        let (mut f, mut g) = (f, g);
        let (mut u, mut v, mut q, mut r) = (8_i64, 0_i64, 0_i64, 8_i64);
        for _ in 0..STEPS {
            // All ones where δ > 0, and where g is odd.
            let positive = *zeta >> 63;
            let odd = -(g & 1);
            // g - f in the first case, g + f in the second, if g is odd.
            let minus = |a: i64| (a ^ positive).wrapping_sub(positive) & odd;
            g = g.wrapping_add(minus(f));
            q = q.wrapping_add(minus(u));
            r = r.wrapping_add(minus(v));
            let swap = positive & odd;
            // 1 - δ or 1 + δ; and f + (g - f) = g.
            *zeta = (*zeta ^ swap) - 1;
            f = f.wrapping_add(g & swap);
            u = u.wrapping_add(q & swap);
            v = v.wrapping_add(r & swap);
            g >>= 1;
            u = u.wrapping_shl(1);
            v = v.wrapping_shl(1);
        }
        Self { u, v, q, r }
    }

    /// Applies them to f and g; the division leaves no rest.
    #[inline(always)]
    fn apply(&self, f: &mut Wide, g: &mut Wide) {
        let (new_f, new_g) = (divided([self.u, self.v], f, g), divided([self.q, self.r], f, g));
        (*f, *g) = (new_f, new_g);
    }

    /// Applies them modulo p to d and e in (-2p, p), which stay there.
    #[inline(always)]
    fn apply_modulo(&self, p: &Modulus, d: &mut Wide, e: &mut Wide) {
        let (new_d, new_e) =
            (divided_modulo([self.u, self.v], d, e, p), divided_modulo([self.q, self.r], d, e, p));
        (*d, *e) = (new_d, new_e);
    }
}

/// (a·x + b·y)/2^62, for a sum of which the lowest limb is 0.
#[inline(always)]
fn divided([a, b]: [i64; 2], x: &Wide, y: &Wide) -> Wide {
    let mut sum = (product(a, x[0]) + product(b, y[0])) >> 62;
    let mut result = [0; 5];
    for i in 1..5 {
        sum += product(a, x[i]) + product(b, y[i]);
        result[i - 1] = low_limb(sum);
        sum >>= 62;
    }
    result[4] = low_word(sum);
    result
}

/// (a·x + b·y - m·p)/2^62 in (-2p, p), with the m that makes the division exact, for x and y in (-2p, p) and
/// |a| + |b| <= 2^62.
///
/// With p added to a negative x and y, the sum lies in (-2^62·p, 2^62·p); m is in [0, 2^62).
#[inline(always)]
fn divided_modulo([a, b]: [i64; 2], x: &Wide, y: &Wide, p: &Modulus) -> Wide {
    // As often p is to be added for the signs of x and y.
    let more = (a & x[4] >> 63) + (b & y[4] >> 63);
    let mut sum = product(a, x[0]) + product(b, y[0]);
    let lowest = low_word(sum + product(more, p.limbs[0])).cast_unsigned();
    let m = (lowest.wrapping_mul(p.inverse) & LIMB).cast_signed();
    let factor = more - m;
    sum = (sum + product(factor, p.limbs[0])) >> 62;
    let mut result = [0; 5];
    for i in 1..5 {
        sum += product(a, x[i]) + product(b, y[i]) + product(factor, p.limbs[i]);
        result[i - 1] = low_limb(sum);
        sum >>= 62;
    }
    result[4] = low_word(sum);
    result
}

#[inline(always)]
fn product(a: i64, b: i64) -> i128 {
    i128::from(a) * i128::from(b)
}

#[allow(clippy::cast_possible_truncation, reason = "the low word is what is asked for")]
#[inline(always)]
const fn low_word(a: i128) -> i64 {
    a as i64
}

#[inline(always)]
const fn low_limb(a: i128) -> i64 {
    low_word(a) & LIMB.cast_signed()
}

/// Brings all limbs but the last into [0, 2^62).
#[inline(always)]
fn carry(a: &mut Wide) {
    for i in 0..4 {
        a[i + 1] += a[i] >> 62;
        a[i] &= LIMB.cast_signed();
    }
}

/// An integer below 2^256.
const fn wide(a: &Limbs) -> Wide {
    [
        (a[0] & LIMB).cast_signed(),
        ((a[0] >> 62 | a[1] << 2) & LIMB).cast_signed(),
        ((a[1] >> 60 | a[2] << 4) & LIMB).cast_signed(),
        ((a[2] >> 58 | a[3] << 6) & LIMB).cast_signed(),
        (a[3] >> 56).cast_signed(),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::sm2::field::{self, Field, Fp};
    use crate::crypto::sm2::limbs;
    use crate::crypto::sm2::scalar::{Factor, N, Scalar};

    fn samples() -> impl Iterator<Item = Limbs> {
        let powers = (0..256).map(|bit: usize| {
            let mut power = [0; 4];
            power[bit / 64] = 1 << (bit % 64);
            power
        });
        let all: Vec<Limbs> =
            powers.chain(field::tests::samples(400).iter().map(|a| *a.as_montgomery())).collect();
        let less = all.clone().into_iter().map(|a| limbs::sub(&a, &[1, 0, 0, 0]).0);
        all.clone().into_iter().chain(less)
    }

    #[test]
    fn products_with_inverses_are_one() {
        let modulus = Modulus::new(&field::P);
        for x in samples().filter(|x| limbs::sub(x, &field::P).1) {
            let inverse = modulus.invert(&x);
            assert!(limbs::sub(&inverse, &field::P).1, "{x:x?}");
            let product = Fp::reduced(&x).mul(&Fp::reduced(&inverse));
            assert_eq!(product, if limbs::is_zero(&x) { Fp::ZERO } else { Fp::ONE }, "{x:x?}");
            // The opposite's inverse is the opposite.
            let opposite = Fp::reduced(&x).negate().to_integer();
            assert_eq!(Fp::reduced(&modulus.invert(&opposite)), Fp::reduced(&inverse).negate(), "{x:x?}");
        }
    }

    #[test]
    fn modulo_n_too() {
        let modulus = Modulus::new(&N);
        for x in samples().filter(|x| limbs::sub(x, &N).1) {
            let inverse = Scalar::from_integer(&modulus.invert(&x));
            let product = Factor::of(&Scalar::from_integer(&x)).times(&inverse);
            assert_eq!(product, if limbs::is_zero(&x) { Scalar::ZERO } else { Scalar::ONE }, "{x:x?}");
        }
    }

    #[test]
    fn the_inverse_of_the_modulus_is_one() {
        for p in [field::P, N] {
            assert_eq!(Modulus::new(&p).inverse.wrapping_mul(p[0]) & LIMB, 1);
        }
    }
}
