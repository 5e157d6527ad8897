//! Runs the shared vectors of `tests/vectors` against the crate.
#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a malformed vector file fails the test")]

use serde_json::Value;
use sogov::crypto::sm2::{Claim, PreparedKeys, PrivateKey, PublicKey, Signature, UserId};
use sogov::crypto::sm3::{self, tree};
use sogov::error::{Result, Status};

#[test]
fn sm2_signatures() {
    let vectors = read("sm2_sign.json");
    assert_eq!(signatures(array(&vectors, "testGroups").iter()), vectors["numberOfTests"]);
}

#[test]
fn sm2_wycheproof() {
    let vectors = read("sm2_wycheproof.json");
    let groups = |kind: &'static str| {
        array(&vectors, "testGroups").iter().filter(move |group| text(group, "type") == kind)
    };
    let tests = |kind| groups(kind).flat_map(|group| array(group, "tests"));
    let mut run = signatures(groups("Sm2Verify"));
    for test in tests("Sm2Point") {
        let point = bytes(test, "encoded");
        // The algorithm of SubjectPublicKeyInfo, as every group's key begins.
        let prefix = "301306072a8648ce3d020106082a811ccf5501822d";
        let algorithm =
            (0..prefix.len()).step_by(2).map(|i| u8::from_str_radix(&prefix[i..i + 2], 16).unwrap());
        let length = |length: usize| u8::try_from(length).unwrap();
        let mut spki = vec![0x30, length(21 + 3 + point.len())];
        spki.extend(algorithm.chain([3, length(1 + point.len()), 0]).chain(point.iter().copied()));
        for key in [PublicKey::from_point(&point), PublicKey::from_encoded(&spki)] {
            expect(test, key.map(|key| PublicKey::from_point(key.as_point()).unwrap()), Status::KeyInvalid);
        }
        run += 1;
    }
    for test in tests("Sm2PrivateKey") {
        let key = PrivateKey::from_bytes(&bytes(test, "scalar"));
        if let Ok(key) = &key {
            assert_eq!(key.public_key().as_point().to_vec(), bytes(test, "point"), "{test}");
        }
        expect(test, key, Status::KeyInvalid);
        run += 1;
    }
    for test in tests("Sm2UserId") {
        let id = vec![0; usize::try_from(test["length"].as_u64().unwrap()).unwrap()];
        expect(test, UserId::new(&id), Status::InvalidArgument);
        run += 1;
    }
    assert_eq!(run, vectors["numberOfTests"]);
}

#[test]
fn sm2_published() {
    let vectors = read("sm2_published.json");
    for test in array(&vectors, "signatures") {
        let key = PrivateKey::from_bytes(&bytes(test, "private")).unwrap();
        let (id, message) = (UserId::new(&bytes(test, "user_id_hex")).unwrap(), bytes(test, "msg"));
        let signature = Signature::from_bytes(&bytes(test, "sig")).unwrap();
        expect(test, key.public_key().verify(&id, &message, &signature), Status::SignatureInvalid);
    }
    for test in array(&vectors, "other_curves") {
        assert!(PublicKey::from_point(&bytes(test, "point")).is_err(), "{test}");
    }
    let mut refused = 0;
    for test in array(&vectors, "multiples") {
        let point = bytes(test, "point");
        assert_eq!(PublicKey::from_point(&point).unwrap().as_point().to_vec(), point);
        match PrivateKey::from_bytes(&bytes(test, "scalar")) {
            Ok(key) => assert_eq!(key.public_key().as_point().to_vec(), point, "{test}"),
            Err(_) => refused += 1,
        }
    }
    assert_eq!(refused, 1, "n - 1 is no private key");
}

