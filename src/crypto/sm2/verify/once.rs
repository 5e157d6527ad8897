//! s·G + t·P for keys without a table: t·P by doublings, with a small table of P that is made for it.
#![forbid(unsafe_code)]

use super::prepared::{GeneratorDigits, add_generator, push_generator_rows};
use super::{Equation, Key};
use crate::crypto::sm2::doubling::DoublingSum;
use crate::crypto::sm2::field::Field;
use crate::crypto::sm2::point::{Affine, Xyzz};
use crate::crypto::sm2::sum::{Points, Space, Sum, invert_all};
use crate::crypto::sm2::window::{signed_digits, sparse_digits, windows};

/// Bits of a window.
const WIDTH: u32 = 5;
const WINDOWS: usize = windows(WIDTH);
/// The multiples 1 to 16 of P.
const MULTIPLES: usize = 1 << (WIDTH - 1);

impl Key for &Affine {
    fn point(&self) -> &Affine {
        self
    }

    #[inline(always)]
    fn sum<F: Field>(equation: &Equation<Self>) -> Sum<F> {
        let multiples = multiples::<F>(std::slice::from_ref(equation));
        let digits = sparse_digits(&equation.t, WIDTH);
        let mut sum = DoublingSum::empty();
        for digit in digits.iter().rev().skip_while(|digit| **digit == 0) {
            sum.double();
            if let ([multiples], true) = (&multiples[..], *digit != 0) {
                sum.add(&chosen(multiples, |_| *digit));
            }
        }
        let mut sum = sum.into_sum();
        add_generator(&mut sum, equation);
        sum
    }

    #[inline(always)]
    fn sums<F: Field>(equations: &[Equation<Self>], space: &mut Space<F>) -> Vec<Sum<F>> {
        let width = equations.len().div_ceil(F::LANES);
        let multiples = multiples::<F>(equations);
        let t: Vec<[i16; WINDOWS]> =
            equations.iter().map(|equation| signed_digits(&equation.t, WIDTH)).collect();
        let mut sums = vec![DoublingSum::empty(); width];
        for window in (0..WINDOWS).rev() {
            // All sums in turn: a doubling waits for the one before it, but not for those of other sums.
            for _ in 0..WIDTH {
                for sum in &mut sums {
                    sum.double();
                }
            }
            for ((sum, t), multiples) in sums.iter_mut().zip(t.chunks(F::LANES)).zip(&multiples) {
                sum.add(&chosen(multiples, |lane| t.get(lane).map_or(0, |digits| digits[window])));
            }
        }
        let s: Vec<GeneratorDigits> = equations.iter().map(Equation::generator_digits).collect();
        let mut rows = Vec::new();
        push_generator_rows(&mut rows, &s);
        let mut found = Vec::with_capacity(width);
        for sum in sums {
            found.push(sum.into_sum());
        }
        space.sum_columns(&mut rows, width, &mut found);
        found
    }
}

/// x and 2y, what [`DoublingSum`] adds, of the multiples of a key in each lane.
type Multiples<F> = [(F, F); MULTIPLES];

/// The multiples of all keys, made affine by one inversion.
#[inline(always)]
fn multiples<F: Field>(equations: &[Equation<&Affine>]) -> Vec<Multiples<F>> {
    let mut keys = Vec::with_capacity(equations.len().div_ceil(F::LANES));
    for equations in equations.chunks(F::LANES) {
        let point = |lane: usize| equations.get(lane).unwrap_or(&equations[0]).key;
        keys.push((F::gather(|lane| &point(lane).x), F::gather(|lane| &point(lane).y)));
    }
    // All keys in turn, for the same reason as above.
    let mut projective = Vec::with_capacity(keys.len() * MULTIPLES);
    for (x, y) in &keys {
        projective.push(Xyzz::of_affine(*x, *y));
    }
    for i in 0..keys.len() {
        projective.push(projective[i].double());
    }
    for _ in 2..MULTIPLES {
        for (x, y) in &keys {
            projective.push(projective[projective.len() - keys.len()].add_affine(x, y));
        }
    }
    // No multiple is infinity, since n is a prime; so no ZZZ is 0.
    let mut inverses = Vec::with_capacity(projective.len());
    for point in &projective {
        inverses.push(point.zzz);
    }
    invert_all(&mut inverses, &mut Vec::new());
    let mut found = vec![[keys[0]; MULTIPLES]; keys.len()];
    for (i, (point, zzz_inverse)) in projective.iter().zip(&inverses).enumerate() {
        // 1/ZZ = (ZZ/ZZZ)².
        let zz_inverse = zzz_inverse.mul(&point.zz).square();
        let (x, y) = (point.x.mul(&zz_inverse), point.y.mul(zzz_inverse));
        found[i % keys.len()][i / keys.len()] = (x, y.add(&y));
    }
    found
}

/// The multiples that the digits of the lanes name, their opposites where a digit is negative.
#[inline(always)]
fn chosen<F: Field>(multiples: &Multiples<F>, digit: impl Fn(usize) -> i16) -> Points<F> {
    let (mut present, mut negative, mut wanted) = (0, 0, [0_u8; MULTIPLES]);
    let mut column = 0;
    for lane in 0..F::LANES {
        let digit = digit(lane);
        present |= u8::from(digit != 0) << lane;
        negative |= u8::from(digit < 0) << lane;
        column = usize::from(digit.unsigned_abs()).saturating_sub(1);
        wanted[column] |= 1 << lane;
    }
    let (mut x, mut y) = multiples[column];
    if F::LANES > 1 {
        for (lanes, (its_x, its_y)) in wanted.iter().zip(multiples) {
            (x, y) = (F::select(*lanes, its_x, &x), F::select(*lanes, its_y, &y));
        }
    }
    Points { x, y, present, odd: 0 }.negated(negative)
}
