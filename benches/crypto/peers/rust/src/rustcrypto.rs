//! RustCrypto's `sm2` and `sm3`.

use crate::driver::{Case, Peer, Signer, Turn, in_turn, sample};
use crate::{STREAM_LEN, USER_ID, accepted, point};
use sm2::dsa::signature::{Signer as _, Verifier as _};
use sm2::dsa::{Signature, SigningKey, VerifyingKey};
use sm3::{Digest as _, Sm3};
use std::hint::black_box;

pub struct RustCrypto;

impl Peer for RustCrypto {
    fn check(&self, cases: &[Case]) -> Vec<bool> {
        cases.iter().map(verify_new_key).collect()
    }

    fn sign(&self, signer: &Signer, message: &[u8]) -> Vec<u8> {
        let signature: Signature = signing_key(signer).sign(message);
        signature.to_bytes().to_vec()
    }

    fn digest(&self, message: &[u8]) -> [u8; 32] {
        Sm3::digest(message).into()
    }

    fn operation<'a>(&'a self, name: &str, cases: &'a [Case], signer: &'a Signer) -> Option<Turn<'a>> {
        let mut next = in_turn(cases);
        Some(match name {
            "verify_one" => {
                let keys: Vec<_> =
                    cases.iter().map(|case| VerifyingKey::from_sec1_bytes(USER_ID, point(&case.spki)).unwrap()).collect();
                Box::new(move || {
                    let i = next();
                    accepted(verify(&keys[i], &cases[i]))
                })
            }
            "verify_one_new_key" => Box::new(move || accepted(verify_new_key(&cases[next()]))),
            "sign_one" => {
                let key = signing_key(signer);
                Box::new(move || {
                    let signature: Signature = key.sign(&cases[next()].message);
                    black_box(signature);
                    1
                })
            }
            "sm3_stream" => {
                let data = sample(STREAM_LEN);
                Box::new(move || {
                    black_box(Sm3::digest(&data));
                    STREAM_LEN as u64
                })
            }
            _ => return None,
        })
    }
}

fn verify_new_key(case: &Case) -> bool {
    VerifyingKey::from_sec1_bytes(USER_ID, point(&case.spki)).is_ok_and(|key| verify(&key, case))
}

fn verify(key: &VerifyingKey, case: &Case) -> bool {
    Signature::from_slice(&case.signature).is_ok_and(|signature| key.verify(&case.message, &signature).is_ok())
}

fn signing_key(signer: &Signer) -> SigningKey {
    SigningKey::from_slice(USER_ID, &signer.scalar).unwrap()
}
