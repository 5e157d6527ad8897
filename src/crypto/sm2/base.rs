//! k·G for secret k, in constant time: every entry of a table row is read, and no digit is zero.
#![forbid(unsafe_code)]

use super::field::{Field, Fp};
use super::limbs;
use super::point::{Affine, Xyzz, to_affine};
use super::scalar::Scalar;
use super::sum::{Points, Space, Sum, all, invert_all, wipe};
use super::window::{odd_digits, windows};
use crate::crypto::secret::declassify;
use once_cell::race::OnceBox;
use zeroize::Zeroizing;

/// Bits of a window.
const WIDTH: u32 = 6;
const WINDOWS: usize = windows(WIDTH);
/// The odd multiples 1, 3, ... 63.
const MULTIPLES: usize = 1 << (WIDTH - 1);

/// Of each window i the odd multiples of 2^(6·i)·G.
struct BaseTable(Box<[[Affine; MULTIPLES]]>);

/// The x coordinates of k·G for all `ks`, none of which is 0, modulo n; `None` if the formulas met an odd case, which has
/// a chance of about 2^-250 for random k: another k is due then.
#[inline(always)]
pub(super) fn x_of_multiples<F: Field>(ks: &[Scalar], space: &mut Space<F>) -> Option<Vec<Scalar>> {
    let width = ks.len().div_ceil(F::LANES);
    // x is the same for k·G and -k·G, so that each k may be taken for odd.
    let digits: Zeroizing<Vec<[i16; WINDOWS]>> =
        ks.iter().map(|k| odd_digits(&k.odd_of_pair(), WIDTH)).collect::<Vec<_>>().into();
    let mut rows = Vec::with_capacity(WINDOWS * width);
    for (window, multiples) in BaseTable::get().0.iter().enumerate() {
        for digits in digits.chunks(F::LANES) {
            let mut points = [multiples[0]; 8];
            for (point, digits) in points.iter_mut().zip(digits) {
                *point = scan(multiples, digits[window]);
            }
            let (x, y) = (F::gather(|lane| &points[lane].x), F::gather(|lane| &points[lane].y));
            rows.push(Points { x, y, present: all::<F>(), odd: 0 });
        }
    }
    let mut sums = vec![Sum::<F>::empty(); width];
    space.sum_columns(&mut rows, width, &mut sums);
    let mut inverses = Vec::with_capacity(width);
    let coordinates = affine_x(&sums, &mut inverses, space);
    // Points and differences of points tell the digits, and so does the Z of their sum.
    let zero = F::splat(&Fp::ZERO);
    wipe(&mut rows, Points { x: zero, y: zero, present: 0, odd: 0 });
    wipe(&mut sums, Sum::empty());
    wipe(&mut inverses, zero);
    space.wipe();
    coordinates.map(|mut coordinates| {
        coordinates.truncate(ks.len());
        coordinates
    })
}

/// The x of the sums, modulo n; `None` if one of them is odd.
#[inline(always)]
fn affine_x<F: Field>(sums: &[Sum<F>], inverses: &mut Vec<F>, space: &mut Space<F>) -> Option<Vec<Scalar>> {
    let mut odd = 0;
    for sum in sums {
        inverses.push(sum.point.zz);
        odd |= sum.odd_lanes();
    }
    if declassify(odd) != 0 || !invert_all(inverses, &mut space.products) {
        return None;
    }
    let mut coordinates = Vec::with_capacity(sums.len() * F::LANES);
    for (sum, inverse) in sums.iter().zip(inverses) {
        let x = sum.point.x.mul(inverse);
        for lane in 0..F::LANES {
            coordinates.push(Scalar::from_integer(&x.lane(lane).to_integer()));
        }
    }
    Some(coordinates)
}

impl BaseTable {
    /// The table, made when first asked for, without a lock that a forked child could inherit.
    fn get() -> &'static Self {
        static TABLE: OnceBox<BaseTable> = OnceBox::new();
        TABLE.get_or_init(|| Box::new(Self::new()))
    }

    fn new() -> Self {
        let g = Affine::generator();
        let mut last = Xyzz::<Fp>::of_affine(g.x, g.y);
        let mut powers = Vec::with_capacity(WINDOWS * WIDTH as usize);
        for _ in 0..WINDOWS * WIDTH as usize {
            powers.push(last);
            last = last.double();
        }
        let powers = to_affine(&powers);
        let mut multiples = Vec::with_capacity(WINDOWS * MULTIPLES);
        for powers in powers.chunks(WIDTH as usize) {
            let [one, two, ..] = powers else { continue };
            let mut odd = Xyzz::<Fp>::of_affine(one.x, one.y);
            for _ in 0..MULTIPLES {
                multiples.push(odd);
                odd = odd.add_affine(&two.x, &two.y);
            }
        }
        Self(to_affine(&multiples).as_chunks::<MULTIPLES>().0.into())
    }
}

/// digit times the row's unit, for an odd digit: the entry for its absolute value out of a scan over all, and its
/// opposite where the digit is negative.
#[inline(always)]
fn scan(multiples: &[Affine; MULTIPLES], digit: i16) -> Affine {
    let wanted = usize::from(digit.unsigned_abs() >> 1);
    // All ones in the wanted column. Without the barrier the compiler makes a branch of what the mask selects.
    let masks: [u64; MULTIPLES] =
        std::array::from_fn(|column| 0u64.wrapping_sub(u64::from(column == wanted)));
    let masks = std::hint::black_box(masks);
    let mut found = [0_u64; 8];
    for (mask, multiple) in masks.iter().zip(multiples) {
        let (x, y) = (multiple.x.as_montgomery(), multiple.y.as_montgomery());
        for (found, limb) in found.iter_mut().zip(x.iter().chain(y)) {
            *found |= limb & mask;
        }
    }
    let [x0, x1, x2, x3, y0, y1, y2, y3] = found;
    let y = Fp::from_montgomery([y0, y1, y2, y3]).negate_if(limbs::mask(digit < 0));
    Affine { x: Fp::from_montgomery([x0, x1, x2, x3]), y }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::sm2::complete::Projective;
    use crate::crypto::sm2::field::tests::samples;

    #[test]
    fn the_same_as_by_the_complete_formulas() {
        let ks: Vec<_> = samples(80)
            .iter()
            .map(|sample| Scalar::from_integer(sample.as_montgomery()))
            .filter(|k| !k.is_zero())
            .collect();
        let xs = x_of_multiples::<Fp>(&ks, &mut Space::new()).unwrap();
        for (k, x) in ks.iter().zip(xs) {
            let expected = Projective::multiple(&Affine::generator(), k).to_affine().unwrap();
            assert_eq!(x, Scalar::from_integer(&expected.x.to_integer()), "{k:?}");
            assert_eq!(x_of_multiples::<Fp>(&[*k], &mut Space::new()), Some(vec![x]));
        }
    }
}
