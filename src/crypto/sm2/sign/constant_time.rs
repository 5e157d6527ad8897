//! Key derivation, nonces and signatures with all secrets marked as such: under valgrind each branch and each address
//! that depends on them fails the run (`make test-constant-time`).

use super::*;
use crate::crypto::secret::tests::is_secret;
use crate::crypto::sm2::nonce::nonces;
use crate::crypto::sm2::{Claim, Order, PreparedKeys, PrivateKey, UserId, sign_batch};

/// The scalar 0x0101...01, secret.
fn secret_bytes() -> [u8; SCALAR_LEN] {
    let mut bytes = [1; SCALAR_LEN];
    classify(&mut bytes);
    bytes
}

#[test]
fn constant_time_key_derivation() {
    let secret = Secret::from_bytes(&secret_bytes()).unwrap();
    assert!(is_secret(secret.open().unwrap().d) && is_secret(secret.open().unwrap().inverse));
    let point = secret.point().unwrap();
    assert_eq!(point, Secret::from_bytes(&[1; SCALAR_LEN]).unwrap().point().unwrap());
}

#[test]
fn constant_time_key_generation() {
    let secret = Secret::generate(&crate::crypto::room::Heap).unwrap();
    assert!(is_secret(secret.open().unwrap().d) && is_secret(secret.open().unwrap().inverse));
    secret.point().unwrap();
}

/// Nonces are secret, be it for the private key or for the fresh randomness.
#[test]
fn constant_time_nonces() {
    for bytes in [secret_bytes(), [1; SCALAR_LEN]] {
        let secret = Secret::from_bytes(&bytes).unwrap();
        for count in [1, 9, 20] {
            let ks = nonces(&vec![Signing { secret: secret.open().unwrap(), e: [5; 32] }; count]).unwrap();
            assert!(ks.len() == count && ks.iter().all(is_secret));
        }
    }
}

/// One signature alone, and batches that fill lanes and that do not.
#[test]
fn constant_time_signatures() {
    let (key, id) = (PrivateKey::from_bytes(&secret_bytes()).unwrap(), UserId::default());
    let public = PrivateKey::from_bytes(&[1; SCALAR_LEN]).unwrap().public_key().clone();
    let signature = key.sign(&id, b"message").unwrap();
    assert_eq!(public.verify(&id, b"message", &signature), Ok(()));
    for count in [1, 2, 9, 65] {
        let messages: Vec<_> = (0..count).map(|i| vec![7; i]).collect();
        let orders: Vec<_> =
            messages.iter().map(|message| Order { key: &key, user_id: &id, message }).collect();
        let signatures = sign_batch(&orders).unwrap();
        let claim = |(message, signature)| Claim { key: &public, user_id: &id, message, signature };
        let claims: Vec<_> = messages.iter().map(Vec::as_slice).zip(&signatures).map(claim).collect();
        assert_eq!(PreparedKeys::new(0).verify_batch(&claims), vec![true; count]);
    }
}

/// The lanes' code, which valgrind cannot run on the registers that it is for.
#[test]
fn constant_time_lanes() {
    let secret = Secret::from_bytes(&secret_bytes()).unwrap();
    for count in [1, 9] {
        let signings = vec![Signing { secret: secret.open().unwrap(), e: [5; 32] }; count];
        assert_eq!(sign_by::<crate::crypto::sm2::lanes::Emulated>(&signings).len(), count);
    }
}

/// A digit of k that reads a table without a scan is what valgrind has to fail.
#[test]
fn leaky_table() {
    let secret = Secret::from_bytes(&secret_bytes()).unwrap();
    let digits =
        crate::crypto::sm2::window::signed_digits::<52>(&Scalar::from_integer(secret.open().unwrap().d), 5);
    let table = crate::crypto::sm2::level::table(&Affine::generator(), 5);
    std::hint::black_box(table.entry(3, digits[3]));
}
