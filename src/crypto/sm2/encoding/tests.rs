//! The key files of `tests/vectors/keys` (its README says how each was made), and broken ones.
#![forbid(unsafe_code)]

use super::*;
use crate::crypto::asn1::{BIT_STRING, EXPLICIT_1, INTEGER, OCTET_STRING, SEQUENCE, tlv};
use crate::crypto::encoding::{MAX_FILE_LEN, algorithm, pem};
use crate::crypto::key_id::KeyId;
use crate::error::Status;

macro_rules! file {
    ($name:literal) => {
        include_bytes!(concat!("../../../../tests/vectors/keys/", $name)).as_slice()
    };
}

const PASSWORD: Option<&[u8]> = Some(b"secret");

fn key() -> PrivateKey {
    PrivateKey::from_encoded(file!("pkcs8.der"), None).unwrap()
}

/// Asserts that `file` is refused as a private key, with `why` in the message.
#[track_caller]
fn refused(file: &[u8], why: &str) {
    refused_with(file, PASSWORD, why);
}

#[track_caller]
fn refused_with(file: &[u8], password: Option<&[u8]>, why: &str) {
    let error = PrivateKey::from_encoded(file, password).unwrap_err();
    assert_eq!(error.status(), Status::KeyInvalid, "{error}");
    assert!(error.message().contains(why), "{error}");
}

#[track_caller]
fn refused_public(file: &[u8], why: &str) {
    let error = PublicKey::from_encoded(file).unwrap_err();
    assert_eq!(error.status(), Status::KeyInvalid, "{error}");
    assert!(error.message().contains(why), "{error}");
}

#[test]
fn private_keys_of_every_form_are_read() {
    let expected = key().to_bytes().unwrap();
    for (name, file) in [
        ("PKCS#8 PEM", file!("pkcs8.pem")),
        ("SEC 1 DER", file!("sec1.der")),
        ("SEC 1 DER without public key", file!("sec1_no_public.der")),
        ("SEC 1 PEM, SM2 label", file!("sec1_sm2_label.pem")),
        ("SEC 1 PEM, EC label behind parameters", file!("sec1_ec_label.pem")),
        ("encrypted DER", file!("encrypted.der")),
        ("AES-128", file!("encrypted_aes-128-cbc.pem")),
        ("AES-192", file!("encrypted_aes-192-cbc.pem")),
        ("AES-256", file!("encrypted_aes-256-cbc.pem")),
        ("SM4", file!("encrypted_sm4-cbc.pem")),
        ("HMAC-SHA1", file!("encrypted_hmac_sha1.pem")),
        ("HMAC-SHA224", file!("encrypted_hmac_sha224.pem")),
        ("HMAC-SHA384", file!("encrypted_hmac_sha384.pem")),
        ("HMAC-SHA512", file!("encrypted_hmac_sha512.pem")),
        ("HMAC-SM3", file!("encrypted_hmac_sm3.pem")),
        ("HMAC-SM3 of GM/T 0091", file!("encrypted_hmac_sm3_gmt0091.pem")),
    ] {
        let key = PrivateKey::from_encoded(file, PASSWORD).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(key.to_bytes().unwrap(), expected, "{name}");
    }
}

#[test]
fn what_is_written_is_what_openssl_writes() {
    let key = key();
    assert_eq!(key.to_pkcs8_der().unwrap().as_slice(), file!("pkcs8.der"));
    assert_eq!(key.to_pkcs8_pem().unwrap().as_bytes(), file!("pkcs8.pem"));
    assert_eq!(key.public_key().to_spki_der(), file!("spki.der"));
    assert_eq!(key.public_key().to_spki_pem().as_bytes(), file!("spki.pem"));
}

#[test]
fn public_keys_are_read_and_named_alike_in_every_encoding() {
    let expected = key().public_key().key_id();
    assert_eq!(expected, KeyId::of_spki(file!("spki.der")));
    for file in [file!("spki.pem"), file!("spki.der"), file!("spki_compressed.der")] {
        assert_eq!(PublicKey::from_encoded(file).unwrap().key_id(), expected);
    }
}

