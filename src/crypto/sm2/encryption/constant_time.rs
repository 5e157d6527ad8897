//! Encryption and decryption with all secrets marked as such: under valgrind each branch and each address that depends on
//! them fails the run (`make test-constant-time`).

use super::*;
use crate::crypto::secret::classify;
use crate::crypto::secret::tests::is_secret;

#[test]
fn constant_time_decryption() {
    let public = PrivateKey::from_bytes(&[1; SCALAR_LEN]).unwrap().public_key().clone();
    let mut scalar = [1; SCALAR_LEN];
    classify(&mut scalar);
    let key = PrivateKey::from_bytes(&scalar).unwrap();
    let good = public.encrypt(&[7; 16]).unwrap();
    let mut altered = good.clone();
    altered.last_mut().map_or((), |byte| *byte ^= 1);
    for (cipher, expected) in [(declassified(&good), true), (declassified(&altered), false)] {
        let message: [u8; 16] = key.decrypt(&cipher, 16).unwrap().as_slice().try_into().unwrap();
        assert!(is_secret(&message));
        assert_eq!(declassify(message) == [7; 16], expected);
    }
}

/// What was computed from the nonce and is sent.
fn declassified(cipher: &[u8]) -> Vec<u8> {
    cipher.iter().map(|byte| declassify(*byte)).collect()
}
