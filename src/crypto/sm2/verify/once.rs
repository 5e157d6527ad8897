//! s·G + t·P for keys without a table: t·P by doublings, with a small table of P that is made for it.
#![forbid(unsafe_code)]

use super::prepared::{GeneratorDigits, points, push_generator_rows};
use super::{Equation, Key};
use crate::crypto::sm2::field::Field;
use crate::crypto::sm2::point::{Affine, Xyzz};
use crate::crypto::sm2::sum::{Space, Sum, invert_all};
use crate::crypto::sm2::window::{signed_digits, windows};

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
        let sums = Self::sums(std::slice::from_ref(equation), &mut Space::new());
        sums.first().copied().unwrap_or_else(Sum::empty)
    }

    #[inline(always)]
    fn sums<F: Field>(equations: &[Equation<Self>], space: &mut Space<F>) -> Vec<Sum<F>> {
        let width = equations.len().div_ceil(F::LANES);
        let multiples = multiples::<F>(equations);
        let mut sums = Vec::with_capacity(width);
        for (equations, multiples) in equations.chunks(F::LANES).zip(multiples.chunks(F::LANES)) {
            let mut t = [[0; WINDOWS]; 8];
            for (t, equation) in t.iter_mut().zip(equations) {
                *t = signed_digits(&equation.t, WIDTH);
            }
            let mut sum = Sum::empty();
            for window in (0..WINDOWS).rev() {
                for _ in 0..WIDTH {
                    sum.double();
                }
                sum.add(&points(|lane| {
                    let digit = t[lane][window];
                    let column = usize::from(digit.unsigned_abs()).saturating_sub(1);
                    multiples.get(lane).map(|multiples| (&multiples[column], digit))
                }));
            }
            sums.push(sum);
        }
        let s: Vec<GeneratorDigits> = equations.iter().map(Equation::generator_digits).collect();
        let mut rows = Vec::new();
        push_generator_rows(&mut rows, &s);
        space.sum_columns(&mut rows, width, &mut sums);
        sums
    }
}

/// The multiples of each key, made affine by one inversion.
#[inline(always)]
fn multiples<F: Field>(equations: &[Equation<&Affine>]) -> Vec<[Affine; MULTIPLES]> {
    let mut projective = Vec::with_capacity(equations.len().div_ceil(F::LANES) * MULTIPLES);
    for equations in equations.chunks(F::LANES) {
        let point = |lane: usize| equations.get(lane).unwrap_or(&equations[0]).key;
        let (x, y) = (F::gather(|lane| &point(lane).x), F::gather(|lane| &point(lane).y));
        let first = Xyzz::of_affine(x, y);
        let mut last = first.double();
        projective.extend([first, last]);
        for _ in 2..MULTIPLES {
            last = last.add_affine(&x, &y);
            projective.push(last);
        }
    }
    // No multiple is infinity, since n is a prime; so no ZZZ is 0.
    let mut inverses = Vec::with_capacity(projective.len());
    for point in &projective {
        inverses.push(point.zzz);
    }
    invert_all(&mut inverses, &mut Vec::new());
    let mut found = Vec::with_capacity(equations.len());
    for (chunk, (projective, inverses)) in
        equations.chunks(F::LANES).zip(projective.chunks(MULTIPLES).zip(inverses.chunks(MULTIPLES)))
    {
        let first = found.len();
        found.resize(first + chunk.len(), [*chunk[0].key; MULTIPLES]);
        for (i, (point, zzz_inverse)) in projective.iter().zip(inverses).enumerate() {
            // 1/ZZ = (ZZ/ZZZ)².
            let zz_inverse = zzz_inverse.mul(&point.zz).square();
            let (x, y) = (point.x.mul(&zz_inverse), point.y.mul(zzz_inverse));
            for (lane, multiples) in found[first..].iter_mut().enumerate() {
                multiples[i] = Affine { x: x.lane(lane), y: y.lane(lane) };
            }
        }
    }
    found
}
