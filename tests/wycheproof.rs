//! Wycheproof's published cases (`tests/vectors/wycheproof`), each file in full.
#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a malformed vector file fails the test")]

use serde_json::Value;
use sogov::crypto::envelope::{Cipher, NONCE_LEN};
use sogov::crypto::hmac::{SecretKey, TAG_LEN};
use sogov::crypto::key::PublicKey;
use sogov::crypto::rsa;
use sogov::crypto::scheme::{Scheme, Schemes};
use sogov::crypto::sm2::UserId;
use sogov::error::{Result, Status};
use std::path::Path;

#[test]
fn ecdsa_p256_as_r_and_s() {
    let run = each("ecdsa_secp256r1_sha256_p1363_test.json", |group, test| {
        let key = public_key(group, Scheme::EcdsaP256);
        expect(test, verify(&key, test, &bytes(test, "sig")), valid(test));
    });
    assert_eq!(run, 262);
}

/// Wycheproof calls every encoding invalid that is not strict DER, as does the standard of the border.
#[test]
fn ecdsa_p256_as_der() {
    let run = each("ecdsa_secp256r1_sha256_test.json", |group, test| {
        let key = public_key(group, Scheme::EcdsaP256);
        let signature = Scheme::EcdsaP256.signature_from_der(&bytes(test, "sig"));
        expect(test, signature.and_then(|signature| verify(&key, test, &signature)), valid(test));
    });
    assert_eq!(run, 484);
}

#[test]
fn rsa_pss_sha512_with_a_salt_of_64_bytes() {
    let run = each("rsa_pss_4096_sha512_mgf1_64_test.json", |group, test| {
        let key = public_key(group, Scheme::RsaPssSha512);
        expect(test, verify(&key, test, &bytes(test, "sig")), valid(test));
    });
    assert_eq!(run, 179);
}

/// Signatures that are good under other parameters are none under this scheme: another salt, another digest.
#[test]
fn rsa_pss_with_other_parameters_is_refused() {
    for (file, count) in
        [("rsa_pss_4096_sha512_mgf1_32_test.json", 177), ("rsa_pss_3072_sha256_mgf1_32_test.json", 108)]
    {
        let run = each(file, |group, test| {
            let key = public_key(group, Scheme::RsaPssSha512);
            expect(test, verify(&key, test, &bytes(test, "sig")), false);
        });
        assert_eq!(run, count);
    }
}

/// Codes are 32 bytes: those that were cut to 16 are refused, the good ones among them.
#[test]
fn hmac_sha256() {
    let run = each("hmac_sha256_test.json", |_, test| {
        let key = SecretKey::from_bytes(&bytes(test, "key")).unwrap();
        let tag = bytes(test, "tag");
        expect(test, key.verify(&bytes(test, "msg"), &tag), valid(test) && tag.len() == TAG_LEN);
        let whole = key.sign(&bytes(test, "msg")).unwrap();
        assert_eq!(whole.starts_with(&tag), valid(test), "{test}");
    });
    assert_eq!(run, 174);
}

/// Only keys of 256 bits, nonces of 96 and the empty label are used here: the rest of the files is counted and left.
#[test]
fn aes_256_gcm() {
    let mut run = 0;
    let all = each("aes_gcm_test.json", |group, test| run += gcm(Cipher::Aes256Gcm, group, test));
    assert_eq!((all, run), (316, 66));
}

#[test]
fn sm4_gcm() {
    let mut run = 0;
    let all = each("sm4_gcm_test.json", |group, test| run += gcm(Cipher::Sm4Gcm, group, test));
    assert_eq!((all, run), (104, 65));
}

