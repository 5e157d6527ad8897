//! Plugins, trust documents and messages under every scheme: with OpenSSL on the other side, with the finance profile, and while
//! keys are changed for others.
#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails")]

mod support;

use sogov::crypto::hmac::SecretKey;
use sogov::crypto::key::{
    Key, PrivateKey, PublicKey, RegisteredKey, RegisteredPair, RegisteredSigner, Signer,
};
use sogov::crypto::scheme::{Implementation, Scheme, SchemeName};
use sogov::crypto::sm2::UserId;
use sogov::crypto::sm3;
use sogov::engine::{Engine, FileFacts, FileSigner, LoadOptions, schemes, sign_trust_document, verify_by};
use sogov::error::{Error, Status};
use sogov::timestamp;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use support::keys::{OpensslRsa, generate, openssl, put, record, trust};
use support::{TempDir, Trust, fee};

const DAY: u64 = 86_400;

#[test]
fn p256_keys_and_signatures_of_openssl_are_read() {
    let dir = TempDir::new();
    openssl(&dir, "genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out key.pem");
    openssl(&dir, "pkcs8 -topk8 -v2 aes-256-cbc -in key.pem -passout pass:secret -out encrypted.pem");
    openssl(&dir, "pkcs8 -topk8 -nocrypt -in key.pem -outform DER -out key.der");
    openssl(&dir, "ec -in key.pem -out sec1.pem");
    openssl(&dir, "ec -in key.pem -outform DER -out sec1.der");
    openssl(&dir, "ec -in key.pem -pubout -conv_form compressed -out public.pem");
    let read = |name: &str| fs::read(dir.path().join(name)).unwrap();
    let public = PublicKey::from_encoded(&read("public.pem")).unwrap();
    for name in ["key.pem", "encrypted.pem", "key.der", "sec1.pem", "sec1.der"] {
        let key = PrivateKey::from_encoded(&read(name), Some(b"secret")).unwrap();
        assert_eq!((key.scheme(), key.public_key()), (Scheme::EcdsaP256, public.clone()), "{name}");
    }
    fs::write(dir.path().join("message"), b"message").unwrap();
    openssl(&dir, "dgst -sha256 -sign key.pem -out signature message");
    let signature = Scheme::EcdsaP256.signature_from_der(&read("signature")).unwrap();
    assert_eq!(verify(&public, b"message", &signature), Ok(()));
    assert_eq!(verify(&public, b"another", &signature), Err(Status::SignatureInvalid));
}

#[test]
fn p256_keys_and_signatures_are_read_by_openssl() {
    let (dir, key) = (TempDir::new(), generate(Scheme::EcdsaP256));
    let write = |name: &str, bytes: &[u8]| fs::write(dir.path().join(name), bytes).unwrap();
    write("key.pem", key.to_pkcs8_pem().unwrap().as_bytes());
    write("key.der", &key.to_pkcs8_der().unwrap());
    write("encrypted.pem", key.to_pkcs8_encrypted_pem(b"secret").unwrap().as_bytes());
    write("public.pem", key.public_key().to_pem().as_bytes());
    for from in ["-in key.pem", "-in key.der -inform DER", "-in encrypted.pem -passin pass:secret"] {
        openssl(&dir, &format!("pkey {from} -pubout -outform DER -out out.der"));
        assert_eq!(fs::read(dir.path().join("out.der")).unwrap(), key.public_key().to_der(), "{from}");
    }
    let signature = key.sign(&UserId::default(), b"message").unwrap();
    write("message", b"message");
    write("signature", &Scheme::EcdsaP256.signature_to_der(&signature).unwrap());
    openssl(&dir, "dgst -sha256 -verify public.pem -signature signature message");
}

#[test]
fn rsa_and_hmac_of_openssl_verify() {
    let rsa = OpensslRsa::generate(3072);
    let signature = rsa.sign(&UserId::default(), b"message").unwrap();
    assert_eq!(verify(&rsa.public_key(), b"message", &signature), Ok(()));
    assert_eq!(verify(&rsa.public_key(), b"another", &signature), Err(Status::SignatureInvalid));

    let dir = TempDir::new();
    let secret = SecretKey::from_bytes(&[0xa5; 32]).unwrap();
    let hex = "a5".repeat(32);
    fs::write(dir.path().join("message"), b"message").unwrap();
    openssl(&dir, &format!("dgst -sha256 -mac HMAC -macopt hexkey:{hex} -binary -out code message"));
    let code = fs::read(dir.path().join("code")).unwrap();
    assert_eq!(verify_by(&Key::Secret(secret), &UserId::default(), b"message", &code), Ok(()));
}

