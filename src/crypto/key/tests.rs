//! Keys of every scheme from the files that people have.
#![forbid(unsafe_code)]

use super::*;
use crate::crypto::p256;
use crate::error::Status;

macro_rules! file {
    ($name:literal) => {
        include_bytes!(concat!("../../../tests/vectors/keys/", $name)).as_slice()
    };
}

static SCHEMES: Schemes = Schemes::new();

#[test]
fn the_encoding_says_the_scheme() {
    let scheme = |file: &[u8]| PrivateKey::from_encoded(file, Some(b"secret")).unwrap().scheme();
    assert_eq!(scheme(file!("p256.pem")), Scheme::EcdsaP256);
    for file in [file!("pkcs8.pem"), file!("sec1.der"), file!("sec1_sm2_label.pem"), file!("encrypted.der")] {
        assert_eq!(scheme(file), Scheme::Sm2Sm3);
    }
    let public = PublicKey::from_encoded(file!("p256_spki.pem")).unwrap();
    assert_eq!(public.scheme(), Scheme::EcdsaP256);
    assert_eq!(PublicKey::from_encoded(file!("spki.pem")).unwrap().scheme(), Scheme::Sm2Sm3);
    assert_eq!(PublicKey::from_encoded(public.to_pem().as_bytes()), Ok(public));
}

#[test]
fn p256_keys_go_through_every_form() {
    let key = PrivateKey::from_encoded(file!("p256.pem"), None).unwrap();
    let PrivateKey::P256(p256) = &key else { panic!("expected P-256") };
    let same = |file: &[u8], password: Option<&[u8]>| match PrivateKey::from_encoded(file, password).unwrap()
    {
        PrivateKey::P256(read) => read.to_bytes().unwrap() == p256.to_bytes().unwrap(),
        PrivateKey::Sm2(_) => false,
    };
    assert!(same(&key.to_pkcs8_der().unwrap(), None));
    assert!(same(key.to_pkcs8_pem().unwrap().as_bytes(), None));
    let encrypted = encoding_of(p256);
    assert!(same(encrypted.as_bytes(), Some(b"secret")));
    assert_eq!(
        PrivateKey::from_encoded(encrypted.as_bytes(), Some(b"other")).unwrap_err().status(),
        Status::KeyInvalid
    );
}

fn encoding_of(key: &p256::PrivateKey) -> zeroize::Zeroizing<String> {
    crate::crypto::encoding::pkcs8_encrypted_pem(key, b"secret", 1000).unwrap()
}

#[test]
fn other_algorithms_are_named() {
    for (file, why) in [(file!("ed25519.pem"), "Ed25519"), (file!("explicit.pem"), "explicit parameters")] {
        let error = PrivateKey::from_encoded(file, None).unwrap_err();
        assert_eq!(error.status(), Status::KeyInvalid);
        assert!(error.message().contains(why), "{error}");
    }
    assert_eq!(PublicKey::from_encoded(file!("p256.pem")).unwrap_err().status(), Status::KeyInvalid);
}

#[test]
fn every_kind_signs_and_verifies_by_its_scheme() {
    let id = UserId::default();
    let keys = [
        Key::Private(PrivateKey::generate(Scheme::Sm2Sm3).unwrap()),
        Key::Private(PrivateKey::generate(Scheme::EcdsaP256).unwrap()),
        Key::Secret(SecretKey::generate().unwrap()),
    ];
    for (i, key) in keys.iter().enumerate() {
        let signature = key.sign(&SCHEMES, &id, b"message").unwrap();
        for (j, other) in keys.iter().enumerate() {
            assert_eq!(other.verify(&SCHEMES, &id, b"message", &signature).is_ok(), i == j);
        }
    }
    for scheme in [Scheme::RsaPssSha512, Scheme::HmacSha256, Scheme::from_name("x-a").unwrap()] {
        assert_eq!(PrivateKey::generate(scheme).unwrap_err().status(), Status::Unsupported);
    }
    assert!(keys[2].public_key().is_err());
    assert!(keys[2].with_signer(&SCHEMES, |_| Ok(())).is_err());
}
