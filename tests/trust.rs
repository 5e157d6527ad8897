//! What is refused, with which code, and what the message says. Every refusal is asked for through
//! `load_versioned`, and nothing may be loaded afterwards.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails")]

mod support;

use sogov::crypto::sm2::{PrivateKey, UserId};
use sogov::engine::{Engine, EngineOptions, FileFacts, FileSigner, LoadOptions, sign_message};
use sogov::error::{Error, Status};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use support::{Lines, Trust, fee};

const DAY: u64 = 86_400;

fn facts() -> FileFacts {
    FileFacts { service: "fee".into(), version: "v1".into(), epoch: 5, ..FileFacts::default() }
}

fn now() -> u64 {
    sogov::timestamp::now()
}

/// Loads the file as fee@v1 and answers what became of it.
fn load(trust: &Trust, path: &Path) -> Result<(), Error> {
    let engine = Engine::open(trust.options())?;
    let loaded = engine.load_versioned("fee", "v1", path, &LoadOptions::default());
    if loaded.is_err() {
        assert!(engine.report(None).unwrap().is_empty(), "nothing is loaded after a refusal");
    }
    loaded.map(drop)
}

#[track_caller]
fn refused(trust: &Trust, path: &Path, status: Status, part: &str) {
    let refusal = load(trust, path).unwrap_err();
    assert_eq!(refusal.status(), status, "{refusal}");
    assert!(refusal.message().contains(part), "expected {part:?} in: {refusal}");
}

/// The signed plugin with one byte changed.
fn with_changed_byte(path: &Path, offset: usize) {
    let mut bytes = fs::read(path).unwrap();
    bytes[offset] ^= 1;
    fs::write(path, bytes).unwrap();
}

#[test]
fn a_signed_plugin_is_loaded() {
    let trust = Trust::new();
    load(&trust, &trust.signed_with(&fee("v1"), &facts())).unwrap();
}

#[test]
fn unsigned() {
    refused(&Trust::new(), &fee("v1"), Status::Unsigned, "found neither");
}

#[test]
fn modified() {
    let trust = Trust::new();
    let signed = trust.signed_with(&fee("v1"), &facts());
    let covered = fs::read(fee("v1")).unwrap().len();
    for offset in [16, 0x800, covered - 1] {
        with_changed_byte(&signed, offset);
        assert!(load(&trust, &signed).is_err(), "byte {offset}");
        with_changed_byte(&signed, offset);
    }
    with_changed_byte(&signed, 0x800);
    refused(&trust, &signed, Status::Modified, "expected the digest");
}

#[test]
fn ambiguous() {
    let trust = Trust::new();
    let signed = trust.signed_with(&fee("v1"), &facts());
    fs::write(format!("{}.sogsig", signed.display()), b"anything").unwrap();
    refused(&trust, &signed, Status::Ambiguous, "a .sigmeta section and a signature file");
}

#[test]
fn expired_and_not_yet_valid() {
    let trust = Trust::new();
    let ended = FileFacts { not_after: Some(now() - DAY), ..facts() };
    refused(&trust, &trust.signed_with(&fee("v1"), &ended), Status::Expired, "valid until");
    let to_come = FileFacts { not_before: Some(now() + DAY), ..facts() };
    refused(&trust, &trust.signed_with(&fee("v1"), &to_come), Status::NotYetValid, "valid from");
}

