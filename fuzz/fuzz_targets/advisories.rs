//! Snapshots of advisories, and trust documents with their rules about components.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sogov::artifact::sbom::Sbom;
use sogov::trust::{Advisories, TrustDocument};

const COMPONENTS: &[u8] = br#"{"bomFormat":"CycloneDX","specVersion":"1.5","components":[
    {"name":"foo","version":"1.1.0","purl":"pkg:cargo/foo@1.1.0"},
    {"name":"openssl","version":"3.0.17-1","purl":"pkg:deb/debian/openssl@3.0.17-1"},
    {"name":"core","group":"@angular","version":"1.0.0","purl":"pkg:npm/%40angular/core@1.0.0"},
    {"name":"foo","version":"1.1.0"}]}"#;

fuzz_target!(|data: &[u8]| {
    let sbom = Sbom::parse(COMPONENTS).unwrap();
    if let Ok(advisories) = Advisories::parse(data) {
        for component in sbom.components() {
            if let Some((advisory, range)) = advisories.about(component) {
                assert!(!advisory.id.is_empty() && !range.is_empty());
            }
        }
    }
    if let Ok(document) = TrustDocument::parse(data) {
        let rule = document.rule_for("fee").sbom;
        for component in sbom.components() {
            rule.denial(component);
        }
    }
});
