//! s·G + t·P for keys with a table: one table entry for each window of s and of t.
#![forbid(unsafe_code)]

use super::{Equation, Key};
use crate::crypto::prefetch::prefetch;
use crate::crypto::sm2::field::Field;
use crate::crypto::sm2::level;
use crate::crypto::sm2::point::Affine;
use crate::crypto::sm2::sum::{Points, Space, Sum, all};
use crate::crypto::sm2::table::Table;
use crate::crypto::sm2::window::{signed_digits, windows};
use once_cell::race::OnceBox;

/// Bits of a window of a key: 256 KiB a table.
pub(in crate::crypto::sm2) const KEY_WIDTH: u32 = 8;
const KEY_WINDOWS: usize = windows(KEY_WIDTH);
/// How many windows ahead entries are asked for.
const AHEAD: usize = 2;

/// Bits of a window of G: there is one such table, so that it may be larger.
const GENERATOR_WIDTH: u32 = 10;
const GENERATOR_WINDOWS: usize = windows(GENERATOR_WIDTH);

/// The table of G, made when first asked for; by several threads if they ask at once, since a child that is forked meanwhile
/// could wait for the one thread for ever.
pub(in crate::crypto::sm2) fn generator_table() -> &'static Table {
    static TABLE: OnceBox<Table> = OnceBox::new();
    TABLE.get_or_init(|| Box::new(level::table(&Affine::generator(), GENERATOR_WIDTH)))
}

/// The digits of s.
pub(super) type GeneratorDigits = [i16; GENERATOR_WINDOWS];

impl<K: Key> Equation<K> {
    pub(super) fn generator_digits(&self) -> GeneratorDigits {
        signed_digits(&self.s, GENERATOR_WIDTH)
    }
}

impl Key for &Table {
    fn point(&self) -> &Affine {
        self.entry(0, 1)
    }

    #[inline(always)]
    fn sum<F: Field>(equation: &Equation<Self>) -> Sum<F> {
        let t: [i16; KEY_WINDOWS] = signed_digits(&equation.t, KEY_WIDTH);
        let mut sum = Sum::empty();
        add_generator(&mut sum, equation);
        for (window, digit) in t.iter().enumerate() {
            sum.add(&points(|_| Some((equation.key.entry(window, *digit), *digit))));
        }
        sum
    }

    #[inline(always)]
    fn sums<F: Field>(equations: &[Equation<Self>], space: &mut Space<F>) -> Vec<Sum<F>> {
        let width = equations.len().div_ceil(F::LANES);
        let s: Vec<GeneratorDigits> = equations.iter().map(Equation::generator_digits).collect();
        let t: Vec<[i16; KEY_WINDOWS]> =
            equations.iter().map(|equation| signed_digits(&equation.t, KEY_WIDTH)).collect();
        let mut rows = Vec::with_capacity((GENERATOR_WINDOWS + KEY_WINDOWS) * width);
        push_generator_rows(&mut rows, &s);
        for window in 0..KEY_WINDOWS {
            // The tables of many keys do not fit into the caches.
            for (equation, t) in equations.iter().zip(&t) {
                if let Some(digit) = t.get(window + AHEAD) {
                    prefetch(equation.key.entry(window + AHEAD, *digit));
                }
            }
            for (equations, t) in equations.chunks(F::LANES).zip(t.chunks(F::LANES)) {
                rows.push(points(|lane| {
                    let digit = t.get(lane)?[window];
                    Some((equations[lane].key.entry(window, digit), digit))
                }));
            }
        }
        let mut sums = vec![Sum::empty(); width];
        space.sum_columns(&mut rows, width, &mut sums);
        sums
    }
}

/// Adds s·G to a sum of one lane.
#[inline(always)]
pub(super) fn add_generator<F: Field, K: Key>(sum: &mut Sum<F>, equation: &Equation<K>) {
    let table = generator_table();
    for (window, digit) in equation.generator_digits().iter().enumerate() {
        sum.add(&points(|_| Some((table.entry(window, *digit), *digit))));
    }
}

/// Appends the rows of points that make up s·G, for all s.
#[inline(always)]
pub(super) fn push_generator_rows<F: Field>(rows: &mut Vec<Points<F>>, s: &[GeneratorDigits]) {
    let table = generator_table();
    for window in 0..GENERATOR_WINDOWS {
        for s in s.chunks(F::LANES) {
            rows.push(points(|lane| {
                let digit = s.get(lane)?[window];
                Some((table.entry(window, digit), digit))
            }));
        }
    }
}

/// The table entries with their digits that `entry` names for the lanes: entries where the digit is positive, their
/// opposites where it is negative, nothing where it is 0 or there is none.
#[inline(always)]
fn points<'a, F: Field>(entry: impl Fn(usize) -> Option<(&'a Affine, i16)>) -> Points<F> {
    let entries: [Option<(&Affine, i16)>; 8] =
        std::array::from_fn(|lane| if lane < F::LANES { entry(lane) } else { None });
    let lanes = |is: fn(i16) -> bool| {
        entries
            .iter()
            .rev()
            .fold(0, |lanes, entry| lanes << 1 | u8::from(entry.is_some_and(|entry| is(entry.1))))
    };
    // The first lane always has an entry.
    let point =
        |lane: usize| entries[lane].or(entries[0]).map_or(generator_table().entry(0, 1), |entry| entry.0);
    let (x, y) = (F::gather(|lane| &point(lane).x), F::gather(|lane| &point(lane).y));
    let (present, negative) = (lanes(|digit| digit != 0), lanes(|digit| digit < 0));
    Points { x, y, present: present & all::<F>(), odd: 0 }.negated(negative)
}
