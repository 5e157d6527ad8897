//! Tables of multiples of a point, by which its products need no doubling.
#![forbid(unsafe_code)]

use super::field::{Field, Fp};
use super::point::{Affine, Xyzz, to_affine};
use super::sum::{Points, Space, all};
use super::window::windows;

/// Of each window i: 1, 2, ... 2^(width-1) times 2^(width·i)·P.
pub(super) struct Table {
    width: u32,
    points: Box<[Affine]>,
}

impl Table {
    /// Bytes that a table with windows of `width` bits takes.
    pub(super) const fn bytes(width: u32) -> usize {
        (windows(width) << (width - 1)) * size_of::<Affine>()
    }

    /// The table of P with windows of `width` bits, computed by `F`.
    #[inline(always)]
    pub(super) fn new<F: Field>(p: &Affine, width: u32) -> Self {
        let mut double = Xyzz::<Fp>::of_affine(p.x, p.y);
        let powers: Vec<_> = (0..windows(width) * width as usize)
            .map(|_| {
                let next = double.double();
                std::mem::replace(&mut double, next)
            })
            .collect();
        let powers = to_affine(&powers);
        let mut points = vec![*p; windows(width) << (width - 1)].into_boxed_slice();
        let rows = || (0..windows(width)).map(|window| window << (width - 1));
        for (row, powers) in rows().zip(powers.chunks(width as usize)) {
            for (bit, power) in powers.iter().enumerate() {
                points[row + (1 << bit) - 1] = *power;
            }
        }
        // m·P + j·P for all j below m, once the multiples up to m are there.
        let mut space = Space::<F>::new();
        for m in (1..width - 1).map(|bit| 1_usize << bit) {
            let places: Vec<_> =
                rows().flat_map(|row| (1..m).map(move |j| (row + j - 1, row + m - 1))).collect();
            for (place, sum) in places.iter().zip(space.add_pairs(&points, &places)) {
                points[place.0 + m] = sum;
            }
        }
        Self { width, points }
    }

    /// The multiple for the absolute value of a digit in a window; that for 1 where the digit is 0.
    #[inline(always)]
    pub(super) fn entry(&self, window: usize, digit: i16) -> &Affine {
        let column = usize::from(digit.unsigned_abs()).saturating_sub(1);
        &self.points[(window << (self.width - 1)) + column]
    }
}

impl std::fmt::Debug for Table {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Table").field("width", &self.width).finish_non_exhaustive()
    }
}

impl<F: Field> Space<F> {
    /// The sums of the pairs of points at `places`, no two of a pair with the same x.
    #[inline(always)]
    fn add_pairs(&mut self, points: &[Affine], places: &[(usize, usize)]) -> Vec<Affine> {
        let width = places.len().div_ceil(F::LANES);
        let mut rows = Vec::with_capacity(2 * width);
        for of in [|place: &(usize, usize)| place.0, |place: &(usize, usize)| place.1] {
            for places in places.chunks(F::LANES) {
                // Lanes beyond the end repeat the first.
                let point = |lane: usize| &points[of(places.get(lane).unwrap_or(&places[0]))];
                let (x, y) = (F::gather(|lane| &point(lane).x), F::gather(|lane| &point(lane).y));
                rows.push(Points { x, y, present: all::<F>(), odd: 0 });
            }
        }
        self.halve_rows(&mut rows, width);
        let mut sums = Vec::with_capacity(width * F::LANES);
        for row in &rows {
            for lane in 0..F::LANES {
                sums.push(Affine { x: row.x.lane(lane), y: row.y.lane(lane) });
            }
        }
        sums.truncate(places.len());
        sums
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::sm2::complete::Projective;
    use crate::crypto::sm2::scalar::{Factor, Scalar};

    #[test]
    fn entries_are_multiples() {
        for width in [2, 5, 8] {
            let table = Table::new::<Fp>(&Affine::generator(), width);
            assert_eq!(table.points.len() * size_of::<Affine>(), Table::bytes(width));
            let base = Factor::of(&Scalar::from_integer(&[1 << width, 0, 0, 0]));
            let mut unit = Scalar::ONE;
            for window in 0..windows(width) {
                for digit in 1..=1_i16 << (width - 1) {
                    if digit < 4 || digit & (digit - 1) == 0 || digit & (digit + 1) == 0 || window == 7 {
                        let scalar = Factor::of(&unit).times(&Scalar::from_integer(&[
                            u64::from(digit.unsigned_abs()),
                            0,
                            0,
                            0,
                        ]));
                        let expected = Projective::multiple(&Affine::generator(), &scalar).to_affine();
                        assert_eq!(Some(*table.entry(window, digit)), expected, "{digit} in window {window}");
                        assert_eq!(table.entry(window, digit), table.entry(window, -digit));
                    }
                }
                unit = base.times(&unit);
            }
        }
    }
}
