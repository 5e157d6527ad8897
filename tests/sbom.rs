//! Bills of materials: bound by the signer, kept with the artifact, and asked about by the trust document.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails")]

mod support;

use sogov::artifact::sbom::Sbom;
use sogov::engine::{Change, Engine, EngineOptions, LoadOptions, UpdateOptions, Verdict};
use sogov::error::{Error, Status};
use std::fs;
use std::path::{Path, PathBuf};
use support::sbom::{advisories, auditable, bound, cyclonedx, dep_v0, osv, publish, rule, with_section};
use support::{TempDir, Trust, fee};

const FOO: &str = r#"{"type":"library","name":"foo","version":"1.1.0","purl":"pkg:cargo/foo@1.1.0"}"#;
const DENY_FOO: &str =
    r#","sbom":{"deny":[{"purl":"pkg:cargo/foo","versions":">=1.0,<1.2","reason":"unsound"}]}"#;

fn verify(trust: &Trust, path: &Path) -> Result<(), Error> {
    verify_with(trust, path, None)
}

fn verify_with(trust: &Trust, path: &Path, sbom: Option<&Path>) -> Result<(), Error> {
    let engine = Engine::open(trust.options())?;
    let options = LoadOptions { sbom_path: sbom.map(Path::to_owned), ..LoadOptions::default() };
    engine.verify_file("fee", Some("v1"), path, &options).map(drop)
}

#[track_caller]
fn refused(result: Result<(), Error>, status: Status, parts: &[&str]) {
    let refusal = result.unwrap_err();
    assert_eq!(refusal.status(), status, "{refusal}");
    for part in parts {
        assert!(refusal.message().contains(part), "expected {part:?} in: {refusal}");
    }
}

#[test]
fn a_bound_bill_of_materials_is_asked_for_even_where_no_rule_is() {
    let trust = Trust::new();
    let (plugin, sbom) = bound(&trust, &fee("v1"), "v1", &cyclonedx(FOO));
    verify(&trust, &plugin).unwrap();
    let elsewhere = trust.path().join("elsewhere.json");
    fs::rename(&sbom, &elsewhere).unwrap();
    refused(verify(&trust, &plugin), Status::SbomInvalid, &["bill of materials", "found none"]);
    verify_with(&trust, &plugin, Some(&elsewhere)).unwrap();
    refused(
        verify_with(&trust, &plugin, Some(&trust.path().join("nowhere"))),
        Status::NotFound,
        &["nowhere"],
    );
}

