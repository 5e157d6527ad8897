//! Integers modulo n, the order of the generator (GB/T 32918.5-2017).
//!
//! Everything here takes the same time for all values.
#![forbid(unsafe_code)]

use super::inverse::Modulus;
use super::limbs::{self, Limbs};
use crate::crypto::secret::declassify;
use zeroize::Zeroize;

/// n.
pub(super) const N: Limbs =
    [0x53bb_f409_39d5_4123, 0x7203_df6b_21c6_052b, 0xffff_ffff_ffff_ffff, 0xffff_fffe_ffff_ffff];

/// -1/n mod 2^64.
const MINUS_INVERSE: u64 = 0x327f_9e88_7235_0975;
/// 2^512 mod n.
const R2: Limbs =
    [0x9011_92af_7c11_4f20, 0x3464_504a_de6f_a2fa, 0x620f_c84c_3aff_e0d4, 0x1eb5_e412_a22b_3d3b];
/// 2^768 mod n.
const R3: Limbs =
    [0x6ff8_74c7_0eaa_0b85, 0x87d0_c315_aabe_8d32, 0x4c4f_bbb3_9718_5afc, 0xc813_249c_d574_ea14];
const MODULUS: Modulus = Modulus::new(&N);

/// An integer modulo n, below n.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Scalar(Limbs);

impl Scalar {
    pub(super) const ZERO: Self = Self([0; 4]);
    pub(super) const ONE: Self = Self([1, 0, 0, 0]);

    /// The integer with these big-endian bytes; `None` if it is not below n, which is no secret.
    pub(super) fn from_be_bytes(bytes: &[u8; 32]) -> Option<Self> {
        let integer = limbs::from_be_bytes(bytes);
        let (_, below_n) = limbs::sub(&integer, &N);
        declassify(below_n).then_some(Self(integer))
    }

    /// The integer with these big-endian bytes, modulo n.
    pub(super) fn reduce(bytes: &[u8; 32]) -> Self {
        Self(subtract_n_once(&limbs::from_be_bytes(bytes), false))
    }

    /// An integer below 2^256, modulo n.
    pub(super) fn from_integer(integer: &Limbs) -> Self {
        Self(subtract_n_once(integer, false))
    }

    /// The integer's big-endian bytes.
    pub(super) fn to_be_bytes(self) -> [u8; 32] {
        limbs::to_be_bytes(&self.0)
    }

    /// The integer.
    pub(super) const fn as_integer(&self) -> &Limbs {
        &self.0
    }

    pub(super) fn is_zero(&self) -> bool {
        limbs::is_zero(&self.0)
    }

    /// self + other.
    pub(super) fn add(&self, other: &Self) -> Self {
        let (sum, carry) = limbs::add(&self.0, &other.0);
        Self(subtract_n_once(&sum, carry))
    }

    /// self - other.
    pub(super) fn sub(&self, other: &Self) -> Self {
        let (difference, borrow) = limbs::sub(&self.0, &other.0);
        let (result, _) = limbs::add(&difference, &limbs::and(&N, limbs::mask(borrow)));
        Self(result)
    }

    /// -self.
    pub(super) fn negate(&self) -> Self {
        Self::ZERO.sub(self)
    }

    /// The one of self and -self that is odd; self is not 0. (n is odd, so just one of them is.)
    pub(super) fn odd_of_pair(&self) -> Limbs {
        limbs::select(limbs::mask(self.0[0] & 1 == 1), &self.0, &self.negate().0)
    }
}

impl Zeroize for Scalar {
    fn zeroize(&mut self) {
        self.0.zeroize();
    }
}

/// A factor: an integer modulo n kept as self·2^256, so that a product with a [`Scalar`] takes one reduction.
#[derive(Clone, Copy)]
pub(super) struct Factor(Limbs);

impl Factor {
    pub(super) fn of(scalar: &Scalar) -> Self {
        Self(montgomery_mul(&scalar.0, &R2))
    }

