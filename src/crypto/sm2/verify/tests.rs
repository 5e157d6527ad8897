//! Equations that end in odd cases of the formulas, at each level: their verdicts are those of the complete formulas.

use super::*;
use crate::crypto::sm2::field::tests::samples;
use crate::crypto::sm2::scalar::Factor;
use crate::crypto::sm2::table::Table;

/// A way to do work that a processor has or lacks.
pub(super) trait Level {
    /// `None` where the processor lacks it.
    fn run<W: Work>(work: W) -> Option<W::Output>;
}

/// What [`holding`] answers at this level, for prepared keys and for keys seen once.
pub(super) fn verdicts<L: Level>(equations: &[Equation<&Affine>]) -> Option<[Vec<bool>; 2]> {
    let mut tables: Vec<Table> = Vec::new();
    for Equation { key, .. } in equations {
        if tables.iter().all(|table| Key::point(&table) != *key) {
            tables.push(Table::new::<Fp>(key, KEY_WIDTH));
        }
    }
    let table = |key: &Affine| tables.iter().find(|table| Key::point(table) == key).unwrap();
    let prepared: Vec<_> = equations
        .iter()
        .map(|Equation { key, s, t, v }| Equation { key: table(key), s: *s, t: *t, v: *v })
        .collect();
    Some([L::run(Check(&prepared))?, L::run(Check(equations))?])
}

fn scalar(small: i64) -> Scalar {
    let magnitude = Scalar::from_integer(&[small.unsigned_abs(), 0, 0, 0]);
    if small < 0 { magnitude.negate() } else { magnitude }
}

fn power_of_two(exponent: usize) -> Scalar {
    let two = Factor::of(&scalar(2));
    (0..exponent).fold(Scalar::ONE, |power, _| two.times(&power))
}

fn product(a: &Scalar, b: &Scalar) -> Scalar {
    Factor::of(a).times(b)
}

fn multiple(k: &Scalar) -> Affine {
    Projective::multiple(&Affine::generator(), k).to_affine().unwrap()
}

/// The equation that holds for s, t and the key d·G; for infinity, one with any v.
fn true_equation<'a>(key: &'a Affine, d: &Scalar, s: Scalar, t: Scalar) -> Equation<&'a Affine> {
    let sum = Projective::multiple(&Affine::generator(), &s.add(&product(&t, d))).to_affine();
    let v = sum.map_or(Scalar::ONE, |point| Scalar::from_integer(&point.x.to_integer()));
    Equation { key, s, t, v }
}

/// Private keys for which table entries of the key are table entries of G, or their opposites.
fn related_keys() -> Vec<Scalar> {
    let small = (1..=4).flat_map(|k| [scalar(k), scalar(-k)]);
    let shifted = [8, 10, 40, 80, 120, 240].map(power_of_two).into_iter().flat_map(|k| [k, k.negate()]);
    let inverse = Factor::of(&scalar(2)).invert().times(&Scalar::ONE);
    small.chain(shifted).chain([inverse, inverse.negate()]).collect()
}

/// Pairs (s, t): zero digits everywhere, single digits, extreme digits, carries through all windows, random ones.
fn scalars() -> Vec<(Scalar, Scalar)> {
    let half = Factor::of(&scalar(2)).invert().times(&Scalar::ONE);
    let singles: Vec<_> = [0, 1, 5, 8, 10, 40, 80, 127, 128, 160, 240, 250, 255].map(power_of_two).into();
    let mut edges =
        vec![scalar(1), scalar(2), scalar(-1), scalar(-2), half, half.negate(), scalar(128), scalar(129)];
    edges.extend(&singles);
    edges.extend(singles.iter().map(|single| single.sub(&Scalar::ONE)).filter(|s| !s.is_zero()));
    edges
        .extend(samples(12).iter().map(|a| Scalar::from_integer(a.as_montgomery())).filter(|s| !s.is_zero()));
    edges
        .iter()
        .flat_map(|s| [(*s, *s), (*s, s.negate()), (*s, edges[0]), (edges[7], *s), (*s, edges[1])])
        .collect()
}

fn nasty_equations_have_the_right_verdicts<L: Level>() {
    for (turn, d) in related_keys().into_iter().enumerate() {
        let key = multiple(&d);
        let some: Vec<_> = scalars().into_iter().skip(turn % 4).step_by(4).collect();
        let mut equations: Vec<_> = some.iter().map(|(s, t)| true_equation(&key, &d, *s, *t)).collect();
        // s·G + t·P at infinity.
        equations.extend(some.iter().map(|(_, t)| true_equation(&key, &d, product(t, &d).negate(), *t)));
        let wrong: Vec<_> = equations.iter().map(|e| Equation { v: e.v.add(&Scalar::ONE), ..*e }).collect();
        equations.extend(wrong);
        let expected: Vec<_> = equations.iter().map(Equation::holds_completely).collect();
        assert!(expected.contains(&true) && expected.contains(&false));
        for verdicts in verdicts::<L>(&equations).unwrap() {
            for ((equation, verdict), expected) in equations.iter().zip(verdicts).zip(&expected) {
                assert_eq!(verdict, *expected, "s = {:x?}, t = {:x?}, d = {d:x?}", equation.s, equation.t);
            }
        }
    }
}