/// 1 if the cipher takes a case's parameters.
fn gcm(cipher: Cipher, group: &Value, test: &Value) -> u64 {
    let (key, nonce) = (bytes(test, "key"), bytes(test, "iv"));
    assert_eq!(group["tagSize"], 128);
    let Ok(nonce) = <[u8; NONCE_LEN]>::try_from(nonce) else { return 0 };
    if key.len() != cipher.key_len() {
        return 0;
    }
    let (associated, message) = (bytes(test, "aad"), bytes(test, "msg"));
    let (ciphertext, tag) = (bytes(test, "ct"), bytes(test, "tag").try_into().unwrap());
    let mut buffer = ciphertext.clone();
    match cipher.decrypt(&key, &nonce, &associated, &mut buffer, &tag) {
        Ok(()) => assert!(valid(test) && buffer == message, "{test}"),
        Err(e) => {
            assert!(!valid(test), "{test}");
            assert_eq!(e.status(), Status::PackageInvalid);
            assert_eq!(buffer, ciphertext, "no plaintext before the tag");
        }
    }
    if valid(test) {
        let mut buffer = message;
        assert_eq!(cipher.encrypt(&key, &nonce, &associated, &mut buffer).unwrap(), tag);
        assert_eq!(buffer, ciphertext);
    }
    1
}

/// A message comes out where there is one of the length that is asked for, under the empty label; otherwise as many random
/// bytes. A message of no bytes cannot be told from that.
#[test]
fn rsa_oaep_3072_sha256() {
    let run = each("rsa_oaep_3072_sha256_mgf1sha256_test.json", |group, test| {
        let key = rsa::PrivateKey::from_pkcs8(&bytes(group, "privateKeyPkcs8")).unwrap();
        let (message, ciphertext) = (bytes(test, "msg"), bytes(test, "ct"));
        let found = key.decrypt_oaep(&ciphertext, message.len()).unwrap();
        let expected = valid(test) && test["label"] == "" || message.is_empty();
        assert_eq!(*found == message, expected, "{test}");
        assert_ne!(*key.decrypt_oaep(&ciphertext, 33).unwrap(), message, "of another length");
    });
    assert_eq!(run, 37);
}

fn verify(key: &PublicKey, test: &Value, signature: &[u8]) -> Result<()> {
    key.verify(&Schemes::new(), &UserId::default(), &bytes(test, "msg"), signature)
}

/// The group's key, whose scheme its encoding says.
fn public_key(group: &Value, scheme: Scheme) -> PublicKey {
    let key = PublicKey::from_encoded(&bytes(group, "publicKeyDer")).unwrap();
    assert_eq!(key.scheme(), scheme);
    assert_eq!(key.to_der(), bytes(group, "publicKeyDer"), "its encoding is the canonical one");
    assert_eq!(PublicKey::from_encoded(group["publicKeyPem"].as_str().unwrap().as_bytes()).unwrap(), key);
    key
}

#[track_caller]
fn expect(test: &Value, found: Result<()>, valid: bool) {
    match found {
        Ok(()) => assert!(valid, "was accepted: {test}"),
        Err(e) => {
            assert!(!valid, "{e}: {test}");
            assert_eq!(e.status(), Status::SignatureInvalid, "{test}");
        }
    }
}

fn valid(test: &Value) -> bool {
    match test["result"].as_str().unwrap() {
        "valid" => true,
        "invalid" => false,
        other => panic!("expected valid or invalid, found {other}"),
    }
}

/// Runs every case of a file and answers how many there were.
fn each(file: &str, mut run: impl FnMut(&Value, &Value)) -> u64 {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors/wycheproof").join(file);
    let vectors: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    let mut count = 0;
    for group in vectors["testGroups"].as_array().unwrap() {
        for test in group["tests"].as_array().unwrap() {
            run(group, test);
            count += 1;
        }
    }
    assert_eq!(count, vectors["numberOfTests"].as_u64().unwrap());
    count
}

fn bytes(value: &Value, field: &str) -> Vec<u8> {
    let hex = value[field].as_str().unwrap();
    (0..hex.len()).step_by(2).map(|i| u8::from_str_radix(&hex[i..i + 2], 16).unwrap()).collect()
}
