//! Random and edge-biased signatures against RustCrypto's `sm2`, which shares nothing with this module: every verdict of
//! every level is its verdict, and what is signed here verifies there. With `SOGOV_SOAK` set, ten million of them.

use super::tests::{self, Level};
use super::*;
use crate::crypto::sm2::scalar::Factor;
use crate::crypto::sm2::sign::{Secret, Signing, sign, sign_by};
use crate::crypto::sm2::table::Table;
use ::sm2::dsa::VerifyingKey;
use ::sm2::dsa::signature::hazmat::PrehashVerifier;
use ::sm2::elliptic_curve::ff::PrimeField;
use ::sm2::elliptic_curve::point::AffineCoordinates;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Signatures in `make test`, and in `make soak`.
const CASES: usize = 4 << 10;
const SOAK_CASES: usize = 10_000_000;

/// Signatures and keys of one draw.
const DRAW: usize = 1 << 10;
const KEYS: usize = 16;

#[test]
fn verdicts_are_those_of_rustcrypto() {
    let cases = if std::env::var_os("SOGOV_SOAK").is_some() { SOAK_CASES } else { CASES };
    let draws = cases.div_ceil(DRAW);
    let (next, valid) = (AtomicUsize::new(0), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                loop {
                    let draw = next.fetch_add(1, Ordering::Relaxed);
                    if draw >= draws {
                        return;
                    }
                    valid.fetch_add(check(draw as u64), Ordering::Relaxed);
                }
            });
        }
    });
    let (cases, valid) = (draws * DRAW, valid.into_inner());
    assert!(valid > cases / 4 && valid < cases * 3 / 4, "{valid} of {cases} are valid");
    println!("{cases} signatures, {valid} of them valid, have RustCrypto's verdict");
}

/// A signature by one of the keys over a digest.
struct Case {
    key: usize,
    e: Digest,
    signature: Signature,
    /// Whether it was changed after it was right.
    changed: bool,
}

/// Checks the signatures that follow from a number; answers how many were valid.
fn check(draw: u64) -> usize {
    let mut random = Random::new(draw);
    let keys = keys(&mut random);
    let cases = cases(&keys, &mut random);
    let expected: Vec<bool> = cases
        .iter()
        .map(|case| {
            let signature = ::sm2::dsa::Signature::from_slice(case.signature.as_bytes()).unwrap();
            let verdict = keys[case.key].oracle.verify_prehash(&case.e, &signature).is_ok();
            assert!(
                verdict || case.changed,
                "draw {draw}: a right signature is refused: {:x?}",
                case.signature
            );
            verdict
        })
        .collect();
    let draw = Draw { number: draw, keys, cases, expected };
    draw.compare::<tests::portable::This>(DRAW);
    draw.compare::<tests::lanes::This>(DRAW);
    // On arrays the lanes are slow.
    #[cfg(not(loom))]
    draw.compare::<tests::emulated_lanes::This>(12);
    #[cfg(target_arch = "x86_64")]
    draw.compare::<tests::adx::This>(DRAW);
    draw.expected.iter().filter(|verdict| **verdict).count()
}

/// Signatures with RustCrypto's verdicts.
struct Draw {
    number: u64,
    keys: Vec<Pair>,
    cases: Vec<Case>,
    expected: Vec<bool>,
}

impl Draw {
    /// Compares the verdicts at a level on the first `count` signatures: with tables and without, in batches, and some
    /// alone.
    fn compare<L: Level>(&self, count: usize) {
        let keys = self.keys.iter();
        let tables: Vec<_> = keys.map(|key| Table::new::<Fp>(&key.point, KEY_WIDTH)).collect();
        self.compare_keys::<L, _>(count, |key| &tables[key]);
        self.compare_keys::<L, _>(count, |key| &self.keys[key].point);
    }

    fn compare_keys<L: Level, K: Key>(&self, count: usize, key: impl Fn(usize) -> K) {
        let cases = self.cases.iter().take(count);
        let equations: Vec<_> =
            cases.map(|case| Equation::new(key(case.key), &case.e, &case.signature)).collect();
        let present: Vec<_> = equations.iter().flatten().copied().collect();
        let Some(verdicts) = L::run(Check(&present)) else { return };
        let mut verdicts = verdicts.into_iter();
        for (i, (equation, expected)) in equations.iter().zip(&self.expected).enumerate() {
            let verdict = equation.as_ref().is_some_and(|_| verdicts.next().unwrap());
            let case = || format!("case {i} of draw {}: {:x?}", self.number, self.cases[i].signature);
            assert_eq!(verdict, *expected, "{}", case());
            if let (0, Some(equation)) = (i % 16, equation) {
                assert_eq!(L::run(Check(&[*equation])), Some(vec![*expected]), "alone, {}", case());
            }
        }
    }
}

/// A key pair, and its public key as RustCrypto has it.
struct Pair {
    d: Scalar,
    secret: Secret,
    point: Affine,
    oracle: VerifyingKey,
}

