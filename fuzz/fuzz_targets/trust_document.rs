//! Trust documents: what is read answers for every key and service that it names.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sogov::trust::TrustDocument;

fuzz_target!(|data: &[u8]| {
    let Ok(document) = TrustDocument::parse(data) else { return };
    for key in &document.keys {
        assert_eq!(document.key(&key.id).map(|found| found.id), Some(key.id));
        assert!(key.services().all(|name| name.ends_with('*') || key.covers(&name)));
    }
    for (name, _) in document.services() {
        let rule = document.rule_for(&name);
        assert!((1..=16).contains(&rule.threshold), "{name}");
    }
    assert!(document.denylist.threshold >= 1);
});
