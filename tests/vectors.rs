//! Runs the shared vectors of `tests/vectors` against the crate.
#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a malformed vector file fails the test")]

use serde_json::Value;
use sogov::crypto::sm2::{PublicKey, Signature, UserId};
use sogov::crypto::sm3::tree;
use sogov::error::{Result, Status};

#[test]
fn sm2_signatures() {
    let vectors = read("sm2_sign.json");
    let mut run = 0;
    for group in array(&vectors, "testGroups") {
        let key = PublicKey::from_encoded(&bytes(&group["key"], "spki")).unwrap();
        let user_id = UserId::new(&bytes(group, "user_id_hex")).unwrap();
        for test in array(group, "tests") {
            let result = verify(&key, &user_id, test);
            let case = format!("{}: {}: {result:?}", test["tcId"], text(test, "comment"));
            match text(test, "result") {
                "valid" => assert!(result.is_ok(), "{case}"),
                "invalid" => assert_eq!(result.unwrap_err().status(), Status::SignatureInvalid, "{case}"),
                other => panic!("{case}: unknown result {other}"),
            }
            run += 1;
        }
    }
    assert_eq!(run, vectors["numberOfTests"]);
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
    let (message, encoded) = (bytes(test, "msg"), bytes(test, "sig"));
    let signature = match text(test, "encoding") {
        "raw" => Signature::from_bytes(&encoded)?,
        "der" => Signature::from_der(&encoded)?,
        other => panic!("unknown encoding {other}"),
    };
    assert!(encoded == signature.as_bytes() || encoded == signature.to_der(), "{}", test["tcId"]);
    key.verify(user_id, &message, &signature)
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
