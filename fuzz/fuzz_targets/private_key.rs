//! Private keys as files, also encrypted ones: what is read is written and read again as the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sogov::crypto::key;
use sogov::crypto::sm2::PrivateKey;

fuzz_target!(|data: &[u8]| {
    for password in [None, Some(b"secret".as_slice())] {
        if let Ok(key) = PrivateKey::from_encoded(data, password) {
            let again = PrivateKey::from_encoded(&key.to_pkcs8_der().unwrap(), None).unwrap();
            assert_eq!(again.to_bytes().unwrap(), key.to_bytes().unwrap());
            assert_eq!(again.public_key(), key.public_key());
        }
        if let Ok(key) = key::PrivateKey::from_encoded(data, password) {
            let again = key::PrivateKey::from_encoded(&key.to_pkcs8_der().unwrap(), None).unwrap();
            assert_eq!(again.public_key(), key.public_key());
        }
    }
});
