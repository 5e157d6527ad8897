//! k·G for secret k, in constant time: every entry of a table row is read, and no digit is zero.
#![forbid(unsafe_code)]

use super::field::{Field, Fp, Row};
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
struct BaseTable(Box<[Multiples]>);

struct Multiples {
    x: Row<MULTIPLES>,
    y: Row<MULTIPLES>,
}

/// The x coordinates of k·G for all `ks`, none of which is 0, modulo n; `None` if the formulas met an odd case, which has
/// a chance of about 2^-250 for random k: another k is due then.
#[inline(always)]
pub(super) fn x_of_multiples<F: Field>(ks: &[Scalar], space: &mut Space<F>) -> Option<Vec<Scalar>> {
    let width = ks.len().div_ceil(F::LANES);
    // x is the same for k·G and -k·G, so that each k may be taken for odd.
    let digits: Zeroizing<Vec<[i16; WINDOWS]>> =
        ks.iter().map(|k| odd_digits(&k.odd_of_pair(), WIDTH)).collect::<Vec<_>>().into();
    let mut sums = vec![Sum::<F>::empty(); width];
    let mut rows = Vec::new();
    if let [sum] = &mut sums[..] {
        // While one point is added, the next window's entries arrive from the cache.
        for (window, multiples) in BaseTable::get().0.iter().enumerate() {
            sum.add(&multiples.choose(|lane| digits.get(lane).map_or(1, |digits| digits[window])));
        }
    } else {
        rows.reserve(WINDOWS * width);
        for (window, multiples) in BaseTable::get().0.iter().enumerate() {
            for digits in digits.chunks(F::LANES) {
                rows.push(multiples.choose(|lane| digits.get(lane).map_or(1, |digits| digits[window])));
            }
        }
        space.sum_columns(&mut rows, width, &mut sums);
    }
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
        let multiples = to_affine(&multiples);
        let (rows, _) = multiples.as_chunks::<MULTIPLES>();
        Self(rows.iter().map(Multiples::of).collect())
    }
}

impl Multiples {
    fn of(points: &[Affine; MULTIPLES]) -> Self {
        Self { x: Row::of(|column| &points[column].x), y: Row::of(|column| &points[column].y) }
    }

    /// For each lane its odd digit times the window's unit: the entry for the absolute value, and its opposite where the
    /// digit is negative.
    #[inline(always)]
    fn choose<F: Field>(&self, digit: impl Fn(usize) -> i16) -> Points<F> {
        let (mut columns, mut negative) = ([0; 8], 0);
        for (lane, column) in columns.iter_mut().enumerate().take(F::LANES) {
            let digit = digit(lane);
            *column = u64::from(digit.unsigned_abs() >> 1);
            negative |= u8::from(digit < 0) << lane;
        }
        let [x, y] = F::choose([&self.x, &self.y], &columns);
        let opposite = F::splat(&Fp::ZERO).sub(&y);
        Points { x, y: F::select(negative, &opposite, &y), present: all::<F>(), odd: 0 }
    }
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
