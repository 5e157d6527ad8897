//! Bills of materials in every form, package URLs and version ranges: what is read is written as a text that is read again as
//! the same, and every component can be asked about.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sogov::artifact::sbom::order::VersionOrder;
use sogov::artifact::sbom::purl::{MAX_LEN, Purl};
use sogov::artifact::sbom::range::Range;
use sogov::artifact::sbom::{MAX_COMPONENTS, Sbom};

fuzz_target!(|data: &[u8]| {
    for sbom in [Sbom::parse(data), Sbom::of_section(data)].into_iter().flatten() {
        assert!(sbom.components().len() <= MAX_COMPONENTS);
        assert_eq!(sbom.clone().and(sbom.clone()), sbom);
    }
    let Ok(text) = std::str::from_utf8(data) else { return };
    // Written out, a package URL may be longer than what is read.
    if let Ok(purl) = Purl::parse(text)
        && purl.to_string().len() <= MAX_LEN
    {
        let again = Purl::parse(&purl.to_string()).unwrap();
        assert_eq!((&again, again.key(), again.untyped_key()), (&purl, purl.key(), purl.untyped_key()));
    }
    for order in [VersionOrder::Semantic, VersionOrder::Debian, VersionOrder::EqualOnly] {
        if let Some(version) = order.read(text) {
            assert_eq!(version.compare(&version), Some(std::cmp::Ordering::Equal));
        }
        if let Ok(range) = Range::parse(text, order) {
            assert!(range.contains(""));
        }
    }
});