#[test]
fn encrypted_keys_open_with_their_password_alone() {
    let key = key();
    let pem = encoding::pkcs8_encrypted_pem(&key, b"secret", 1000).unwrap();
    assert_eq!(
        PrivateKey::from_encoded(pem.as_bytes(), PASSWORD).unwrap().to_bytes().unwrap(),
        key.to_bytes().unwrap()
    );
    assert_ne!(pem, encoding::pkcs8_encrypted_pem(&key, b"secret", 1000).unwrap(), "salt and iv are fresh");
    refused_with(pem.as_bytes(), None, "needs a password");
    // Enough attempts for a wrong password to hit the right padding now and then.
    for attempt in 0..1000_u16 {
        refused_with(pem.as_bytes(), Some(&attempt.to_be_bytes()), "the password is wrong");
    }
    assert_eq!(key.to_pkcs8_encrypted_pem(b"").unwrap_err().status(), Status::InvalidArgument);
}

#[test]
fn written_keys_have_the_iterations_that_are_promised() {
    let pem = key().to_pkcs8_encrypted_pem(b"secret").unwrap();
    PrivateKey::from_encoded(pem.as_bytes(), PASSWORD).unwrap();
    let der = pem::blocks(pem.as_bytes()).unwrap()[0].decode().unwrap();
    let iterations = [&[INTEGER, 3], &PBKDF2_ITERATIONS.to_be_bytes()[1..]].concat();
    assert!(der.windows(iterations.len()).any(|window| window == iterations));
}

#[test]
fn a_password_for_a_plain_key_is_ignored() {
    PrivateKey::from_encoded(file!("pkcs8.pem"), PASSWORD).unwrap();
}

#[test]
fn ways_of_encryption_that_are_not_read_are_named() {
    refused(
        file!("encrypted_scrypt.pem"),
        "found scrypt (1.3.6.1.4.1.11591.4.11), convert it: openssl pkcs8",
    );
    refused(
        file!("encrypted_des3.pem"),
        "found DES-EDE3-CBC (1.2.840.113549.3.7), convert it: openssl pkcs8",
    );
    refused(file!("encrypted_pbes1.pem"), "found 1.2.840.113549.1.12.1.3, convert it: openssl pkcs8");
    refused(file!("legacy_encrypted.pem"), "Proc-Type), convert it: openssl pkcs8 -topk8 -v2 aes-256-cbc");
}

#[test]
fn other_keys_are_named() {
    refused(file!("p256.pem"), "found P-256 (1.2.840.10045.3.1.7)");
    refused_public(file!("p256_spki.pem"), "found P-256 (1.2.840.10045.3.1.7)");
    refused(file!("ed25519.pem"), "found Ed25519 (1.3.101.112)");
    refused(file!("explicit.pem"), "found explicit parameters");
}

#[test]
fn other_files_are_named() {
    refused(file!("spki.pem"), "expected a private key, found PUBLIC KEY");
    refused(file!("spki.der"), "expected a private key, found a public key");
    refused_public(file!("pkcs8.pem"), "expected a public key, found PRIVATE KEY");
    refused_public(file!("encrypted_sm4-cbc.pem"), "expected a public key, found ENCRYPTED PRIVATE KEY");
    refused_public(file!("pkcs8.der"), "expected a public key, found a private key");
    refused_public(file!("sec1.der"), "expected a public key, found a private key");
    refused_public(file!("certificate.pem"), "expected a public key, found CERTIFICATE");
    for file in [b"".as_slice(), b"\n", b"hello", &[0x30], &[0x30, 0x80, 0, 0], &[0xff; 100]] {
        refused(file, "found neither PEM nor the DER of a key");
        refused_public(file, "found neither PEM nor the DER of a key");
    }
    refused(&vec![b'\n'; MAX_FILE_LEN + 1], "expected at most 65536 bytes, found 65537");
}

