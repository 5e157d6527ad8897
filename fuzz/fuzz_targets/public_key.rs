//! Public keys of every scheme, as points and as files: what is read is a point that is read again as the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sogov::crypto::sm2::PublicKey;
use sogov::crypto::{key, p256};

fuzz_target!(|data: &[u8]| {
    for key in [PublicKey::from_point(data), PublicKey::from_encoded(data)].into_iter().flatten() {
        assert_eq!(PublicKey::from_point(key.as_point()).as_ref(), Ok(&key));
        assert_eq!(PublicKey::from_encoded(&key.to_spki_der()).as_ref(), Ok(&key));
        assert_eq!(PublicKey::from_encoded(key.to_spki_pem().as_bytes()).as_ref(), Ok(&key));
    }
    let point = p256::PublicKey::from_point(data).map(key::PublicKey::from);
    for key in [point, key::PublicKey::from_encoded(data)].into_iter().flatten() {
        assert_eq!(key::PublicKey::from_encoded(&key.to_der()).as_ref(), Ok(&key));
        assert_eq!(key::PublicKey::from_encoded(key.to_pem().as_bytes()).as_ref(), Ok(&key));
    }
});