/// Nothing above would fail if the odd cases were not met: so they have to be seen.
fn odd_cases_are_met<L: Level>() {
    let (g, two) = (Affine::generator(), multiple(&scalar(2)));
    let table = Table::new::<Fp>(&g, KEY_WIDTH);
    // G + G and G - G, by table and by doublings.
    for (s, t) in [(1, 1), (1, -1), (100, -100)] {
        let equation = Equation { key: &table, s: scalar(s), t: scalar(t), v: Scalar::ONE };
        assert_eq!(L::run(FirstSum(&[equation])), Some((1, 1)), "{s}, {t}");
    }
    let equation = Equation { key: &two, s: scalar(2), t: scalar(1), v: Scalar::ONE };
    assert_eq!(L::run(FirstSum(&[equation])), Some((1, 1)));
    // An equation beside it that shares its inversions is not odd.
    let fine = Equation { key: &table, s: scalar(3), t: scalar(5), v: Scalar::ONE };
    let odd_one = Equation { key: &table, s: scalar(1), t: scalar(1), v: Scalar::ONE };
    assert_eq!(L::run(FirstSum(&[fine, odd_one])), Some((0, 1)));
}

/// Whether the sum of the first equation is odd and whether it is present.
struct FirstSum<'a, K>(&'a [Equation<K>]);

impl<K: Key> Work for FirstSum<'_, K> {
    type Output = (u8, u8);

    #[inline(always)]
    fn run<F: Field>(self) -> (u8, u8) {
        let sum = K::sums::<F>(self.0, &mut Space::new())[0];
        (sum.odd_lanes() & 1, sum.present & 1)
    }
}

/// x_1 in [n, p), and v below p - n with x_1 = v: both are right, by the same rule.
fn x_beyond_n<L: Level>() {
    let mut found = 0;
    let mut integer = N;
    for _ in 0..40 {
        integer = limbs::add(&integer, &[1, 0, 0, 0]).0;
        let small = limbs::sub(&integer, &N).0;
        for x in [integer, small] {
            let Some(point) = Affine::from_x(&limbs::to_be_bytes(&x), true) else { continue };
            // The key P = (Q - s·G)/t, for which Q is the sum.
            let (s, t) = (scalar(77), scalar(1_000_003));
            let difference = Projective::of_affine(&point)
                .add(&Projective::multiple(&Affine::generator(), &s.negate()))
                .to_affine()
                .unwrap();
            let inverse = Factor::of(&t).invert().times(&Scalar::ONE);
            let key = Projective::multiple(&difference, &inverse).to_affine().unwrap();
            let right = Equation { key: &key, s, t, v: Scalar::from_integer(&x) };
            let wrong = Equation { v: right.v.add(&scalar(1000)), ..right };
            assert!(right.second_answer().is_some());
            assert_eq!(verdicts::<L>(&[right, wrong]).unwrap(), [[true, false], [true, false]]);
            found += 1;
        }
    }
    assert!(found > 10, "{found}");
}

/// Equations of any number, true and false in turn, of several keys.
fn batches_of_all_lengths<L: Level>() {
    let secrets: Vec<_> = samples(30).iter().map(|a| Scalar::from_integer(a.as_montgomery())).collect();
    let secrets: Vec<_> = secrets.into_iter().filter(|d| !d.is_zero()).collect();
    let keys: Vec<_> = secrets.iter().map(multiple).collect();
    let equations: Vec<_> = (0..70)
        .zip(secrets.iter().zip(&keys).take(20).cycle())
        .map(|(i, (d, key))| {
            let right = true_equation(key, d, product(d, &scalar(7 + i)), product(d, &scalar(3 + i)));
            if i % 3 == 1 { Equation { v: right.v.add(&Scalar::ONE), ..right } } else { right }
        })
        .collect();
    let expected: Vec<_> = (0..70).map(|i| i % 3 != 1).collect();
    for length in [0, 1, 2, 7, 8, 9, 63, 64, 65, 70] {
        assert_eq!(verdicts::<L>(&equations[..length]).unwrap(), [&expected[..length], &expected[..length]]);
    }
}

/// The tests above at one level, which runs work by the given expression.
macro_rules! at_level {
    ($level:ident, $work:ident => $run:expr) => {
        pub(super) mod $level {
            use super::{Level, Work};

            pub(in crate::crypto::sm2::verify) struct This;

            impl Level for This {
                fn run<W: Work>($work: W) -> Option<W::Output> {
                    $run
                }
            }

            /// Whether the processor has this level.
            fn is_there() -> bool {
                struct Nothing;
                impl Work for Nothing {
                    type Output = ();

                    fn run<F: super::Field>(self) {}
                }
                This::run(Nothing).is_some()
            }

            #[test]
            fn nasty_equations_have_the_right_verdicts() {
                if is_there() {
                    super::nasty_equations_have_the_right_verdicts::<This>();
                }
            }

            #[test]
            fn odd_cases_are_met() {
                if is_there() {
                    super::odd_cases_are_met::<This>();
                }
            }

            #[test]
            fn x_beyond_n() {
                if is_there() {
                    super::x_beyond_n::<This>();
                }
            }

            #[test]
            fn batches_of_all_lengths() {
                if is_there() {
                    super::batches_of_all_lengths::<This>();
                }
            }
        }
    };
}

at_level!(portable, work => Some(work.run::<crate::crypto::sm2::field::Fp>()));
at_level!(emulated_lanes, work => Some(work.run::<crate::crypto::sm2::lanes::Emulated>()));
at_level!(lanes, work => crate::crypto::sm2::lanes::run(work).ok());
#[cfg(target_arch = "x86_64")]
at_level!(adx, work => {
    let there = crate::crypto::cpu::Features::detected().adx;
    there.then(|| work.run::<crate::crypto::sm2::field::adx::Adx>())
});