#[test]
fn sm3_digests() {
    let vectors = read("sm3.json");
    let tests = array(&vectors, "tests");
    let messages: Vec<_> = tests.iter().map(|test| bytes(test, "msg")).collect();
    let expected: Vec<_> = tests.iter().map(|test| bytes(test, "digest")).collect();
    for (message, expected) in messages.iter().zip(&expected) {
        assert_eq!(sm3::digest(message).to_vec(), *expected);
    }
    let inputs: Vec<_> = messages.iter().map(Vec::as_slice).collect();
    assert_eq!(sm3::digest_batch(&inputs).iter().map(|digest| digest.to_vec()).collect::<Vec<_>>(), expected);
    assert_eq!(tests.len(), vectors["numberOfTests"]);
}

/// Runs groups of signatures: each alone, and those that decode in batches under prepared and other keys. Answers how
/// many there were.
fn signatures<'a>(groups: impl Iterator<Item = &'a Value>) -> usize {
    let mut run = 0;
    for group in groups {
        let key = PublicKey::from_encoded(&bytes(&group["key"], "spki")).unwrap();
        let user_id = UserId::new(&bytes(group, "user_id_hex")).unwrap();
        let mut decoded = Vec::new();
        for test in array(group, "tests") {
            expect(test, verify(&key, &user_id, test), Status::SignatureInvalid);
            if let Ok(signature) = decode(test) {
                decoded.push((bytes(test, "msg"), signature, text(test, "result") == "valid"));
            }
            run += 1;
        }
        let claims: Vec<_> = decoded
            .iter()
            .map(|(message, signature, _)| Claim { key: &key, user_id: &user_id, message, signature })
            .collect();
        let expected: Vec<_> = decoded.iter().map(|(_, _, valid)| *valid).collect();
        let (prepared, once) = (PreparedKeys::new(PreparedKeys::TABLE_BYTES), PreparedKeys::new(0));
        prepared.prepare(&key);
        assert_eq!(prepared.verify_batch(&claims), expected);
        assert_eq!(once.verify_batch(&claims), expected);
    }
    run
}

/// Fails unless `found` is what the result of `test` says: fine, or refused with `status`.
fn expect<T: std::fmt::Debug>(test: &Value, found: Result<T>, status: Status) {
    let case = format!("{}: {}: {found:?}", test["tcId"], text(test, "comment"));
    match text(test, "result") {
        "valid" => assert!(found.is_ok(), "{case}"),
        "invalid" => assert_eq!(found.unwrap_err().status(), status, "{case}"),
        other => panic!("{case}: unknown result {other}"),
    }
}

#[test]
fn sm3_trees() {
    for test in array(&read("sm3_tree.json"), "tests") {
        assert_eq!(text(test, "pattern"), "byte i = i mod 251");
        let length = test["length"].as_u64().unwrap().try_into().unwrap();
        let data: Vec<u8> = (0..251).cycle().take(length).collect();
        assert_eq!(tree::root(&data).to_vec(), bytes(test, "root"), "{}", text(test, "comment"));
    }
}

/// Decodes the signature of `test` and verifies it; a valid one also has to encode to the same bytes.
fn verify(key: &PublicKey, user_id: &UserId, test: &Value) -> Result<()> {
    let signature = decode(test)?;
    let encoded = bytes(test, "sig");
    assert!(encoded == signature.as_bytes() || encoded == signature.to_der(), "{}", test["tcId"]);
    key.verify(user_id, &bytes(test, "msg"), &signature)
}

fn decode(test: &Value) -> Result<Signature> {
    let encoded = bytes(test, "sig");
    match text(test, "encoding") {
        "raw" => Signature::from_bytes(&encoded),
        "der" => Signature::from_der(&encoded),
        other => panic!("unknown encoding {other}"),
    }
}

fn read(name: &str) -> Value {
    let path = format!("{}/tests/vectors/{name}", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

fn array<'a>(value: &'a Value, field: &str) -> &'a [Value] {
    value[field].as_array().unwrap()
}

fn text<'a>(value: &'a Value, field: &str) -> &'a str {
    value[field].as_str().unwrap()
}

fn bytes(value: &Value, field: &str) -> Vec<u8> {
    let (pairs, rest) = text(value, field).as_bytes().as_chunks::<2>();
    assert!(rest.is_empty(), "{field}");
    pairs.iter().map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
}
