//! Keys in tokens through the program: the walk of docs/custody.md, and what it refuses.

use super::support::Story;
use std::fs;

#[test]
fn the_walk_with_softhsm_runs() {
    let document = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/custody.md")).unwrap();
    let (_, walk) = document.split_once("```sh\n").unwrap();
    let (walk, _) = walk.split_once("```").unwrap();
    let story = Story::empty();
    // What follows the walk: a plugin, signed in the token and verified by the trust that the token signed.
    story.copy_plugins();
    let ran = story.shell(&format!(
        "set -eu\n{walk}\nsogov sign --key \"$key\" --service fee --version v1 --out v1.so libfee_v1.so\n\
         sogov inspect --json v1.so\n"
    ));
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(String::from_utf8(ran.stdout).unwrap().contains("ecdsa-p256"));
}

#[test]
fn uris_are_read_strictly() {
    let story = Story::empty();
    story.ok("keygen --out key.pem");
    story.write("message", "message");
    let file = story.at("key.pem");
    story.ok(&format!("sign --message message --key file:{} --out signature", file.display()));
    for (uri, code, status) in [
        ("pkcs11:object=k", 2, "INVALID_ARGUMENT"),
        ("pkcs11:object=k?module-path=/m.so&pin-value=1", 2, "INVALID_ARGUMENT"),
        ("file:key.pem", 2, "INVALID_ARGUMENT"),
    ] {
        story.refused(&format!("sign --message message --key {uri}"), code, status, "key URI");
    }
    let uri = format!("pkcs11:object=k?module-path={}", file.display());
    story.refused(&format!("sign --message message --key {uri}"), 3, "CUSTODY_FAILED", "cannot be loaded");
    let ran = story.run(&format!("sign --message message --key file:{} --password-file p", file.display()));
    assert!(ran.code == 2 && ran.stderr.contains("pin-source"), "{ran:?}");
}
