//! What is written is read, as it is; and nothing else is.
#![forbid(unsafe_code)]
#![allow(clippy::indexing_slicing)]

use super::*;
use crate::crypto::key_id::KeyId;

fn manifest() -> Manifest {
    let entry = |name: &str, role, content: &[u8]| Entry {
        name: name.into(),
        role,
        len: content.len() as u64,
        digest: file_digest(content),
    };
    Manifest {
        id: PackageId([0xab; ID_LEN]),
        epoch: 7,
        service: "fee".into(),
        audiences: vec!["host-1".into(), "host-2".into()],
        created: 1_700_000_000,
        not_after: 1_800_000_000,
        issuer: String::new(),
        entries: vec![entry("fee.so", Role::Plugin, b"plugin"), entry("fee.sbom.json", Role::File, b"{}")],
        critical: vec![],
    }
}

fn signed(manifest: &Manifest) -> Sigmeta {
    let entry = SignatureEntry { key_id: KeyId::from_bytes([3; 32]), scheme: 1, signature: vec![1; 64] };
    Sigmeta { statement: manifest.to_der().unwrap(), signatures: vec![entry] }
}

#[test]
fn packages_go_both_ways() {
    let (manifest, files) = (manifest(), [b"plugin".as_slice(), b"{}"]);
    let signed = signed(&manifest);
    let der = Package::to_der(&signed, &files).unwrap();
    let package = Package::from_der(&der).unwrap();
    assert_eq!(package, Package { manifest, signed, files: files.to_vec() });
    for cut in 0..der.len() {
        assert_eq!(Package::from_der(&der[..cut]).unwrap_err().status(), Status::PackageInvalid);
    }
    assert!(Package::from_der(&[&*der, &[0]].concat()).is_err());
}

#[test]
fn files_are_those_of_the_manifest() {
    let signed = signed(&manifest());
    for files in [
        vec![b"plugin".as_slice()],
        vec![b"plugin".as_slice(), b"{}", b""],
        vec![b"{}".as_slice(), b"plugin"],
        vec![],
    ] {
        assert_eq!(Package::to_der(&signed, &files).unwrap_err().status(), Status::InvalidArgument);
    }
}

#[test]
fn rules_hold_for_writers() {
    let broken = |change: fn(&mut Manifest)| {
        let mut changed = manifest();
        change(&mut changed);
        assert_eq!(changed.to_der().unwrap_err().status(), Status::InvalidArgument);
        assert_eq!(Manifest::from_der(&changed.encode()).unwrap_err().status(), Status::PackageInvalid);
    };
    broken(|m| m.service.clear());
    broken(|m| m.audiences.clear());
    broken(|m| m.audiences.push("host-1".into()));
    broken(|m| m.audiences = (0..65).map(|i| format!("h{i}")).collect());
    broken(|m| m.issuer = "a\nb".into());
    broken(|m| m.entries.clear());
    broken(|m| m.entries[1].name = "FEE.so".into());
    broken(|m| m.entries[1].name = "a".repeat(129));
    for name in ["", ".", "..", "../a", "/a", "a/b", "a\\b", ".a", "-a", "a b", "é", "a\0"] {
        let mut changed = manifest();
        changed.entries[1].name = name.into();
        assert!(changed.to_der().is_err(), "{name:?}");
    }
}

/// Nobody is known to have made a package before its signatures are read: no more of them are kept than it may have.
#[test]
fn signatures_are_counted_while_they_are_read() {
    let manifest = manifest().to_der().unwrap();
    let package = |count: usize, last: &[u8]| {
        Writer::encode(|w| {
            w.text(MAGIC);
            w.integer(VERSION);
            w.octets(&manifest);
            w.sequence(|w| {
                for i in 0..count {
                    let key_id = KeyId::from_bytes([u8::try_from(i).unwrap(); 32]);
                    SignatureEntry { key_id, scheme: 1, signature: vec![1; 64] }.encode(w);
                }
                w.octets(last);
            });
        })
    };
    let message = |der: &[u8]| Package::from_der(der).unwrap_err().message().to_owned();
    assert!(message(&package(MAX_SIGNATURES - 1, b"no signature")).contains("expected DER tag 0x30"));
    assert!(message(&package(MAX_SIGNATURES, b"no signature")).contains("at most 16 signatures"));
}
