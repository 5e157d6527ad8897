use super::*;

fn components(json: &str) -> Vec<(String, String, String)> {
    let sbom = Sbom::parse(json.as_bytes()).unwrap();
    let purl = |c: &Component| c.purl.as_ref().map(Purl::to_string).unwrap_or_default();
    sbom.components().iter().map(|c| (purl(c), c.name.clone(), c.version.clone())).collect()
}

fn of(parts: &[(&str, &str, &str)]) -> Vec<(String, String, String)> {
    parts.iter().map(|(a, b, c)| ((*a).to_owned(), (*b).to_owned(), (*c).to_owned())).collect()
}

fn cyclonedx(components: &str) -> String {
    format!(r#"{{"bomFormat":"CycloneDX","specVersion":"1.5","version":1,"components":[{components}]}}"#)
}

#[test]
fn cyclonedx_nests() {
    let json = r#"{"$schema":"http://cyclonedx.org/schema/bom-1.6.schema.json","bomFormat":"CycloneDX",
        "specVersion":"1.6","serialNumber":"urn:uuid:3e671687-395b-41f5-a30f-a58921a69b79","version":1,
        "metadata":{"timestamp":"2026-01-31T00:00:00Z","component":{"type":"library","name":"fee","version":"1.4.2",
            "components":[{"type":"file","name":"fee.c"}]}},
        "components":[
            {"type":"library","group":"@angular","name":"core","version":"17.0.1","purl":"pkg:npm/%40angular/core@17.0.1"},
            {"type":"library","name":"a","version":"2","purl":"pkg:cargo/a@1",
             "components":[{"type":"library","name":"b","version":"3"}]},
            {"type":"library","name":"b","version":"3"}],
        "dependencies":[]}"#;
    assert_eq!(
        components(json),
        of(&[
            ("", "b", "3"),
            ("", "fee", "1.4.2"),
            ("", "fee.c", ""),
            ("pkg:cargo/a@1", "a", "1"),
            ("pkg:cargo/a@1", "a", "2"),
            ("pkg:npm/%40angular/core@17.0.1", "@angular/core", "17.0.1"),
        ])
    );
}

#[test]
fn spdx_refers() {
    let json = r#"{"spdxVersion":"SPDX-2.3","SPDXID":"SPDXRef-DOCUMENT","name":"fee","packages":[
        {"SPDXID":"SPDXRef-1","name":"openssl","versionInfo":"3.0.17-1~deb12u2","externalRefs":[
            {"referenceCategory":"SECURITY","referenceType":"cpe23Type","referenceLocator":"cpe:2.3:a:openssl:openssl:3.0.17"},
            {"referenceCategory":"PACKAGE-MANAGER","referenceType":"purl",
             "referenceLocator":"pkg:deb/debian/openssl@3.0.17-1~deb12u2?arch=amd64"}]},
        {"SPDXID":"SPDXRef-2","name":"zlib","versionInfo":"NOASSERTION"}]}"#;
    assert_eq!(
        components(json),
        of(&[
            ("", "zlib", ""),
            ("pkg:deb/debian/openssl@3.0.17-1~deb12u2?arch=amd64", "openssl", "3.0.17-1~deb12u2"),
        ])
    );
    let sbom = Sbom::parse(json.as_bytes()).unwrap();
    assert_eq!(sbom.components().iter().map(Component::ecosystem).collect::<Vec<_>>(), ["", "deb"]);
}

#[test]
fn what_is_refused() {
    let deep = |depth| format!("{}{}", r#"{"name":"a","components":["#.repeat(depth), "]}".repeat(depth));
    let versions: Vec<String> = (0..=256).map(|n| format!(r#"{{"name":"a","version":"{n}"}}"#)).collect();
    for json in [
        String::new(),
        "[]".into(),
        "{}".into(),
        r#"{"bomFormat":"SPDX","specVersion":"1.5"}"#.into(),
        r#"{"bomFormat":"CycloneDX","specVersion":"1.3"}"#.into(),
        r#"{"bomFormat":"CycloneDX"}"#.into(),
        r#"{"spdxVersion":"SPDX-3.0"}"#.into(),
        r#"{"bomFormat":"CycloneDX","specVersion":"1.5","spdxVersion":"SPDX-2.3"}"#.into(),
        r#"{"bomFormat":"CycloneDX","specVersion":"1.5","components":[],"components":[]}"#.into(),
        cyclonedx(r#"{"version":"1"}"#),
        cyclonedx(r#"{"name":""}"#),
        cyclonedx(r#"{"name":"a","version":1}"#),
        cyclonedx(r#"{"name":"a","purl":"a"}"#),
        cyclonedx(r#"{"name":"a","purl":null}"#),
        cyclonedx(r#"{"name":"a\u0000"}"#),
        cyclonedx(&deep(20)),
        cyclonedx(&versions.join(",")),
        cyclonedx(&format!(r#"{{"name":"{}"}}"#, "a".repeat(MAX_TEXT + 1))),
    ] {
        let refused = Sbom::parse(json.as_bytes()).unwrap_err();
        assert_eq!(refused.status(), Status::SbomInvalid, "{json}");
    }
    assert_eq!(components(&cyclonedx(&deep(10))), of(&[("", "a", "")]));
    let many: Vec<String> = (0..=MAX_COMPONENTS).map(|n| format!(r#"{{"name":"a{n}"}}"#)).collect();
    assert!(Sbom::parse(cyclonedx(&many.join(",")).as_bytes()).is_err());
}
