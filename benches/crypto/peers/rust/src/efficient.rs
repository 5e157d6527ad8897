//! `efficient-sm2`, through its functions on digests: those on messages compute Z with another crate, slowly.

use crate::driver::{Case, Peer, Signer, Turn, in_turn};
use crate::{USER_ID, accepted, point};
use efficient_sm2::{DefaultRand, KeyPair, PublicKey, Signature};
use sm3::{Digest as _, Sm3};
use std::hint::black_box;

pub struct Efficient;

impl Peer for Efficient {
    /// It asserts what it does not check: a panic is a refusal.
    fn check(&self, cases: &[Case]) -> Vec<bool> {
        std::panic::set_hook(Box::new(|_| {}));
        let verify = |case: &Case| std::panic::catch_unwind(|| Verifier::new(&case.spki).verify(case));
        let verdicts = cases.iter().map(|case| verify(case).unwrap_or(false)).collect();
        drop(std::panic::take_hook());
        verdicts
    }

    fn sign(&self, signer: &Signer, message: &[u8]) -> Vec<u8> {
        let signature = Private::new(signer).sign(message);
        [signature.r(), signature.s()].concat()
    }

    fn digest(&self, message: &[u8]) -> [u8; 32] {
        Sm3::digest(message).into()
    }

    fn operation<'a>(&'a self, name: &str, cases: &'a [Case], signer: &'a Signer) -> Option<Turn<'a>> {
        let mut next = in_turn(cases);
        Some(match name {
            "verify_one" => {
                let keys: Vec<_> = cases.iter().map(|case| Verifier::new(&case.spki)).collect();
                Box::new(move || {
                    let i = next();
                    accepted(keys[i].verify(&cases[i]))
                })
            }
            "verify_one_new_key" => Box::new(move || {
                let case = &cases[next()];
                accepted(Verifier::new(&case.spki).verify(case))
            }),
            "sign_one" => {
                let key = Private::new(signer);
                Box::new(move || {
                    black_box(key.sign(&cases[next()].message));
                    1
                })
            }
            _ => return None,
        })
    }
}

struct Verifier {
    key: PublicKey,
    z: [u8; 32],
}

impl Verifier {
    fn new(spki: &[u8]) -> Self {
        let point = point(spki);
        Self { key: PublicKey::from_slice(&point[1..]), z: z(&point[1..]) }
    }

    fn verify(&self, case: &Case) -> bool {
        Signature::from_slice(&case.signature)
            .is_ok_and(|signature| signature.verify_digest(&self.key, &e(&self.z, &case.message)).is_ok())
    }
}

struct Private {
    pair: KeyPair,
    z: [u8; 32],
}

impl Private {
    fn new(signer: &Signer) -> Self {
        let pair = KeyPair::new(&signer.scalar).unwrap();
        let z = z(&pair.public_key().bytes_less_safe()[1..]);
        Self { pair, z }
    }

    fn sign(&self, message: &[u8]) -> Signature {
        self.pair.sign_digest(&mut DefaultRand(rand::rng()), &e(&self.z, message)).unwrap()
    }
}

/// SM3(ENTL || ID || a || b || x_G || y_G || x || y), the bits of the curve in hexadecimal from GB/T 32918.5-2017.
fn z(coordinates: &[u8]) -> [u8; 32] {
    const CURVE: &str = "FFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF00000000FFFFFFFFFFFFFFFC\
                         28E9FA9E9D9F5E344D5A9E4BCF6509A7F39789F515AB8F92DDBCBD414D940E93\
                         32C4AE2C1F1981195F9904466A39C9948FE30BBFF2660BE1715A4589334C74C7\
                         BC3736A2F4F6779C59BDCEE36B692153D0A9877CC62A474002DF32E52139F0A0";
    let entl = (USER_ID.len() as u16 * 8).to_be_bytes();
    let parts = [&entl, USER_ID.as_bytes(), &crate::driver::unhex(CURVE), coordinates];
    parts.iter().fold(Sm3::new(), |hash, part| hash.chain_update(part)).finalize().into()
}

fn e(z: &[u8; 32], message: &[u8]) -> [u8; 32] {
    Sm3::new().chain_update(z).chain_update(message).finalize().into()
}