#[test]
fn what_nobody_signed_is_no_bill_of_materials() {
    let trust = Trust::new();
    let plugin = trust.signed(&fee("v1"), "fee", "v1");
    let beside = support::sbom::beside(&plugin);
    fs::write(&beside, cyclonedx(FOO)).unwrap();
    // It lies there and says nothing.
    verify(&trust, &plugin).unwrap();
    rule(&trust, r#","sbom":{"missing":"deny"}"#);
    refused(verify(&trust, &plugin), Status::SbomInvalid, &["expected a bill of materials", "found none"]);
    rule(&trust, "");
    refused(verify_with(&trust, &plugin, Some(&beside)), Status::SbomInvalid, &["nobody has signed"]);
}

#[test]
fn a_missing_one_is_the_policy_s_decision() {
    let trust = Trust::new();
    let plugin = trust.signed(&fee("v1"), "fee", "v1");
    for (asked, expected) in [
        ("", None),
        (r#","sbom":{}"#, None),
        (r#","sbom":{"missing":"allow"}"#, None),
        (DENY_FOO, None),
        (r#","sbom":{"missing":"deny"}"#, Some(Status::SbomInvalid)),
    ] {
        rule(&trust, asked);
        assert_eq!(verify(&trust, &plugin).map_err(|e| e.status()).err(), expected, "{asked}");
    }
    let (plugin, _) = bound(&trust, &fee("v1"), "v1", &cyclonedx(FOO));
    verify(&trust, &plugin).unwrap();
}

#[test]
fn a_denied_component_names_the_rule_and_the_range() {
    let trust = Trust::new();
    rule(&trust, DENY_FOO);
    for (version, denied) in [("1.0.0", true), ("1.1.9", true), ("0.9.0", false), ("1.2.0", false)] {
        let component = FOO.replace("1.1.0", version);
        let (plugin, _) = bound(&trust, &fee("v1"), "v1", &cyclonedx(&component));
        let verdict = verify(&trust, &plugin);
        if denied {
            let component = format!("pkg:cargo/foo@{version}");
            let rule = "denied by the rule pkg:cargo/foo >=1.0,<1.2: unsound";
            refused(verdict, Status::ComponentDenied, &["service fee", &component, rule]);
        } else {
            verdict.unwrap();
        }
    }
}

#[test]
fn a_service_s_rule_takes_the_place_of_the_document_s() {
    let trust = Trust::new();
    let key = Trust::key_entry(&trust.key, "");
    let (plugin, _) = bound(&trust, &fee("v1"), "v1", &cyclonedx(FOO));
    for (services, denied) in
        [("", true), (r#"{"name":"fee"}"#, true), (r#"{"name":"fee","sbom":{"missing":"deny"}}"#, false)]
    {
        let document =
            format!(r#"{{"schema":1,"epoch":1,"keys":[{key}],"services":[{services}]{DENY_FOO}}}"#);
        trust.write(&document);
        assert_eq!(verify(&trust, &plugin).is_err(), denied, "{services}");
    }
}

#[test]
fn spdx_as_tools_write_it() {
    let trust = Trust::new();
    rule(&trust, r#","sbom":{"deny":[{"purl":"pkg:deb/debian/openssl","versions":"<3.0.17-1~deb12u3"}]}"#);
    let spdx = |version: &str| {
        format!(
            r#"{{"spdxVersion":"SPDX-2.3","dataLicense":"CC0-1.0","SPDXID":"SPDXRef-DOCUMENT","name":"libfee",
            "documentNamespace":"https://bank.example/fee-1","creationInfo":{{"created":"2026-01-31T00:00:00Z","creators":["Tool: t-1"]}},
            "packages":[{{"SPDXID":"SPDXRef-Package-openssl","name":"openssl","versionInfo":"{version}","downloadLocation":"NOASSERTION",
             "filesAnalyzed":false,"externalRefs":[{{"referenceCategory":"PACKAGE-MANAGER","referenceType":"purl",
              "referenceLocator":"pkg:deb/debian/openssl@{version}?arch=amd64&distro=debian-12"}}]}}],
            "relationships":[{{"spdxElementId":"SPDXRef-DOCUMENT","relationshipType":"DESCRIBES","relatedSpdxElement":"SPDXRef-Package-openssl"}}]}}"#
        )
    };
    let (plugin, _) = bound(&trust, &fee("v1"), "v1", &spdx("3.0.17-1~deb12u3"));
    verify(&trust, &plugin).unwrap();
    let (plugin, _) = bound(&trust, &fee("v1"), "v1", &spdx("3.0.17-1~deb12u2"));
    refused(verify(&trust, &plugin), Status::ComponentDenied, &["openssl", "<3.0.17-1~deb12u3"]);
}

#[test]
fn the_section_of_cargo_auditable_counts() {
    let trust = Trust::new();
    let built = with_section(&trust, &fee("v1"), &dep_v0(&auditable(&[("foo", "1.1.0"), ("fee", "0.1.0")])));
    let plugin = trust.signed(&built, "fee", "v1");
    rule(&trust, r#","sbom":{"missing":"deny"}"#);
    verify(&trust, &plugin).unwrap();
    rule(&trust, DENY_FOO);
    refused(verify(&trust, &plugin), Status::ComponentDenied, &["pkg:cargo/foo (version 1.1.0)"]);
    // A bound document that is silent about it does not take its place.
    let (plugin, _) = bound(&trust, &built, "v1", &cyclonedx(""));
    refused(verify(&trust, &plugin), Status::ComponentDenied, &["pkg:cargo/foo"]);
}

#[test]
fn a_malformed_document_is_not_signed() {
    let trust = Trust::new();
    let path = trust.path().join("bad.json");
    fs::write(&path, "{}").unwrap();
    let mut facts = support::sbom::facts("v1");
    facts.sbom = Some(path);
    let signed = trust.signer().sign(&fee("v1"), &trust.path().join("out.so"), &facts);
    refused(signed.map(drop), Status::SbomInvalid, &["bad.json", "bomFormat"]);
    assert!(!trust.path().join("out.so").exists());
}

#[test]
fn a_detached_signature_binds_it_too() {
    let trust = Trust::new();
    let plugin = trust.path().join("plugin.so");
    fs::copy(fee("v1"), &plugin).unwrap();
    let sbom = support::sbom::beside(&plugin);
    fs::write(&sbom, cyclonedx(FOO)).unwrap();
    let mut facts = support::sbom::facts("v1");
    facts.sbom = Some(sbom);
    trust.signer().sign_detached(&plugin, None, &facts).unwrap();
    verify(&trust, &plugin).unwrap();
    rule(&trust, DENY_FOO);
    refused(verify(&trust, &plugin), Status::ComponentDenied, &["pkg:cargo/foo"]);
}

#[test]
fn a_known_vulnerability_denies() {
    let trust = Trust::new();
    let (plugin, _) = bound(&trust, &fee("v1"), "v1", &cyclonedx(FOO));
    rule(&trust, r#","sbom":{"advisories":"deny","max_advisory_age_days":14}"#);
    refused(verify(&trust, &plugin), Status::TrustInvalid, &["advisories.json"]);
    publish(&trust, &advisories(1, 0, &osv("1.1.5", "1.2.0")));
    verify(&trust, &plugin).unwrap();
    publish(&trust, &advisories(2, 13, &osv("1.0.0", "1.2.0")));
    refused(
        verify(&trust, &plugin),
        Status::ComponentDenied,
        &[
            "pkg:cargo/foo@1.1.0",
            "RUSTSEC-2026-0001 (CVE-2026-1)",
            "introduced 1.0.0, fixed 1.2.0",
            "use after free",
        ],
    );
    // The development mode takes it without a signature, as it takes the trust document.
    fs::remove_file(trust.path().join("advisories.json.sogsig")).unwrap();
    let options = EngineOptions { root_key_ids: vec![], ..trust.options() };
    let engine = Engine::open(options).unwrap();
    let verdict = engine.verify_file("fee", None, &plugin, &LoadOptions::default());
    refused(verdict.map(drop), Status::ComponentDenied, &["RUSTSEC-2026-0001"]);
}

#[test]
fn what_a_trust_document_may_say() {
    let trust = Trust::new();
    for (asked, part) in [
        (r#""sbom":{"missing":"no"}"#, "missing"),
        (r#""sbom":{"mising":"deny"}"#, "mising"),
        (r#""sbom":{"deny":[{"purl":"foo"}]}"#, "expected pkg:"),
        (r#""sbom":{"deny":[{"purl":"pkg:crates/foo"}]}"#, "type of the purl registry"),
        (r#""sbom":{"deny":[{"purl":"pkg:cargo/foo@1.0"}]}"#, "`versions` says"),
        (r#""sbom":{"deny":[{"purl":"pkg:cargo/foo","versions":"^1"}]}"#, "expected a version"),
        (r#""sbom":{"deny":[{"purl":"pkg:generic/foo","versions":"<1"}]}"#, "no order"),
        (r#""sbom":{"advisories":"deny"}"#, "max_advisory_age_days"),
        (r#""sbom":{"max_advisory_age_days":1}"#, "goes with"),
    ] {
        rule(&trust, &format!(",{asked}"));
        refused(Engine::open(trust.options()).map(drop), Status::TrustInvalid, &[part]);
    }
}

#[test]
fn a_rollback_and_a_restart_verify_it_again() {
    let (trust, state) = (Trust::new(), TempDir::new());
    let options = || EngineOptions {
        state_directory: Some(state.path().to_owned()),
        parked_versions: 1,
        ..trust.options()
    };
    let change = Change { wait_durable: true, ..Change::default() };
    let engine = Engine::open(options()).unwrap();
    for version in ["v1", "v2"] {
        let (plugin, sbom) = bound(&trust, &fee(version), version, &cyclonedx(FOO));
        engine.load_versioned("fee", version, &plugin, &LoadOptions::default()).unwrap();
        engine.promote("fee", version, &change).unwrap();
        // What is loaded again comes from the store alone.
        fs::remove_file(plugin).unwrap();
        fs::remove_file(sbom).unwrap();
    }
    assert_eq!(kept(state.path()).len(), 2);
    engine.unload("fee", "v1", std::time::Duration::from_secs(5), &change).unwrap();
    assert_eq!(engine.rollback("fee", &change).unwrap().label().as_str(), "v1");
    engine.close();
    drop(engine);

    let engine = Engine::open(options()).unwrap();
    assert_eq!(engine.report(Some("fee")).unwrap().len(), 1);
    engine.close();
    drop(engine);

    // A rule that came later holds for what comes back, and so does the digest.
    rule(&trust, DENY_FOO);
    let lines = support::Lines::default();
    drop(Engine::open(EngineOptions { log: lines.log(), ..options() }).unwrap());
    assert!(lines.contain("denied by the rule pkg:cargo/foo"), "{:?}", lines.all());
    rule(&trust, "");
    for path in kept(state.path()) {
        fs::write(path, cyclonedx("")).unwrap();
    }
    let lines = support::Lines::default();
    drop(Engine::open(EngineOptions { log: lines.log(), ..options() }).unwrap());
    assert!(lines.contain("expected the bill of materials with the digest"), "{:?}", lines.all());
}

#[test]
fn an_update_asks_too() {
    let trust = Trust::new();
    let engine = support::fee_engine(&trust);
    engine.unload("fee", "v2", std::time::Duration::from_secs(5), &Change::default()).unwrap();
    let (plugin, sbom) = bound(&trust, &fee("v2"), "v2", &cyclonedx(FOO));
    let elsewhere = trust.path().join("v2.json");
    fs::rename(sbom, &elsewhere).unwrap();
    let mut options = UpdateOptions::default();
    let update = |options: &UpdateOptions| {
        engine.update("fee", "v2", &plugin, options, &mut |_| Verdict::Continue).map(drop)
    };
    refused(update(&options), Status::SbomInvalid, &["verify", "found none"]);
    options.load.sbom_path = Some(elsewhere);
    rule(&trust, DENY_FOO);
    refused(update(&options), Status::ComponentDenied, &["pkg:cargo/foo"]);
    rule(&trust, "");
    update(&options).unwrap();
}

/// One mebibyte of components against many rules: what matters is that this ends, in time that grows with the input alone.
#[test]
fn large_documents_are_read() {
    let components: Vec<String> = (0..12_000)
        .map(|n| {
            format!(
                r#"{{"type":"library","name":"p{n}","version":"1.0.{n}","purl":"pkg:cargo/p{n}@1.0.{n}"}}"#
            )
        })
        .collect();
    let json = cyclonedx(&components.join(","));
    assert!(json.len() > 1 << 20);
    assert_eq!(Sbom::parse(json.as_bytes()).unwrap().components().len(), 12_001);
}

fn kept(state: &Path) -> Vec<PathBuf> {
    let names = fs::read_dir(state.join("machine/artifacts")).unwrap().map(|entry| entry.unwrap().path());
    names.filter(|path| path.to_string_lossy().ends_with(".sbom.json")).collect()
}
