//! `tests/vectors/sm2_digest.json`: signatures over digests that no chosen message reaches, at each level.

use super::tests::{self, Level, verdicts};
use super::*;
use crate::crypto::sm2::PublicKey;
use crate::crypto::sm2::tests::unhex;
use serde_json::Value;

fn digests<L: Level>() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/vectors/sm2_digest.json");
    let vectors: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    let tests = vectors["tests"].as_array().unwrap();
    for test in tests {
        let bytes = |field: &str| unhex(test[field].as_str().unwrap());
        let key = PublicKey::from_encoded(&bytes("spki")).unwrap();
        let digest: Digest = bytes("digest").try_into().unwrap();
        let signature = Signature::from_bytes(&bytes("sig"));
        let equation = signature.ok().and_then(|signature| Equation::new(key.point(), &digest, &signature));
        let refused = Some([vec![false], vec![false]]);
        let Some(found) = equation.map_or(refused, |equation| verdicts::<L>(&[equation])) else { return };
        let expected = test["result"] == "valid";
        assert_eq!(found, [[expected], [expected]], "{}", test["comment"]);
    }
    assert!(tests.len() >= 24);
}

#[test]
fn digests_at_each_level() {
    digests::<tests::portable::This>();
    #[cfg(not(loom))]
    digests::<tests::emulated_lanes::This>();
    digests::<tests::lanes::This>();
    #[cfg(target_arch = "x86_64")]
    digests::<tests::adx::This>();
}