#[test]
fn a_plugin_is_loaded_under_every_scheme_that_vouches() {
    let (sm2, p256, rsa) =
        (generate(Scheme::Sm2Sm3), generate(Scheme::EcdsaP256), OpensslRsa::generate(3072));
    for signer in [&sm2 as &dyn Signer, &p256, &rsa] {
        let trust = trust(&[&signer.public_key()], "");
        let signed = sign(&trust, &[signer]);
        let engine = Engine::open(trust.options()).unwrap();
        engine.load_versioned("fee", "v1", &signed, &LoadOptions::default()).unwrap();
    }
}

#[test]
fn a_root_key_may_be_of_every_scheme_that_vouches() {
    let (p256, rsa) = (generate(Scheme::EcdsaP256), OpensslRsa::generate(3072));
    for root in [&p256 as &dyn Signer, &rsa] {
        let release = generate(Scheme::Sm2Sm3);
        let trust = trust(&[&release.public_key()], "");
        put(trust.path(), &root.public_key());
        sign_trust_document(root, trust.path()).unwrap();
        let mut options = trust.options();
        options.root_key_ids = vec![root.public_key().key_id()];
        let signed = sign(&trust, &[&release]);
        let engine = Engine::open(options).unwrap();
        engine.verify_file("fee", Some("v1"), &signed, &LoadOptions::default()).unwrap();
    }
}

/// `c_examples/trust/finance.json`: SM2 and one international signature.
#[test]
fn the_finance_profile_wants_sm2_and_an_international_signature() {
    let (sm2, p256, rsa) =
        (generate(Scheme::Sm2Sm3), generate(Scheme::EcdsaP256), OpensslRsa::generate(3072));
    let keys = [sm2.public_key(), p256.public_key(), rsa.public_key()];
    let trust = trust(&keys.each_ref(), "");
    let mut profile =
        fs::read_to_string(Path::new(support::ROOT).join("c_examples/trust/finance.json")).unwrap();
    for (digit, key) in ["1", "2", "3"].iter().zip(&keys) {
        profile = profile.replace(&format!("sm3:{}", digit.repeat(64)), &key.key_id().to_string());
    }
    trust.write(&profile);
    let verdict = |signers: &[&dyn Signer]| status(&trust, &sign(&trust, signers));
    assert_eq!(verdict(&[&sm2, &p256]), Ok(()));
    assert_eq!(verdict(&[&sm2, &rsa]), Ok(()));
    assert_eq!(verdict(&[&sm2, &p256, &rsa]), Ok(()));
    assert_eq!(verdict(&[&p256, &rsa]), Err(Status::UntrustedKey), "two international ones are no SM2");
    assert_eq!(verdict(&[&sm2]), Err(Status::UntrustedKey));
    assert_eq!(verdict(&[&p256]), Err(Status::UntrustedKey));
}

