//! This library as its own driver: the bench starts itself with `--driver`, once for each feature level.

use crate::driver::{Case, Peer, Signer, Turn, in_turn, sample};
use crate::support::measure::pin;
use sogov::crypto::sm2::{Claim, Order, PreparedKeys, PrivateKey, PublicKey, Signature, UserId, sign_batch};
use sogov::crypto::sm3;
use std::hint::black_box;
use std::time::{Duration, Instant};

/// Room for the tables of some 250 keys.
const TABLES: usize = 64 << 20;
/// How long threads run before their counts are added up.
const THREADS_TURN: Duration = Duration::from_millis(50);

pub struct Sogov {
    pub user_id: UserId,
}

impl Peer for Sogov {
    /// One at a time and all at once, with prepared keys and with new ones: every way has to say the same.
    fn check(&self, cases: &[Case]) -> Vec<bool> {
        let parsed: Vec<_> = cases.iter().map(|case| Some((decode(case)?, signature(case)?))).collect();
        let readable: Vec<usize> = (0..cases.len()).filter(|i| parsed[*i].is_some()).collect();
        let claims: Vec<Claim<'_>> = readable
            .iter()
            .map(|i| {
                let (key, signature) = parsed[*i].as_ref().unwrap();
                self.claim(key, signature, &cases[*i])
            })
            .collect();
        let (prepared, new) = (PreparedKeys::new(TABLES), PreparedKeys::new(0));
        for claim in &claims {
            prepared.prepare(claim.key);
        }
        let one_by_one =
            |keys: &PreparedKeys| claims.iter().map(|claim| keys.verify(claim)).collect::<Vec<_>>();
        let verdicts = prepared.verify_batch(&claims);
        assert_eq!(verdicts, new.verify_batch(&claims), "prepared keys and new keys, all at once");
        assert_eq!(verdicts, one_by_one(&prepared), "prepared keys, all at once and one at a time");
        assert_eq!(verdicts, one_by_one(&new), "all at once, and new keys one at a time");
        let mut all = vec![false; cases.len()];
        readable.iter().zip(verdicts).for_each(|(i, good)| all[*i] = good);
        all
    }

    fn sign(&self, signer: &Signer, message: &[u8]) -> Vec<u8> {
        let key = PrivateKey::from_bytes(&signer.scalar).unwrap();
        key.sign(&self.user_id, message).unwrap().as_bytes().to_vec()
    }

    fn digest(&self, message: &[u8]) -> [u8; 32] {
        let digest = sm3::digest(message);
        assert_eq!(sm3::digest_batch(&[message; 17]), [digest; 17]);
        digest
    }

    fn operation<'a>(&'a self, name: &str, cases: &'a [Case], signer: &'a Signer) -> Option<Turn<'a>> {
        Some(match name {
            "verify_one" => self.verify_one(cases),
            "verify_one_new_key" => self.verify_one_new_key(cases),
            "verify_batch" => self.verify_batch(cases),
            "verify_batch_new_key" => self.verify_batch_new_key(cases),
            "verify_one_thread" => self.verify_threads(cases, 1),
            "verify_two_threads" => self.verify_threads(cases, 2),
            "sign_one" => {
                let (key, mut next) = (PrivateKey::from_bytes(&signer.scalar).unwrap(), in_turn(cases));
                Box::new(move || {
                    black_box(key.sign(&self.user_id, &cases[next()].message).unwrap());
                    1
                })
            }
            "sign_batch" => {
                let key = PrivateKey::from_bytes(&signer.scalar).unwrap();
                Box::new(move || {
                    let order =
                        |case: &'a Case| Order { key: &key, user_id: &self.user_id, message: &case.message };
                    let orders: Vec<_> = cases.iter().map(order).collect();
                    sign_batch(&orders).unwrap().len() as u64
                })
            }
            "sm3_stream" => digests(1 << 20, |data| {
                black_box(sm3::digest(data));
            }),
            "sm3_lanes" => digests(16 * (16 << 10), |data| {
                let messages: Vec<&[u8]> = data.chunks(16 << 10).collect();
                black_box(sm3::digest_batch(&messages));
            }),
            "sm3_tree" => digests(64 << 20, |data| {
                black_box(sm3::tree::root(data));
            }),
            _ => return None,
        })
    }
}

