use super::*;

fn snapshot(affected: &str) -> Result<Advisories> {
    let json = format!(
        r#"{{"schema":1,"number":3,"published":"2026-01-31T00:00:00Z","advisories":[
            {{"id":"X-1","aliases":["CVE-1"],"summary":"s","modified":"2026-01-30T00:00:00Z","affected":[{affected}]}}]}}"#
    );
    Advisories::parse(json.as_bytes())
}

fn component(purl: &str, name: &str, version: &str) -> Component {
    let purl = (!purl.is_empty()).then(|| Purl::parse(purl).unwrap());
    Component { purl, name: name.into(), version: version.into() }
}

#[track_caller]
fn check(affected: &str, purl: &str, inside: &[&str], outside: &[&str]) {
    let snapshot = snapshot(affected).unwrap();
    for version in inside {
        let found = snapshot.about(&component(purl, "x", version));
        assert_eq!(found.map(|(record, _)| record.id.as_str()), Some("X-1"), "{version:?}");
    }
    for version in outside {
        assert!(snapshot.about(&component(purl, "x", version)).is_none(), "{version:?}");
    }
}

#[test]
fn ranges_as_osv_evaluates_them() {
    let events = |events: &str| {
        format!(
            r#"{{"package":{{"ecosystem":"crates.io","name":"foo_bar"}},"ranges":[{{"type":"SEMVER","events":[{events}]}}]}}"#
        )
    };
    check(
        &events(
            r#"{"fixed":"1.2.0"},{"introduced":"2.0.0"},{"introduced":"1.0.0-0"},{"last_affected":"2.1.0"}"#,
        ),
        "pkg:cargo/Foo-Bar",
        &["1.0.0-0", "1.0.0", "v1.1.9", "2.0.0", "2.1.0", "", "x"],
        &["0.9.0", "1.2.0", "1.9.9", "2.1.1"],
    );
    check(&events(r#"{"introduced":"0"}"#), "pkg:cargo/foo-bar", &["0.0.0-a", "9.9.9"], &[]);
    check(
        &events(r#"{"introduced":"0"},{"limit":"2.0.0"}"#),
        "pkg:cargo/foo-bar",
        &["1.9.9"],
        &["2.0.0", "3.0.0"],
    );
    // An event that has no place in the order: nothing can be ruled out.
    check(&events(r#"{"introduced":"0"},{"fixed":"x"}"#), "pkg:cargo/foo-bar", &["9.9.9"], &[]);
    check(&events(r#"{"introduced":"0"}"#), "pkg:npm/foo-bar", &[], &["1.0.0"]);
}

#[test]
fn listed_versions_and_ecosystems() {
    let entry = |ecosystem: &str, name: &str, rest: &str| {
        format!(r#"{{"package":{{"ecosystem":"{ecosystem}","name":"{name}"}},{rest}}}"#)
    };
    let listed = r#""versions":["1.0","1.1"],"ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"},{"fixed":"1.2"}]}]"#;
    check(&entry("PyPI", "Zope.Interface", listed), "pkg:pypi/zope-interface", &["1.0", "1.1"], &["1.2"]);
    let fixed =
        r#""ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"},{"fixed":"3.0.17-1~deb12u3"}]}]"#;
    check(
        &entry("Debian:12", "openssl", fixed),
        "pkg:deb/debian/openssl?arch=amd64",
        &["3.0.17-1~deb12u2"],
        &["3.0.17-1~deb12u3"],
    );
    // No order and no list: every version.
    check(&entry("Maven", "g:a", fixed), "pkg:maven/g/a", &["1", "99"], &[]);
    check(&entry("Go", "github.com/X/y", fixed), "pkg:golang/github.com/x/y", &["1"], &[]);
    check(&entry("npm", "@a/b", listed), "pkg:npm/%40a/b", &["1.1.0"], &["1.2.0"]);
    check(&entry("UnknownOS", "foo", listed), "pkg:generic/foo", &[], &["1.0"]);
    let git = r#""ranges":[{"type":"GIT","repo":"r","events":[{"introduced":"0"}]}]"#;
    check(&entry("npm", "a", git), "pkg:npm/a", &["1.0.0"], &[]);
}

#[test]
fn a_component_of_unknown_kind_is_held_by_its_name() {
    let affected = r#"{"package":{"ecosystem":"npm","name":"@a/b_c"},"versions":["1.0.0"]}"#;
    let snapshot = snapshot(affected).unwrap();
    assert!(snapshot.about(&component("", "@a/b.c", "1.0.0")).is_some());
    assert!(snapshot.about(&component("pkg:nodejs/%40a/b-c", "z", "1.0.0")).is_some());
    assert!(snapshot.about(&component("", "@a/b.c", "1.0.1")).is_none());
}

#[test]
fn dates_and_what_is_refused() {
    let all = snapshot("").unwrap();
    assert_eq!((all.number(), all.len()), (3, 1));
    let status = |now, age| all.check_age(TrustTime::at(now), age).map_err(|e| e.status());
    assert_eq!(status(all.published() + 86_400, 86_400), Ok(()));
    assert_eq!(status(all.published() + 86_401, 86_400), Err(Status::Expired));
    assert_eq!(status(all.published() - SKEW, 86_400), Ok(()));
    assert_eq!(status(all.published() - SKEW - 1, 86_400), Err(Status::NotYetValid));
    let unbelieved = TrustTime { earliest: all.published(), latest: all.published() + 86_401 };
    assert_eq!(all.check_age(unbelieved, 86_400).map_err(|e| e.status()), Err(Status::ClockRefused));
    for refused in [
        r#"{"package":{"ecosystem":"npm"}}"#,
        r#"{"package":{"name":"npm"}}"#,
        r#"{"package":{"ecosystem":"npm","name":""}}"#,
        r#"{"package":{"ecosystem":"npm","name":"a","purl":"a"}}"#,
        r#"{"package":{"ecosystem":"npm","name":"a"},"ranges":[{"type":"X","events":[]}]}"#,
        r#"{"package":{"ecosystem":"npm","name":"a"},"ranges":[{"type":"SEMVER","events":[{"fixd":"1"}]}]}"#,
        r#"{"package":{"ecosystem":"npm","name":"a"},"versions":"1"}"#,
    ] {
        assert_eq!(snapshot(refused).unwrap_err().status(), Status::TrustInvalid, "{refused}");
    }
    let withdrawn = r#"{"schema":1,"number":1,"published":"2026-01-31T00:00:00Z","advisories":[{"id":"X","withdrawn":"2026-01-31T00:00:00Z"}]}"#;
    assert!(Advisories::parse(withdrawn.as_bytes()).unwrap().is_empty());
}