#[test]
fn a_document_that_asks_for_nonsense_is_refused() {
    let key = generate(Scheme::Sm2Sm3).public_key();
    let trust = trust(&[&key], "");
    let refused = |schemes: &str, part: &str| {
        let rule = format!(r#"{{"name":"*","schemes":{schemes}}}"#);
        trust.write(&Trust::document(&record(&key, ""), &rule));
        let error = Engine::open(trust.options()).unwrap_err();
        assert_eq!(error.status(), Status::TrustInvalid, "{error}");
        assert!(error.message().contains(part), "{error}");
    };
    refused("[[]]", "at least one scheme");
    refused(r#"[["sm2-sm3"],["sm2-sm3","ecdsa-p256"]]"#, "found sm2-sm3 twice");
    refused(r#"[["hmac-sha256"]]"#, "every verifier can make");
    refused(r#"[["x-unnamed"]]"#, "to be named there");
    refused(r#"[["rot13"]]"#, "expected one of sm2-sm3");
}

/// A key is followed by another while the engine runs: both count while they overlap, the old one until its end.
#[test]
fn keys_of_every_scheme_are_changed_without_a_restart() {
    let (p256, next_p256) = (generate(Scheme::EcdsaP256), generate(Scheme::EcdsaP256));
    let (sm2, next_sm2) = (generate(Scheme::Sm2Sm3), generate(Scheme::Sm2Sm3));
    let (rsa, next_rsa) = (OpensslRsa::generate(3072), OpensslRsa::generate(3072));
    let name = SchemeName::new("x-changed").unwrap();
    schemes().register(name, 204, &(Arc::new(Salted) as Arc<dyn Implementation>)).unwrap();
    let pair = |key: &[u8]| RegisteredPair::new(RegisteredKey::new(name, key).unwrap(), key).unwrap();
    let (own, next_own) = (pair(b"old"), pair(b"new"));
    let own = RegisteredSigner { pair: &own, schemes: schemes() };
    let next_own = RegisteredSigner { pair: &next_own, schemes: schemes() };
    let changes: [(&dyn Signer, &dyn Signer); 4] =
        [(&p256, &next_p256), (&sm2, &next_sm2), (&rsa, &next_rsa), (&own, &next_own)];
    for (old, new) in changes {
        let trust = Trust::new();
        put(trust.path(), &old.public_key());
        put(trust.path(), &new.public_key());
        let (by_old, by_new) = (sign(&trust, &[old]), sign(&trust, &[new]));
        let engine = Engine::open(trust.options()).unwrap();
        let verdicts = || {
            [&by_old, &by_new].map(|path| {
                engine
                    .verify_file("fee", Some("v1"), path, &LoadOptions::default())
                    .map(drop)
                    .map_err(|e| e.status())
            })
        };
        let now = timestamp::now();
        let period = |key: &dyn Signer, field: &str, time: u64| {
            record(&key.public_key(), &format!(r#","{field}":"{}""#, timestamp::format(time)))
        };
        let write = |records: &[String]| {
            let document = Trust::document(&records.join(","), r#"{"name":"*"}"#);
            trust.write(&document.replacen('{', r#"{"registered_schemes":["x-changed"],"#, 1));
        };

        write(&[period(old, "not_after", now + DAY), period(new, "not_before", now + DAY)]);
        assert_eq!(verdicts(), [Ok(()), Err(Status::NotYetValid)], "before the change");
        write(&[period(old, "not_after", now + DAY), period(new, "not_before", now - DAY)]);
        assert_eq!(verdicts(), [Ok(()), Ok(())], "while they overlap");
        write(&[period(old, "not_after", now - DAY), period(new, "not_before", now - DAY)]);
        assert_eq!(verdicts(), [Err(Status::Expired), Ok(())], "after the old one's end");
        write(&[period(new, "not_before", now - DAY)]);
        assert_eq!(verdicts(), [Err(Status::UntrustedKey), Ok(())], "when it is forgotten");
    }
}

/// A scheme of the host's: the digest of key and message.
struct Salted;

impl Implementation for Salted {
    fn verify(&self, key: &[u8], message: &[u8], signature: &[u8]) -> bool {
        signature == sm3::digest(&[key, message].concat())
    }

    fn sign(&self, key: &[u8], message: &[u8]) -> Result<Vec<u8>, Error> {
        Ok(sm3::digest(&[key, message].concat()).to_vec())
    }
}

fn verify(key: &PublicKey, message: &[u8], signature: &[u8]) -> Result<(), Status> {
    key.verify(schemes(), &UserId::default(), message, signature).map_err(|e| e.status())
}

/// The fee plugin, signed by all of these.
fn sign(trust: &Trust, signers: &[&dyn Signer]) -> PathBuf {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let target = trust.path().join(format!("signed-{}.so", NEXT.fetch_add(1, Ordering::Relaxed)));
    let facts = FileFacts { service: "fee".into(), version: "v1".into(), epoch: 1, ..FileFacts::default() };
    for (index, key) in signers.iter().enumerate() {
        let signer = FileSigner { key: *key, user_id: &UserId::default() };
        if index == 0 {
            signer.sign(&fee("v1"), &target, &facts).unwrap();
        } else {
            signer.add_signature(&target).unwrap();
        }
    }
    target
}

fn status(trust: &Trust, path: &Path) -> Result<(), Status> {
    let engine = Engine::open(trust.options()).unwrap();
    engine.verify_file("fee", Some("v1"), path, &LoadOptions::default()).map(drop).map_err(|e| e.status())
}
