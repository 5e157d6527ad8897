//! Deny-lists, which stand beside the trust document: what is read is in range.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sogov::trust::Denylist;

fuzz_target!(|data: &[u8]| {
    if let Ok(list) = Denylist::parse(data) {
        assert!(list.number > 0);
        if let Some((below, _)) = list.epoch("fee", 3) {
            assert!(below > 3 && list.epoch("fee", below).is_none_or(|(higher, _)| higher > below));
        }
    }
});
