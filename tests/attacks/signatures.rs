//! Signatures that are good for something else: another statement, another body, another key, another kind of document, an
//! earlier time.

use super::schemes::Attack;
use crate::support::keys::{generate, put, record, trust};
use crate::support::{Trust, fee};
use sogov::artifact::sigmeta::{Found, SignatureEntry, attach, find};
use sogov::artifact::statement::{Domain, Statement};
use sogov::crypto::key::{PrivateKey, PublicKey};
use sogov::crypto::scheme::Scheme;
use sogov::crypto::sm2::{self, UserId};
use sogov::crypto::sm3::tree::{self, LEAF_LEN};
use sogov::engine::{Engine, FileFacts, FileSigner, LoadOptions};
use sogov::error::Status;
use std::fs;

/// A plugin with a detached signature by one SM2 key, and that key.
fn signed() -> (Attack, PrivateKey) {
    let key = generate(Scheme::Sm2Sm3);
    (Attack::new(trust(&[&key.public_key()], ""), &[&key]), key)
}

#[test]
fn the_statement_of_one_plugin_on_the_body_of_another() {
    let (attack, _) = signed();
    assert_eq!(attack.verdict(), Ok(()));
    fs::copy(fee("v2"), &attack.plugin).unwrap();
    assert_eq!(attack.verdict(), Err(Status::Modified));
}

/// The same inside of the files: the container of one is put behind the covered bytes of the other.
#[test]
fn the_container_of_one_plugin_in_another() {
    let trust = Trust::new();
    let [one, other] = ["v1", "v2"].map(|version| trust.signed(&fee(version), "fee", version));
    let [one, other_file] = [&one, &other].map(|path| fs::read(path).unwrap());
    let (Found::Embedded { sigmeta, .. }, Found::Embedded { covered, .. }) =
        (find(&one).unwrap(), find(&other_file).unwrap())
    else {
        panic!("both are signed");
    };
    let reserve = other_file.len() - covered.len();
    fs::write(&other, attach(covered.to_vec(), reserve, &sigmeta).unwrap()).unwrap();
    let engine = Engine::open(trust.options()).unwrap();
    let refused = engine.load_versioned("fee", "v1", &other, &LoadOptions::default()).unwrap_err();
    assert_eq!(refused.status(), Status::Modified, "{refused}");
}

/// The signature is that of the statement before it was changed.
#[test]
fn a_statement_that_was_changed_after_it_was_signed() {
    let changes: [fn(&mut Statement); 4] = [
        |statement| statement.epoch += 1,
        |statement| statement.not_after = Some(u64::from(u32::MAX)),
        |statement| statement.issuer.push_str("another"),
        |statement| statement.semver.push_str("9.9.9"),
    ];
    for change in changes {
        let (attack, _) = signed();
        attack.alter(|container| {
            let mut statement = Statement::from_der(&container.statement).unwrap();
            change(&mut statement);
            container.statement = statement.to_der().unwrap();
        });
        assert_eq!(attack.verdict(), Err(Status::Modified));
    }
}

/// Another reading of the same container: lengths in two forms, no length, more bytes.
#[test]
fn a_container_that_is_not_der() {
    let (attack, _) = signed();
    let der = fs::read(&attack.signature).unwrap();
    assert_eq!(der[..2], [0x30, 0x82], "a sequence of more than 255 bytes");
    let body = &der[4..];
    for other in [
        [&[0x30, 0x83, 0], &der[2..]].concat(),
        [&[0x30, 0x80], body, &[0, 0]].concat(),
        [&*der, &[0]].concat(),
        [&*der, &*der].concat(),
        der[..der.len() - 1].to_vec(),
    ] {
        fs::write(&attack.signature, other).unwrap();
        assert_eq!(attack.verdict(), Err(Status::Modified));
    }
}

/// A statement in BER, signed by the right key all the same.
#[test]
fn a_signed_statement_that_is_not_der() {
    let (attack, key) = signed();
    let der = attack.container().statement;
    for other in [[&*der, &[0]].concat(), [&[0x30, 0x80], &der[4..], &[0, 0]].concat()] {
        attack.alter(|container| container.statement = other);
        let entry = attack.sign(&key);
        attack.alter(|container| container.signatures = vec![entry]);
        assert_eq!(attack.verdict(), Err(Status::Modified));
    }
}