#[test]
fn pem_is_read_as_people_have_it() {
    let pem = String::from_utf8(file!("pkcs8.pem").to_vec()).unwrap();
    let base64: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
    let public = String::from_utf8(file!("spki.pem").to_vec()).unwrap();
    for text in [
        pem.replace('\n', "\r\n"),
        pem.replace('\n', " \t\n"),
        format!("\u{feff}\n0 Bag Attributes\n    friendlyName: test\n{pem}\ntrailing text"),
        format!("{public}{pem}{public}"),
        pem.trim_end().to_owned(),
        format!("-----BEGIN PRIVATE KEY-----\n{base64}\n-----END PRIVATE KEY-----\n"),
    ] {
        assert_eq!(
            PrivateKey::from_encoded(text.as_bytes(), None).unwrap().to_bytes().unwrap(),
            key().to_bytes().unwrap()
        );
    }
    PublicKey::from_encoded(format!("{pem}{public}").as_bytes()).unwrap();
}

#[test]
fn broken_pem_is_refused() {
    let pem = String::from_utf8(file!("pkcs8.pem").to_vec()).unwrap();
    refused(pem.replace("-----END PRIVATE KEY-----", "").as_bytes(), "does not end with the line");
    refused(pem.replace("END PRIVATE", "END PUBLIC").as_bytes(), "does not end with the line");
    refused(pem.replacen("MIG", "M*G", 1).as_bytes(), "not valid Base64");
    refused(pem.replacen("MIG", "MI", 1).as_bytes(), "not valid Base64");
    refused(format!("{pem}{pem}").as_bytes(), "expected a private key, found more than one");
    refused(b"-----BEGIN \x1b[31m-----\n-----END \x1b[31m-----", "found neither PEM nor the DER of a key");
    refused(b"-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----\n", "malformed PKCS#8");
}

/// No cut and no appended byte gives a key; no flipped bit gives another key.
#[test]
fn der_has_one_reading() {
    for file in [file!("pkcs8.der"), file!("sec1.der"), file!("encrypted.der")] {
        for len in 0..file.len() {
            assert!(PrivateKey::from_encoded(&file[..len], PASSWORD).is_err(), "{len} bytes");
        }
        assert!(PrivateKey::from_encoded(&[file, &[0]].concat(), PASSWORD).is_err());
        for bit in 0..8 * file.len() {
            let mut changed = file.to_vec();
            changed[bit / 8] ^= 1 << (bit % 8);
            // One bit of the version turns 0 into 1, which is the same key.
            let read = PrivateKey::from_encoded(&changed, None).map(|key| key.to_bytes().unwrap());
            assert!(read.is_err() || read == Ok(key().to_bytes().unwrap()), "bit {bit}");
        }
    }
}

#[test]
fn a_public_key_beside_the_private_one_has_to_be_its_own() {
    let (key, other) = (key(), PrivateKey::generate().unwrap());
    let sec1 = |public: &PublicKey, curve: &[u8]| {
        let public = tlv(EXPLICIT_1, &[&spki::bit_string(public)]);
        tlv(SEQUENCE, &[&[INTEGER, 1, 1], &tlv(OCTET_STRING, &[&*key.to_bytes().unwrap()]), curve, &public])
    };
    let pkcs8 = |version: u8, rest: &[u8]| {
        let sec1 = tlv(OCTET_STRING, &[&sec1(key.public_key(), &[])]);
        tlv(SEQUENCE, &[&[INTEGER, 1, version], &algorithm::curve(SM2_CURVE), &sec1, rest])
    };
    let beside = |public: &PublicKey| tlv(0x81, &[&[0], public.as_point()]);
    let attributes = [0xa0, 2, 0x31, 0];

    PrivateKey::from_encoded(&sec1(key.public_key(), &[]), None).unwrap();
    PrivateKey::from_encoded(&pkcs8(0, &attributes), None).unwrap();
    PrivateKey::from_encoded(&pkcs8(1, &beside(key.public_key())), None).unwrap();
    PrivateKey::from_encoded(&pkcs8(1, &[&attributes, &**beside(key.public_key())].concat()), None).unwrap();

    refused(&sec1(other.public_key(), &[]), "does not belong to the private key");
    refused(&pkcs8(1, &beside(other.public_key())), "does not belong to the private key");
    refused(&pkcs8(2, &[]), "expected PKCS#8 version 0 or 1, found 2");
    refused(&pkcs8(0, &[5, 0]), "malformed PKCS#8");
}

