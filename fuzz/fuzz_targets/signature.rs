//! Signatures in both encodings: what is read is written as the same bytes, so that there is one reading of each.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sogov::crypto::p256;
use sogov::crypto::sm2::Signature;

fuzz_target!(|data: &[u8]| {
    if let Ok(signature) = Signature::from_der(data) {
        assert_eq!(signature.to_der(), data);
        assert_eq!(Signature::from_bytes(signature.as_bytes()), Ok(signature));
    }
    if let Ok(signature) = p256::Signature::from_der(data) {
        assert_eq!(signature.to_der(), data);
        assert_eq!(p256::Signature::from_bytes(signature.as_bytes()), Ok(signature));
    }
    if let Ok(signature) = Signature::from_bytes(data) {
        assert_eq!(signature.as_bytes(), data);
        assert_eq!(Signature::from_der(&signature.to_der()), Ok(signature));
    }
});