/// The stranger's signature under the id of the trusted key; the stranger's key in the file of the trusted one.
#[test]
fn key_id_confusion() {
    let (attack, key) = signed();
    let stranger = generate(Scheme::Sm2Sm3);
    let forged = attack.sign(&stranger);
    attack.alter(|container| container.signatures[0].signature.clone_from(&forged.signature));
    assert_eq!(attack.verdict(), Err(Status::Modified));
    // The name of a key's file says nothing: its id is computed from what stands in it.
    let id = key.public_key().key_id().to_string();
    let file = attack.trust.path().join(format!("keys/{}.pem", id.trim_start_matches("sm3:")));
    fs::write(file, stranger.public_key().to_pem()).unwrap();
    assert_eq!(attack.verdict(), Err(Status::UntrustedKey));
    // And under its own id the stranger is a stranger.
    put(attack.trust.path(), &stranger.public_key());
    attack.alter(|container| container.signatures = vec![forged]);
    assert_eq!(attack.verdict(), Err(Status::UntrustedKey));
}

/// What the trusted key has signed as another kind of document, or without saying what it is.
#[test]
fn signatures_of_other_domains() {
    let (attack, key) = signed();
    let (id, statement) = (key.public_key().key_id(), attack.container().statement);
    let others =
        [Domain::TrustDocument, Domain::Package, Domain::Advisories, Domain::Denylist, Domain::Roots];
    let messages = others.map(|domain| domain.signed_bytes(&statement, 1, &id));
    // By another scheme's number, for another key, and bare.
    let other_id = generate(Scheme::Sm2Sm3).public_key().key_id();
    let more = [
        Domain::Statement.signed_bytes(&statement, 2, &id),
        Domain::Statement.signed_bytes(&statement, 1, &other_id),
        statement.clone(),
    ];
    for message in messages.iter().chain(&more) {
        let signature = key.sign(&UserId::default(), message).unwrap();
        attack.alter(|container| {
            container.signatures = vec![SignatureEntry { key_id: id, scheme: 1, signature }];
        });
        assert_eq!(attack.verdict(), Err(Status::Modified));
    }
}

#[test]
fn old_but_validly_signed() {
    let (attack, key) = signed();
    attack.trust.write(&Trust::document(&record(&key.public_key(), ""), r#"{"name":"fee","epoch_floor":2}"#));
    assert_eq!(attack.verdict(), Err(Status::BelowFloor));
}

/// The point of GB/T 32918.2's annex is on the test curve and not on the one that its key says.
#[test]
fn a_key_on_the_test_curve() {
    let x = "421debd61b62eab6746434ebc3cc315e32220b3badd50bdc4c4e6c147fedd43d";
    let y = "0680512bcbb42c07d47349d2153b70c4e5d7fdfcbfa36ea1a85841b9e46e09a2";
    let point = [x, y].map(super::schemes::unhex).concat();
    let mut der = sm2::PrivateKey::generate().unwrap().public_key().to_spki_der().to_vec();
    let start = der.len() - 64;
    der[start..].copy_from_slice(&point);
    assert_eq!(PublicKey::from_encoded(&der).unwrap_err().status(), Status::KeyInvalid);
    // Among the keys of a trust directory it spoils the trust, and nothing is verified.
    let (attack, _) = signed();
    fs::write(attack.trust.path().join("keys/test-curve.der"), der).unwrap();
    assert_eq!(attack.verdict(), Err(Status::TrustInvalid));
}

/// A file made of the digests of another file's leaves, which would have its root if leaves and nodes were not told apart.
#[test]
fn a_second_preimage_across_the_levels_of_the_tree() {
    let (attack, key) = signed();
    let mut plugin = fs::read(&attack.plugin).unwrap();
    plugin.resize(2 * LEAF_LEN, 0);
    plugin[LEAF_LEN..].fill(1);
    fs::write(&attack.plugin, &plugin).unwrap();
    fs::remove_file(&attack.signature).unwrap();
    let facts = FileFacts { service: "fee".into(), version: "v1".into(), epoch: 1, ..FileFacts::default() };
    FileSigner { key: &key, user_id: &UserId::default() }
        .sign_detached(&attack.plugin, None, &facts)
        .unwrap();
    assert_eq!(attack.verdict(), Ok(()));
    let mut leaves = [[0; 32]; 2];
    tree::leaves(&plugin, 0, &mut leaves);
    let nodes = leaves.concat();
    let (mut head, tail) = (plugin.clone(), plugin.split_off(LEAF_LEN));
    head.truncate(LEAF_LEN);
    let swapped = [tail, head].concat();
    for other in [nodes.clone(), [&[0], &*nodes].concat(), [&[1], &*nodes].concat(), swapped] {
        fs::write(&attack.plugin, other).unwrap();
        assert_eq!(attack.verdict(), Err(Status::Modified));
    }
}