#[test]
fn the_curve_has_to_be_named_somewhere() {
    let bare = tlv(SEQUENCE, &[&[INTEGER, 1, 1], &tlv(OCTET_STRING, &[&*key().to_bytes().unwrap()])]);
    refused(&bare, "it names no curve");
    refused(pem::encode("EC PRIVATE KEY", &bare).as_bytes(), "it names no curve");
    PrivateKey::from_encoded(pem::encode("SM2 PRIVATE KEY", &bare).as_bytes(), None).unwrap();
}

#[test]
fn private_numbers_may_lack_leading_zeros_but_not_be_long_or_out_of_range() {
    let sec1 = |scalar: &[u8]| {
        let der = tlv(SEQUENCE, &[&[INTEGER, 1, 1], &tlv(OCTET_STRING, &[scalar])]);
        pem::encode("SM2 PRIVATE KEY", &der)
    };
    let read = PrivateKey::from_encoded(sec1(&[7]).as_bytes(), None).unwrap();
    assert_eq!(read.to_bytes().unwrap()[30..], [0, 7]);
    refused(sec1(&[]).as_bytes(), "not in [1, n-2]");
    refused(sec1(&[0; 32]).as_bytes(), "not in [1, n-2]");
    refused(sec1(&[0xff; 32]).as_bytes(), "not in [1, n-2]");
    refused(sec1(&[0; 33]).as_bytes(), "expected 32 private bytes, found 33");
}

#[test]
fn hostile_encryption_parameters_cost_nothing() {
    let encrypted = |iterations: &[u8], key_len: &[u8], iv: &[u8]| {
        let der = |oid: &str| algorithm::oid(der::asn1::ObjectIdentifier::new(oid).unwrap());
        let salt = tlv(OCTET_STRING, &[b"salt"]);
        let parameters = tlv(SEQUENCE, &[&salt, &tlv(INTEGER, &[iterations]), key_len]);
        let kdf = tlv(SEQUENCE, &[&der("1.2.840.113549.1.5.12"), &parameters]);
        let cipher = tlv(SEQUENCE, &[&der("2.16.840.1.101.3.4.1.42"), &tlv(OCTET_STRING, &[iv])]);
        let scheme = tlv(SEQUENCE, &[&der("1.2.840.113549.1.5.13"), &tlv(SEQUENCE, &[&kdf, &cipher])]);
        tlv(SEQUENCE, &[&scheme, &tlv(OCTET_STRING, &[&[0; 16]])])
    };
    refused(&encrypted(&[1], &[], &[0; 16]), "the password is wrong");
    refused(&encrypted(&[0x7f, 0xff, 0xff, 0xff], &[], &[0; 16]), "found 2147483647");
    refused(&encrypted(&[0], &[], &[0; 16]), "expected 1 to 10000000 PBKDF2 iterations, found 0");
    refused(&encrypted(&[0xff], &[], &[0; 16]), "malformed PBKDF2");
    refused(&encrypted(&[1], &[INTEGER, 1, 16], &[0; 16]), "expected a PBKDF2 key length of 32, found 16");
    refused(&encrypted(&[1], &[], &[0; 12]), "expected an iv of 16 bytes, found 12");
}

#[test]
fn points_in_files_are_checked() {
    let spki = |point: &[u8]| tlv(SEQUENCE, &[&algorithm::curve(SM2_CURVE), &tlv(BIT_STRING, &[point])]);
    let point = *key().public_key().as_point();
    let hybrid = [&[0, 6 | point[64] & 1], &point[1..]].concat();
    refused_public(&spki(&hybrid), "hybrid");
    refused_public(&spki(&[0, 0]), "infinity");
    refused_public(&spki(&[[1].as_slice(), &point].concat()), "");
    PublicKey::from_encoded(&spki(&[[0].as_slice(), &point].concat())).unwrap();
}
