//! Envelopes and the certificates of their recipients: what is read is refused or is what was written, and an envelope that
//! was not made for the key never opens.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sogov::crypto::envelope::{Recipient, RecipientKey, open};
use std::sync::LazyLock;

/// The key of the corpus' envelopes: the scalar 0x01 01 ... 01.
static KEY: LazyLock<RecipientKey> = LazyLock::new(|| {
    let key = sogov::crypto::sm2::PrivateKey::from_bytes(&[1; 32]).expect("a scalar");
    RecipientKey::from_encoded(&key.to_pkcs8_der().expect("a key"), None, None).expect("a key")
});

fuzz_target!(|data: &[u8]| {
    if let Ok(content) = open(data, &KEY) {
        assert_eq!(content.as_slice(), b"content", "only the corpus has envelopes for this key");
    }
    let _ = Recipient::from_encoded(data);
    let _ = RecipientKey::from_encoded(data, None, None);
});
