//! Sets of root keys, which stand beside the trust document: what is read is in range.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sogov::trust::Roots;

fuzz_target!(|data: &[u8]| {
    if let Ok((set, _)) = Roots::parse(data) {
        assert!(set.number() > 0 && (1..=set.ids().len()).contains(&set.threshold()));
        assert!(set.ids().is_sorted() && !set.is_development());
    }
});