impl Sogov {
    fn verify_one<'a>(&'a self, cases: &'a [Case]) -> Turn<'a> {
        let (keys, prepared, mut next) = (decode_all(cases), prepare_all(cases), in_turn(cases));
        Box::new(move || {
            let i = next();
            let signature = signature(&cases[i]).unwrap();
            accepted(&[prepared.verify(&self.claim(&keys[i], &signature, &cases[i]))])
        })
    }

    fn verify_one_new_key<'a>(&'a self, cases: &'a [Case]) -> Turn<'a> {
        let (unprepared, mut next) = (PreparedKeys::new(0), in_turn(cases));
        Box::new(move || {
            let case = &cases[next()];
            let (key, signature) = (decode(case).unwrap(), signature(case).unwrap());
            accepted(&[unprepared.verify(&self.claim(&key, &signature, case))])
        })
    }

    fn verify_batch<'a>(&'a self, cases: &'a [Case]) -> Turn<'a> {
        let (keys, prepared) = (decode_all(cases), prepare_all(cases));
        Box::new(move || self.accept_batch(&prepared, &keys, cases))
    }

    fn verify_batch_new_key<'a>(&'a self, cases: &'a [Case]) -> Turn<'a> {
        let unprepared = PreparedKeys::new(0);
        Box::new(move || self.accept_batch(&unprepared, &decode_all(cases), cases))
    }

    /// Threads that verify batches with the same prepared keys, each on a processor of its own.
    fn verify_threads<'a>(&'a self, cases: &'a [Case], threads: usize) -> Turn<'a> {
        let (keys, prepared) = (decode_all(cases), prepare_all(cases));
        let on_thread = move |processor| {
            pin(processor);
            let (mut units, begin) = (0, Instant::now());
            while begin.elapsed() < THREADS_TURN {
                units += self.accept_batch(&prepared, &keys, cases);
            }
            units
        };
        Box::new(move || {
            std::thread::scope(|scope| {
                let on_thread = &on_thread;
                let running: Vec<_> = (0..threads).map(|i| scope.spawn(move || on_thread(i))).collect();
                running.into_iter().map(|thread| thread.join().unwrap()).sum()
            })
        })
    }

    fn accept_batch(&self, with: &PreparedKeys, keys: &[PublicKey], cases: &[Case]) -> u64 {
        let signatures: Vec<Signature> = cases.iter().map(|case| signature(case).unwrap()).collect();
        let parts = keys.iter().zip(&signatures).zip(cases);
        let claims: Vec<_> = parts.map(|((key, signature), case)| self.claim(key, signature, case)).collect();
        accepted(&with.verify_batch(&claims))
    }

    fn claim<'a>(&'a self, key: &'a PublicKey, signature: &'a Signature, case: &'a Case) -> Claim<'a> {
        Claim { key, user_id: &self.user_id, message: &case.message, signature }
    }
}

fn digests(len: usize, digest: fn(&[u8])) -> Turn<'static> {
    let data = sample(len);
    Box::new(move || {
        digest(&data);
        data.len() as u64
    })
}

fn prepare_all(cases: &[Case]) -> PreparedKeys {
    let prepared = PreparedKeys::new(TABLES);
    for key in decode_all(cases) {
        prepared.prepare(&key);
    }
    prepared
}

fn decode_all(cases: &[Case]) -> Vec<PublicKey> {
    cases.iter().map(|case| decode(case).unwrap()).collect()
}

fn decode(case: &Case) -> Option<PublicKey> {
    PublicKey::from_encoded(&case.spki).ok()
}

fn signature(case: &Case) -> Option<Signature> {
    Signature::from_bytes(&case.signature).ok()
}

/// The units, for signatures that are good as they have to be.
fn accepted(verdicts: &[bool]) -> u64 {
    assert!(verdicts.iter().all(|good| *good), "a good signature was refused");
    verdicts.len() as u64
}