/// Keys with random and edge-biased scalars, and keys that are related to the ones before.
fn keys(random: &mut Random) -> Vec<Pair> {
    let mut keys: Vec<Pair> = Vec::with_capacity(KEYS);
    while keys.len() < KEYS {
        let former = keys.last().map_or(Scalar::ONE, |key| key.d);
        let d = match random.below(8) {
            0 => former.add(&Scalar::ONE),
            1 => former.negate(),
            2 => Factor::of(&former).times(&random.power_of_two()),
            3 => random.power_of_two(),
            4 => Factor::of(&former).invert().times(&Scalar::ONE),
            _ => random.scalar(),
        };
        let bytes = d.to_be_bytes();
        let Some(secret) = Secret::from_bytes(&bytes) else { continue };
        let oracle = ::sm2::SecretKey::from_slice(&bytes).unwrap().public_key();
        let oracle = VerifyingKey::new("1234567812345678", oracle).unwrap();
        keys.push(Pair { d, point: secret.point().unwrap(), secret, oracle });
    }
    keys
}

fn cases(keys: &[Pair], random: &mut Random) -> Vec<Case> {
    let mut cases = signed(keys, random);
    while cases.len() < DRAW {
        cases.extend(chosen(keys, random));
    }
    for case in &mut cases {
        change(case, keys.len(), random);
    }
    cases
}

/// Signatures made here over edge-biased digests, half of all.
fn signed(keys: &[Pair], random: &mut Random) -> Vec<Case> {
    let orders: Vec<_> = (0..DRAW / 2).map(|_| (random.below(keys.len()), random.digest())).collect();
    let mut cases = Vec::with_capacity(DRAW);
    for (i, orders) in orders.chunks(37).enumerate() {
        let signings: Vec<_> = orders
            .iter()
            .map(|(key, e)| Signing { secret: keys[*key].secret.open().unwrap(), e: *e })
            .collect();
        let signatures = match i % 3 {
            #[cfg(target_arch = "x86_64")]
            1 if crate::crypto::cpu::Features::detected().adx => {
                sign_by::<crate::crypto::sm2::field::adx::Adx>(&signings)
            }
            2 => sign_by::<Fp>(&signings),
            // By what the machine has for many.
            _ => sign(&signings).unwrap(),
        };
        cases.extend(orders.iter().zip(signatures).map(|((key, e), signature)| Case {
            key: *key,
            e: *e,
            signature: Signature::from_bytes(&signature).unwrap(),
            changed: false,
        }));
    }
    cases
}

/// A right signature with edge-biased s and t: e follows from them by RustCrypto's arithmetic. None where it would be
/// infinity, or r zero.
fn chosen(keys: &[Pair], random: &mut Random) -> Option<Case> {
    let key = random.below(keys.len());
    let (s, t) = (random.scalar(), random.scalar());
    let r = t.sub(&s);
    if s.is_zero() || t.is_zero() || r.is_zero() {
        return None;
    }
    let k = s.add(&Factor::of(&t).times(&keys[key].d));
    let k = ::sm2::Scalar::from_repr(k.to_be_bytes().into()).unwrap();
    let point = (::sm2::ProjectivePoint::GENERATOR * k).to_affine();
    if bool::from(::sm2::elliptic_curve::Group::is_identity(&::sm2::ProjectivePoint::from(point))) {
        return None;
    }
    let e = r.sub(&Scalar::reduce(&point.x().into()));
    let signature = [r.to_be_bytes(), s.to_be_bytes()].concat();
    Some(Case {
        key,
        e: e.to_be_bytes(),
        signature: Signature::from_bytes(&signature).unwrap(),
        changed: false,
    })
}

/// Leaves half of the signatures right.
fn change(case: &mut Case, keys: usize, random: &mut Random) {
    let (r, s) = case.signature.scalars();
    let (mut new_r, mut new_s) = (r, s);
    match random.below(10) {
        0 => new_r = r.add(&random.power_of_two()),
        1 => new_s = s.add(&random.power_of_two()),
        2 => (new_r, new_s) = (s, r),
        3 => case.key = random.below(keys),
        4 => case.e[random.below(32)] ^= 1 << random.below(8),
        _ => return,
    }
    case.changed = true;
    if let Ok(signature) = Signature::from_bytes(&[new_r.to_be_bytes(), new_s.to_be_bytes()].concat()) {
        case.signature = signature;
    }
}

/// Pseudo-random numbers (xorshift64*, Vigna 2016), biased to the edges of limbs and of n.
struct Random(u64);

impl Random {
    fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x2545_f491_4f6c_dd1d)
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() >> 32).unwrap() % end
    }

    fn limbs(&mut self) -> limbs::Limbs {
        const EDGES: [u64; 12] =
            [0, 1, 2, 0x80, 0xffff_ffff, 1 << 32, 1 << 63, u64::MAX - 1, u64::MAX, N[0], N[1], N[3]];
        let biased = self.below(2) == 0;
        std::array::from_fn(|_| {
            let edge = EDGES[self.below(EDGES.len())];
            if biased && self.below(4) != 0 { edge } else { self.next() }
        })
    }

    fn scalar(&mut self) -> Scalar {
        match self.below(8) {
            0 => Scalar::from_integer(&[self.next() >> self.below(64), 0, 0, 0]),
            1 => Scalar::from_integer(&[self.next() >> self.below(64), 0, 0, 0]).negate(),
            2 => self.power_of_two().sub(&Scalar::ONE),
            _ => Scalar::from_integer(&self.limbs()),
        }
    }

    /// 2^i for some i below 256, modulo n.
    fn power_of_two(&mut self) -> Scalar {
        let bit = self.below(256);
        let mut limbs = [0; 4];
        limbs[bit / 64] = 1 << (bit % 64);
        Scalar::from_integer(&limbs)
    }

    fn digest(&mut self) -> Digest {
        limbs::to_be_bytes(&self.limbs())
    }
}
