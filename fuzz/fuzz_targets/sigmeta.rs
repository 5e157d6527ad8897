//! Signature containers: what is read is written as the same bytes, and nobody signs twice.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sogov::artifact::sigmeta::{MAX_SIGNATURES, Sigmeta};

fuzz_target!(|data: &[u8]| {
    let Ok(mut sigmeta) = Sigmeta::from_der(data) else { return };
    assert_eq!(sigmeta.to_der().as_deref(), Ok(data));
    assert!((1..=MAX_SIGNATURES).contains(&sigmeta.signatures.len()));
    for entry in sigmeta.signatures.clone() {
        sigmeta.add(entry).unwrap_err();
    }
});
