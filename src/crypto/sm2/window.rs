//! Scalars cut into windows: the digits by which tables are read.
#![forbid(unsafe_code)]

use super::limbs::{self, Limbs};
use super::scalar::Scalar;

/// How many windows of `width` bits cover the scalars.
pub(super) const fn windows(width: u32) -> usize {
    256_u32.div_ceil(width) as usize
}

/// Digits d_i with scalar = ±Σ d_i·2^(width·i) mod n and |d_i| <= 2^(width-1), the sign being that of the digits.
///
/// Not in constant time: for what is public. Digits may be 0. The scalar or its opposite, whichever is below n/2, is
/// cut up: so `windows(width)` windows hold it though the digits carry into the next.
pub(super) fn signed_digits<const COUNT: usize>(scalar: &Scalar, width: u32) -> [i16; COUNT] {
    debug_assert_eq!(COUNT, windows(width));
    let opposite = scalar.negate();
    let (_, scalar_is_less) = limbs::sub(scalar.as_integer(), opposite.as_integer());
    let (integer, sign) = if scalar_is_less { (scalar.as_integer(), 1) } else { (opposite.as_integer(), -1) };
    let half = 1_i16 << (width - 1);
    let mut carry = 0;
    std::array::from_fn(|i| {
        let digit = bits(integer, width as usize * i, width) + carry;
        carry = i16::from(digit > half);
        sign * (digit - (carry << width))
    })
}

/// Digits d_i with scalar = ±Σ d_i·2^i mod n that are 0 or odd with |d_i| < 2^(width-1), the sign being that of the digits,
/// and at least width - 1 zeros between two others ("width-w NAF"). Not in constant time.
pub(super) fn sparse_digits(scalar: &Scalar, width: u32) -> [i16; 256] {
    let opposite = scalar.negate();
    let (_, scalar_is_less) = limbs::sub(scalar.as_integer(), opposite.as_integer());
    let (integer, sign) = if scalar_is_less { (scalar.as_integer(), 1) } else { (opposite.as_integer(), -1) };
    let mut digits = [0; 256];
    let (mut place, mut carry) = (0, 0);
    while place < 256 {
        // What is left is (integer >> place) + carry; an even rest has no digit here.
        if bits(integer, place, 1) == carry {
            place += 1;
            continue;
        }
        let digit = bits(integer, place, width) + carry;
        carry = i16::from(digit >= 1 << (width - 1));
        digits[place] = sign * (digit - (carry << width));
        place += width as usize;
    }
    digits
}

/// Odd digits d_i with integer = Σ d_i·2^(width·i) and |d_i| < 2^width, for an odd integer; in constant time.
///
/// With w_i the bits width·i + 1 and following, d_i = 2·w_i + 1 - 2^width, and 2·w_i + 1 in the last window: the powers
/// of two that are taken away are those that the ones add up to, but for the lowest.
pub(super) fn odd_digits<const COUNT: usize>(integer: &Limbs, width: u32) -> [i16; COUNT] {
    debug_assert_eq!(COUNT, windows(width));
    std::array::from_fn(|i| {
        let odd = bits(integer, width as usize * i + 1, width) << 1 | 1;
        if i + 1 == COUNT { odd } else { odd - (1 << width) }
    })
}

/// `width` bits from bit `from` on; those beyond bit 255 are zero.
#[allow(clippy::cast_possible_truncation, reason = "a window has at most 12 bits")]
#[inline(always)]
fn bits(integer: &Limbs, from: usize, width: u32) -> i16 {
    let (limb, shift) = (from / 64, from % 64);
    let low = integer.get(limb).map_or(0, |limb| limb >> shift);
    // Shifted in two steps, since a shift by 64 is none.
    let high = integer.get(limb + 1).map_or(0, |limb| limb << 1 << (63 - shift));
    ((low | high) & ((1 << width) - 1)) as i16
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::sm2::field::tests::samples;
    use crate::crypto::sm2::scalar::Factor;

    fn edges() -> Vec<Scalar> {
        let small = (0..300).map(|i| Scalar::from_integer(&[i, 0, 0, 0]));
        let middle =
            small.clone().map(|i| Factor::of(&Scalar::from_integer(&[2, 0, 0, 0])).invert().times(&i));
        let random = samples(500).into_iter().map(|a| Scalar::from_integer(a.as_montgomery()));
        small.clone().chain(small.map(|i| i.negate())).chain(middle).chain(random).collect()
    }

    fn value(digits: &[i16], width: u32) -> Scalar {
        let base = Factor::of(&Scalar::from_integer(&[1 << width, 0, 0, 0]));
        digits.iter().rev().fold(Scalar::ZERO, |sum, digit| {
            let magnitude = Scalar::from_integer(&[u64::from(digit.unsigned_abs()), 0, 0, 0]);
            let digit = if *digit < 0 { magnitude.negate() } else { magnitude };
            base.times(&sum).add(&digit)
        })
    }

    #[test]
    fn signed_digits_add_up_within_their_bounds() {
        fn check<const COUNT: usize>(width: u32) {
            for scalar in edges() {
                let digits = signed_digits::<COUNT>(&scalar, width);
                assert_eq!(value(&digits, width), scalar);
                assert!(digits.iter().all(|digit| digit.unsigned_abs() <= 1 << (width - 1)), "{digits:?}");
            }
        }
        check::<52>(5);
        check::<32>(8);
        check::<26>(10);
        check::<22>(12);
    }

    #[test]
    fn sparse_digits_add_up_and_are_sparse() {
        for scalar in edges() {
            let digits = sparse_digits(&scalar, 5);
            assert_eq!(value(&digits, 1), scalar);
            let others: Vec<_> = (0..256).filter(|place| digits[*place] != 0).collect();
            assert!(others.windows(2).all(|pair| pair[0] + 5 <= pair[1]), "{digits:?}");
            assert!(others.iter().all(|place| digits[*place] % 2 != 0 && digits[*place].abs() < 16));
        }
    }

    #[test]
    fn odd_digits_add_up_and_are_odd() {
        for scalar in edges().into_iter().filter(|scalar| !scalar.is_zero()) {
            let odd = scalar.odd_of_pair();
            let digits = odd_digits::<43>(&odd, 6);
            assert_eq!(value(&digits, 6), Scalar::from_integer(&odd));
            assert!(digits.iter().all(|digit| digit % 2 != 0 && digit.unsigned_abs() < 64), "{digits:?}");
        }
    }
}