    /// self · scalar.
    #[cfg(test)]
    pub(super) fn times(&self, scalar: &Scalar) -> Scalar {
        product(&self.0, scalar)
    }

    /// The words in which it is kept.
    pub(super) const fn as_limbs(&self) -> &Limbs {
        &self.0
    }

    /// 1 / self.
    pub(super) fn invert(&self) -> Self {
        // (a·2^256)^-1, times 2^512.
        Self(montgomery_mul(&MODULUS.invert(&self.0), &R3))
    }
}

impl Zeroize for Factor {
    fn zeroize(&mut self) {
        self.0.zeroize();
    }
}

/// The factor with the words `factor`, times `scalar`.
pub(super) fn product(factor: &Limbs, scalar: &Scalar) -> Scalar {
    Scalar(montgomery_mul(factor, &scalar.0))
}

/// a·b/2^256 mod n, below n, for a·b < n·2^256 (Montgomery 1985): four times a multiple of n clears the lowest limb.
fn montgomery_mul(a: &Limbs, b: &Limbs) -> Limbs {
    let product = limbs::widening_mul(a, b);
    let mut low = [product[0], product[1], product[2], product[3]];
    for _ in 0..4 {
        let m = low[0].wrapping_mul(MINUS_INVERSE);
        let (_, c) = m.carrying_mul_add(N[0], low[0], 0);
        let (r0, c) = m.carrying_mul_add(N[1], low[1], c);
        let (r1, c) = m.carrying_mul_add(N[2], low[2], c);
        let (r2, r3) = m.carrying_mul_add(N[3], low[3], c);
        low = [r0, r1, r2, r3];
    }
    let (sum, carry) = limbs::add(&low, &[product[4], product[5], product[6], product[7]]);
    subtract_n_once(&sum, carry)
}

/// The value carry·2^256 + limbs < 2n, less n if it is not below n.
fn subtract_n_once(limbs: &Limbs, carry: bool) -> Limbs {
    let (less, borrow) = limbs::sub(limbs, &N);
    let keep = limbs::mask(borrow) & !limbs::mask(carry);
    limbs::select(keep, limbs, &less)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn samples() -> Vec<Scalar> {
        let fields = crate::crypto::sm2::field::tests::samples(300);
        fields.iter().map(|field| Scalar::from_integer(field.as_montgomery())).collect()
    }

    #[test]
    fn the_laws_of_a_field() {
        for abc in samples().windows(3) {
            let [a, b, c] = [abc[0], abc[1], abc[2]];
            let factor = Factor::of(&c);
            assert_eq!(factor.times(&a.add(&b)), factor.times(&a).add(&factor.times(&b)));
            assert_eq!(factor.times(&a), Factor::of(&a).times(&c));
            assert_eq!(a.sub(&b).add(&b), a);
            assert!(a.add(&a.negate()).is_zero());
            let inverse = factor.invert().times(&c);
            assert_eq!(inverse, if c.is_zero() { Scalar::ZERO } else { Scalar::ONE });
        }
    }

    #[test]
    fn constants() {
        assert_eq!(N[0].wrapping_mul(MINUS_INVERSE), u64::MAX);
        assert_eq!(Factor::of(&Scalar::ONE).times(&Scalar::ONE), Scalar::ONE);
        let mut n = limbs::to_be_bytes(&N);
        assert!(Scalar::from_be_bytes(&n).is_none());
        assert!(Scalar::reduce(&n).is_zero());
        n[31] -= 1;
        assert_eq!(Scalar::from_be_bytes(&n).unwrap().to_be_bytes(), n);
        assert_eq!(Scalar::from_be_bytes(&n).unwrap().negate(), Scalar::ONE);
    }

    #[test]
    fn the_odd_one_of_a_pair() {
        for scalar in samples().into_iter().filter(|scalar| !scalar.is_zero()) {
            let odd = scalar.odd_of_pair();
            assert_eq!(odd[0] & 1, 1);
            assert!([*scalar.as_integer(), *scalar.negate().as_integer()].contains(&odd));
        }
    }
}