#[test]
fn an_expired_key() {
    let trust = Trust::new();
    let signed = trust.signed_with(&fee("v1"), &facts());
    let entry = Trust::key_entry(&trust.key, r#","not_after":"2020-01-01T00:00:00Z""#);
    trust.write(&Trust::document(&entry, ""));
    refused(&trust, &signed, Status::Expired, "valid until 2020-01-01T00:00:00Z");
    let entry = Trust::key_entry(&trust.key, r#","not_before":"2999-01-01T00:00:00Z""#);
    trust.write(&Trust::document(&entry, ""));
    refused(&trust, &signed, Status::NotYetValid, "valid from 2999-01-01T00:00:00Z");
}

#[test]
fn a_key_that_the_document_does_not_name() {
    let trust = Trust::new();
    let stranger = PrivateKey::generate().unwrap();
    let path = trust.path().join("stranger.so");
    let signer = FileSigner { key: &stranger, user_id: &UserId::default() };
    signer.sign(&fee("v1"), &path, &facts()).unwrap();
    refused(&trust, &path, Status::UntrustedKey, "does not name it");
}

#[test]
fn a_key_for_other_services() {
    let trust = Trust::new();
    let id = trust.key.public_key().key_id();
    trust.write(&Trust::document(
        &format!(r#"{{"id":"{id}","scheme":"sm2-sm3","services":["risk","pay-*"]}}"#),
        "",
    ));
    refused(
        &trust,
        &trust.signed_with(&fee("v1"), &facts()),
        Status::UntrustedKey,
        "may not sign for the service fee",
    );
}

#[test]
fn a_signature_under_another_user_id() {
    let trust = Trust::new();
    let path = trust.path().join("other-id.so");
    let user_id = UserId::new(b"somebody@example").unwrap();
    FileSigner { key: &trust.key, user_id: &user_id }.sign(&fee("v1"), &path, &facts()).unwrap();
    refused(&trust, &path, Status::Modified, "does not belong to the statement");
    let entry = Trust::key_entry(&trust.key, r#","user_id":"somebody@example""#);
    trust.write(&Trust::document(&entry, ""));
    load(&trust, &path).unwrap();
}

#[test]
fn another_service_or_version() {
    let trust = Trust::new();
    let other = FileFacts { service: "risk".into(), ..facts() };
    refused(&trust, &trust.signed_with(&fee("v1"), &other), Status::WrongService, "the statement says risk");
    let other = FileFacts { version: "v9".into(), ..facts() };
    refused(&trust, &trust.signed_with(&fee("v1"), &other), Status::WrongService, "the statement says v9");
}

#[test]
fn below_the_floor() {
    let trust = Trust::new();
    let signed = trust.signed_with(&fee("v1"), &facts());
    let floor = |floor: u64| {
        let services = format!(r#"{{"name":"fee","epoch_floor":{floor}}}"#);
        trust.write(&Trust::document(&Trust::key_entry(&trust.key, ""), &services));
    };
    floor(5);
    load(&trust, &signed).unwrap();
    floor(6);
    refused(&trust, &signed, Status::BelowFloor, "expected an epoch of at least 6, the statement says 5");
}

#[test]
fn a_threshold_counts_different_keys() {
    let trust = Trust::new();
    let second = PrivateKey::generate().unwrap();
    trust.add_key("second", &second);
    let keys = format!("{},{}", Trust::key_entry(&trust.key, ""), Trust::key_entry(&second, ""));
    trust.write(&Trust::document(&keys, r#"{"name":"fee","threshold":2}"#));
    let signed = trust.signed_with(&fee("v1"), &facts());
    refused(&trust, &signed, Status::UntrustedKey, "expected signatures by 2 trusted keys, found 1");
    let twice = trust.signer().add_signature(&signed).unwrap_err();
    assert_eq!(twice.status(), Status::Busy, "{twice}");
    FileSigner { key: &second, user_id: &UserId::default() }.add_signature(&signed).unwrap();
    load(&trust, &signed).unwrap();
}

#[test]
fn a_detached_signature() {
    let trust = Trust::new();
    let plugin = trust.path().join("detached.so");
    fs::copy(fee("v1"), &plugin).unwrap();
    trust.signer().sign_detached(&plugin, None, &facts()).unwrap();
    assert_eq!(fs::read(&plugin).unwrap(), fs::read(fee("v1")).unwrap(), "the plugin is as it was");
    load(&trust, &plugin).unwrap();
    with_changed_byte(&plugin, 0x800);
    refused(&trust, &plugin, Status::Modified, "expected the digest");
}

#[test]
fn a_trust_document_needs_a_root_keys_signature() {
    let trust = Trust::new();
    let signed = trust.signed_with(&fee("v1"), &facts());
    let document = fs::read_to_string(trust.path().join("trust.json")).unwrap();
    fs::write(trust.path().join("trust.json"), document.replace("\"epoch\":1", "\"epoch\":2")).unwrap();
    refused(&trust, &signed, Status::TrustInvalid, "does not belong to this trust.json");
    fs::remove_file(trust.path().join("trust.json.sogsig")).unwrap();
    refused(&trust, &signed, Status::TrustInvalid, "trust.json.sogsig");
}

#[test]
fn an_older_trust_document_is_not_taken_back() {
    let trust = Trust::new();
    let signed = trust.signed_with(&fee("v1"), &facts());
    let engine = Engine::open(trust.options()).unwrap();
    let document = fs::read_to_string(trust.path().join("trust.json")).unwrap();
    let load = || engine.load_versioned("fee", "v1", &signed, &LoadOptions::default());
    trust.write(&document.replace("\"epoch\":1", "\"epoch\":2").replace("\"*\"", "\"risk\""));
    assert_eq!(load().unwrap_err().status(), Status::UntrustedKey);
    trust.write(&document);
    let refusal = load().unwrap_err();
    assert_eq!(refusal.status(), Status::BelowFloor, "{refusal}");
    assert!(refusal.message().contains("expected an epoch of at least 2, found 1"), "{refusal}");
}

#[test]
fn a_message_cannot_pass_for_a_release() {
    let trust = Trust::new();
    let user_id = UserId::default();
    let sign = |message: &[u8]| sign_message(&trust.key, &user_id, message).map(drop).map_err(|e| e.status());
    assert_eq!(sign(b"sogov.sig.v1"), Ok(()));
    assert_eq!(sign(b"sogov.sig.v1\0"), Err(Status::InvalidArgument));
    assert_eq!(sign(b"sogov.trust.v1\0{}"), Err(Status::InvalidArgument));
    assert_eq!(sign(b"sogov.advisories.v1\0{}"), Err(Status::InvalidArgument));
}

#[test]
fn without_root_keys_the_development_mode_says_so() {
    let trust = Trust::new();
    fs::remove_file(trust.path().join("trust.json.sogsig")).unwrap();
    let lines = Lines::default();
    let options = EngineOptions { root_key_ids: vec![], log: lines.log(), ..trust.options() };
    let engine = Engine::open(options).unwrap();
    assert!(engine.is_development() && lines.contain("development mode"));
    let unsigned = engine.load_versioned("fee", "v1", &fee("v1"), &LoadOptions::default()).unwrap_err();
    assert_eq!(unsigned.status(), Status::Unsigned, "plugins need signatures all the same");
}

#[test]
fn a_trust_directory_that_others_can_write_to() {
    let trust = Trust::new();
    let signed = trust.signed_with(&fee("v1"), &facts());
    for name in ["", "keys", "trust.json", "keys/release.pem"] {
        let path = trust.path().join(name);
        let before = fs::metadata(&path).unwrap().permissions();
        fs::set_permissions(&path, fs::Permissions::from_mode(before.mode() | 0o022)).unwrap();
        refused(&trust, &signed, Status::TrustInvalid, "expected no write access for group and others");
        fs::set_permissions(&path, before).unwrap();
    }
    load(&trust, &signed).unwrap();
    let link = trust.path().join("keys/link.pem");
    std::os::unix::fs::symlink("/etc/hostname", &link).unwrap();
    assert!(load(&trust, &signed).is_err(), "a link among the keys is not followed");
}

#[test]
fn malformed_trust_documents() {
    let trust = Trust::new();
    let entry = Trust::key_entry(&trust.key, "");
    for (document, part) in [
        ("", "trust.json"),
        ("{", "line 1"),
        (r#"{"keys":[]}"#, "schema"),
        (r#"{"schema":2,"keys":[]}"#, "schema"),
        (r#"{"schema":1,"keys":{}}"#, "keys: expected an array"),
        (r#"{"schema":1,"keys":[],"keys":[]}"#, "keys"),
        (r#"{"schema":1,"keys":[],"unknown":1}"#, "unknown"),
        (r#"{"schema":1,"keys":[{"id":"sm3:12","scheme":"sm2-sm3","services":[]}]}"#, "keys[0].id"),
        (&format!(r#"{{"schema":1,"keys":[{entry},{entry}]}}"#), "stands there twice"),
        (
            &entry.replace("sm2-sm3", "md5").replace('{', r#"{"schema":1,"keys":[{"#).replace('}', "}]}"),
            "scheme",
        ),
        (r#"{"schema":1,"keys":[],"services":[{"name":"a*b"}]}"#, "services[0].name"),
        (r#"{"schema":1,"keys":[],"services":[{"name":"fee","threshold":0}]}"#, "services[0].threshold"),
        (r#"{"schema":1,"keys":[],"not_after":"tomorrow"}"#, "not_after"),
    ] {
        trust.write(document);
        let refusal = Engine::open(trust.options()).unwrap_err();
        assert_eq!(refusal.status(), Status::TrustInvalid, "{document}: {refusal}");
        assert!(refusal.message().contains(part), "expected {part:?} in: {refusal}");
    }
    trust.write(r#"{"schema":1,"keys":[],"not_after":"2020-01-01T00:00:00Z"}"#);
    assert_eq!(Engine::open(trust.options()).unwrap_err().status(), Status::Expired);
}

#[test]
fn without_a_trust_directory_nothing_is_loaded() {
    let engine = Engine::open(EngineOptions::default()).unwrap();
    let refusal = engine.load_versioned("fee", "v1", &fee("v1"), &LoadOptions::default()).unwrap_err();
    assert_eq!(refusal.status(), Status::TrustInvalid);
}
