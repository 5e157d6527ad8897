//! The program from outside: what it prints, what it writes, and its exit codes.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[path = "cli/custody.rs"]
mod custody;
mod support;

use serde_json::{Value, json};
use std::fs;
use std::process::{Command, Stdio};
use support::{SOGOV, Story};

const COMMANDS: [&str; 17] = [
    "keygen",
    "key-id",
    "trust init",
    "trust check",
    "trust add-key",
    "trust sign",
    "sign",
    "verify",
    "inspect",
    "pack",
    "install",
    "package check",
    "run",
    "audit verify",
    "audit show",
    "trust confirm-time",
    "trust state",
];

/// The examples of `--help`, one command after the other, are a story that works.
#[test]
fn every_example_of_the_help_runs() {
    let story = Story::empty();
    story.copy_plugins();
    story.write("password.txt", "correct horse\n");
    story.write("report.txt", "the report\n");
    story.write(
        "fee.cdx.json",
        r#"{"bomFormat":"CycloneDX","specVersion":"1.5","components":[{"type":"library","name":"foo","version":"1.0.0"}]}"#,
    );
    story.write("policy.json", r#"{"version":"p1","stable":"v1","weight":{"v1":80,"v2":20}}"#);
    for command in COMMANDS {
        let help = story.ok(&format!("{command} --help"));
        let examples: Vec<&str> = help
            .lines()
            .skip_while(|line| *line != "Examples:")
            .skip(1)
            .take_while(|line| !line.is_empty())
            .collect();
        assert!(!examples.is_empty(), "{help}");
        for example in examples {
            let ran = story.shell(example);
            assert_eq!(ran.code, 0, "{example}: {ran:?}");
        }
    }
}

#[test]
fn the_help_names_every_command_and_exit_code() {
    let story = Story::empty();
    let help = story.ok("--help");
    for command in COMMANDS {
        assert!(help.contains(&format!("\n  {command} ")), "{command}: {help}");
    }
    for code in [0, 1, 2, 3, 4, 70] {
        assert!(
            help.lines().any(|line| line.split_whitespace().next() == Some(&code.to_string())),
            "{code}: {help}"
        );
    }
    assert_eq!(help, story.ok("-h"));
    assert!(story.ok("trust --help").contains("trust add-key"));
    assert_eq!(story.ok("--version"), format!("sogov {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn a_wrong_command_line_is_exit_code_2_and_says_what_is_wrong() {
    let story = Story::new();
    story.sign_fee("v1");
    for (line, said) in [
        ("", "expected a command, found none"),
        ("frobnicate", "\"frobnicate\""),
        ("trust", "expected a command"),
        ("trust burn", "\"burn\""),
        ("keygen", "--out is required"),
        ("keygen --out a.pem --out b.pem", "--out stands there twice"),
        ("keygen --out", "--out"),
        ("keygen --out a.pem extra", "extra"),
        ("keygen --bogus", "unknown option --bogus"),
        ("key-id", "the file of a key"),
        ("sign --key release.pem --service fee libfee_v1.so", "--version is required"),
        ("sign --key release.pem --service fee --version v1", "the plugin's file"),
        (
            "sign --key release.pem --service fee --version v1 --epoch -1 libfee_v1.so",
            "--epoch: expected a number",
        ),
        (
            "sign --key release.pem --service fee --version v1 --not-after tomorrow libfee_v1.so",
            "2027-01-31T00:00:00Z",
        ),
        ("sign --key release.pem --service fee --version v1 --der libfee_v1.so", "--der goes with --message"),
        ("sign --key release.pem --service fee --version v1 --reserve 999999999 libfee_v1.so", "reserve"),
        ("sign --add --key release.pem --service fee v1.so", "--service does not go with --add"),
        ("sign --message v1.so --key release.pem v1.so", "does not go with --message"),
        ("verify --trust trust --service fee v1.so", "--root-id (or --development) is required"),
        ("verify --trust trust --development --root-id sm3:00 --service fee v1.so", "does not go with"),
        (
            "verify --trust trust --root-id sm3:00 --service fee v1.so",
            "key id: expected sm3: and 64 hex digits",
        ),
        ("verify --trust trust --development --service a/b v1.so", "service: expected"),
        ("verify --trust trust --development --service fee --der v1.so", "--der goes with --message"),
        ("verify --message - --signature - --public root.pub.pem", "standard input"),
        ("inspect --service fee v1.so", "go with --trust"),
        ("run --trust trust --development --service fee --input x", "--load is required"),
        ("run --trust trust --development --service fee --load v1.so --input x", "LABEL=PATH"),
        ("run --trust trust --development --service fee --load v1=v1.so", "--input TEXT"),
        ("run --trust trust --development --service fee --load v1=v1.so --input x -", "--input TEXT"),
        ("run --trust trust --development --service fee --load v1=v1.so --input x --count 0", "--count"),
        ("trust init --dir t --root root.pem --key release.pub.pem", "PUB.pem:SERVICES"),
    ] {
        let ran = story.run(line);
        assert_eq!(ran.code, 2, "sogov {line}: {ran:?}");
        assert!(ran.stderr.starts_with("sogov: ") && ran.stderr.contains(said), "sogov {line}: {ran:?}");
        assert!(ran.stdout.is_empty(), "sogov {line}: {ran:?}");
    }
    assert!(!story.at("a.pem").exists() && !story.at("t").exists(), "nothing was written");
}

#[test]
fn what_is_not_there_is_exit_code_3() {
    let story = Story::new();
    story.refused(
        "verify --trust trust --development --service fee missing.so",
        3,
        "NOT_FOUND",
        "missing.so",
    );
    story.refused(
        "verify --trust nowhere --development --service fee libfee_v1.so",
        3,
        "NOT_FOUND",
        "nowhere",
    );
    story.refused("inspect missing.so", 3, "NOT_FOUND", "missing.so");
    story.refused("keygen --out a.pem --scheme rot13", 3, "UNSUPPORTED", "expected one of sm2-sm3");
    story.refused(
        "sign --key missing.pem --service fee --version v1 libfee_v1.so",
        3,
        "NOT_FOUND",
        "missing.pem",
    );
}

#[test]
fn private_keys_are_private_and_never_overwritten() {
    let story = Story::empty();
    let id = story.ok("keygen --out key.pem --public key.pub.pem");
    assert_eq!((story.mode("key.pem"), story.mode("key.pub.pem")), (0o600, 0o644));
    assert!(id.starts_with("sm3:") && id.trim().len() == 68, "{id}");
    assert_eq!(story.ok("key-id key.pem"), id);
    assert_eq!(story.ok("key-id key.pub.pem"), id);

    let before = story.read("key.pem");
    story.refused("keygen --out key.pem", 3, "BUSY", "key.pem: exists already");
    story.refused("keygen --out new.pem --public key.pub.pem", 3, "BUSY", "key.pub.pem: exists already");
    assert_eq!(story.read("key.pem"), before);
    assert!(!story.at("new.pem").exists(), "a pair is made whole or not at all");
    std::os::unix::fs::symlink(story.at("elsewhere.pem"), story.at("link.pem")).unwrap();
    story.refused("keygen --out link.pem", 3, "BUSY", "exists already");
    assert!(!story.at("elsewhere.pem").exists(), "links are not followed");
}

#[test]
fn a_password_opens_its_key_and_nothing_else_does() {
    let story = Story::empty();
    story.write("password", "correct horse\n");
    story.write("wrong", "battery staple\n");
    story.write("empty", "\n");
    story.write("m", "message");
    let id = story.ok("keygen --out key.pem --public pub.pem --password-file password");
    let pem = String::from_utf8(story.read("key.pem")).unwrap();
    assert!(pem.starts_with("-----BEGIN ENCRYPTED PRIVATE KEY-----"), "{pem}");
    assert_eq!(story.ok("key-id --password-file password key.pem"), id);
    story.ok("sign --message m --key key.pem --password-file password --out m.sig");
    story.ok("verify --message m --public pub.pem --signature m.sig");
    for options in ["--password-file wrong", ""] {
        story.refused(&format!("sign --message m --key key.pem {options}"), 1, "KEY_INVALID", "key.pem");
    }
    story.refused("sign --message m --key key.pem --password-file empty", 2, "INVALID_ARGUMENT", "empty");
    fs::set_permissions(story.at("password"), std::os::unix::fs::PermissionsExt::from_mode(0o644)).unwrap();
    let ran = story.run("sign --message m --key key.pem --password-file password");
    assert_eq!((ran.code, ran.stdout.len()), (0, 64));
    assert!(ran.stderr.contains("others may read this secret (mode 0644)"), "{}", ran.stderr);
}

#[test]
fn nothing_that_is_printed_holds_a_private_key() {
    let story = Story::new();
    let secret = {
        let pem = String::from_utf8(story.read("release.pem")).unwrap();
        pem.lines().nth(1).unwrap().to_owned()
    };
    for line in [
        "key-id release.pem --json",
        "inspect release.pem --json",
        "sign --key release.pem --service fee --version v1 --out v1.so libfee_v1.so --json",
        "verify --message root.pem --public release.pem --signature root.pem",
        "trust init --dir second --root release.pem --json",
    ] {
        let ran = story.run(line);
        let printed = String::from_utf8_lossy(&ran.stdout).into_owned() + &ran.stderr;
        assert!(!printed.contains(&secret) && !printed.contains("PRIVATE KEY-----"), "{line}: {printed}");
    }
}

#[test]
fn a_signed_plugin_is_accepted_for_its_service_and_version() {
    let story = Story::new();
    story.sign_fee("v1");
    let trust = story.trust();
    let verified = story.json(&format!("verify {trust} --service fee --version v1 v1.so"));
    assert_eq!(verified["accepted"], true);
    assert_eq!(verified["signers"], json!([story.id("release")]));
    assert_eq!((&verified["service"], &verified["version"]), (&json!("fee"), &json!("v1")));
    assert_eq!(verified["development"], false);
    assert_eq!(story.json("verify --trust trust --development --service fee v1.so")["development"], true);

    for (line, status, reason) in [
        ("--service fee libfee_v1.so", "UNSIGNED", "found neither"),
        ("--service fx v1.so", "WRONG_SERVICE", "expected fx, the statement says fee"),
        ("--service fee --version v2 v1.so", "WRONG_SERVICE", "expected v2, the statement says v1"),
    ] {
        story.refused(&format!("verify {trust} {line}"), 1, status, reason);
    }
    story.refused(
        &format!("verify --trust trust --root-id {} --service fee v1.so", story.id("stranger")),
        1,
        "TRUST_INVALID",
        "by a root key",
    );
}

#[test]
fn what_must_not_run_is_refused_with_its_reason() {
    let story = Story::new();
    let verify = format!("verify {} --service fee", story.trust());
    let sign = "sign --service fee --version v1";

    story.sign_fee("v1");
    story.damage("v1.so", 0x300);
    story.refused(&format!("{verify} v1.so"), 1, "MODIFIED", "expected the digest sm3:");

    story.ok(&format!("{sign} --key stranger.pem --out stranger.so libfee_v1.so"));
    story.refused(&format!("{verify} stranger.so"), 1, "UNTRUSTED_KEY", &story.id("stranger"));

    story.ok(&format!("{sign} --key release.pem --not-after 2001-01-01T00:00:00Z --out old.so libfee_v1.so"));
    story.refused(&format!("{verify} old.so"), 1, "EXPIRED", "valid until 2001-01-01T00:00:00Z");

    story.ok(&format!(
        "{sign} --key release.pem --not-before 2999-01-01T00:00:00Z --out early.so libfee_v1.so"
    ));
    story.refused(&format!("{verify} early.so"), 1, "NOT_YET_VALID", "valid from 2999-01-01T00:00:00Z");

    story.ok(&format!("{sign} --key release.pem --detached --out both.so.sogsig libfee_v1.so"));
    story.ok(&format!("{sign} --key release.pem --out both.so libfee_v1.so"));
    story.refused(
        &format!("{verify} both.so"),
        1,
        "AMBIGUOUS",
        "found a .sigmeta section and a signature file",
    );

    story.ok(&format!("{sign} --key release.pem --epoch 2 --out second.so libfee_v1.so"));
    story.ok(&format!("{verify} second.so"));
    story.edit_trust(|document| document["services"] = json!([{"name": "fee", "epoch_floor": 3}]));
    story.refused(&format!("{verify} second.so"), 1, "BELOW_FLOOR", "at least 3, the statement says 2");
}

#[test]
fn a_threshold_of_two_takes_two_signers() {
    let story = Story::new();
    let verify = format!("verify {} --service fee v1.so", story.trust());
    story.edit_trust(|document| document["services"] = json!([{"name": "fee", "threshold": 2}]));
    story.sign_fee("v1");
    story.refused(&verify, 1, "UNTRUSTED_KEY", "expected signatures by 2 trusted keys, found 1");
    story.refused("sign --add --key release.pem v1.so", 3, "BUSY", "has signed already");
    story.ok("sign --add --key audit.pem v1.so");
    let mut expected = [story.id("release"), story.id("audit")];
    expected.sort();
    assert_eq!(story.json(&verify)["signers"], json!(expected));
    story.refused("sign --add --key audit.pem libfee_v1.so", 1, "UNSIGNED", ".sogsig");
}

#[test]
fn a_library_of_the_distribution_is_signed_beside_the_file() {
    let libz = format!("/lib/{}-linux-gnu/libz.so.1", std::env::consts::ARCH);
    let story = Story::new();
    let bytes = fs::read(&libz).unwrap();
    story.write("libz.so.1", &bytes);
    story.ok("sign --key release.pem --service zlib --version v1 --detached libz.so.1");
    assert_eq!(story.read("libz.so.1"), bytes, "the file is left as it is");
    let verify = format!("verify {} --service zlib", story.trust());
    story.refused(&format!("{verify} libz.so.1"), 1, "IMAGE_REJECTED", "Name it in `allow.sonames`");
    let mut document: Value = serde_json::from_slice(&story.read("trust/trust.json")).unwrap();
    document["services"] = json!([{"name": "zlib", "allow": {"sonames": ["libz.so.1"]}}]);
    story.write("trust/trust.json", document.to_string().as_bytes());
    story.ok("trust sign --dir trust --key root.pem");
    story.ok(&format!("{verify} libz.so.1"));
    story.ok(&format!("{verify} --signature libz.so.1.sogsig {libz}"));
    story.refused(&format!("{verify} {libz}"), 1, "UNSIGNED", "found neither");

    let inspected = story.json(&format!("inspect {} libz.so.1.sogsig", story.trust()));
    assert_eq!(inspected["kind"], "signature");
    assert_eq!(inspected["content"], "whole");
    assert_eq!(inspected["image"]["soname"], "libz.so.1");
    assert_eq!(inspected["trust"]["accepted"], true);
    assert_eq!(inspected["loading"]["accepted"], true);

    story.damage("libz.so.1", 5000);
    story.refused(&format!("{verify} libz.so.1"), 1, "MODIFIED", "expected the digest");
    assert_eq!(story.json("inspect libz.so.1.sogsig")["content"], "modified");
}

#[test]
fn inspect_shows_what_was_stated() {
    let story = Story::new();
    story.ok(
        "sign --key release.pem --service fee --version v2 --epoch 7 --semver 2.0.1 --issuer acme --channel beta \
         --audience eu --name pkg:generic/fee@2 --not-before 2020-01-01T00:00:00Z --not-after 2999-12-31T23:59:59Z \
         --reserve 4096 --out v2.so libfee_v2.so",
    );
    let inspected = story.json("inspect v2.so");
    let statement = &inspected["statement"];
    for (field, expected) in [
        ("service", json!("fee")),
        ("version", json!("v2")),
        ("epoch", json!(7)),
        ("semver", json!("2.0.1")),
        ("issuer", json!("acme")),
        ("channel", json!("beta")),
        ("audience", json!("eu")),
        ("name", json!("pkg:generic/fee@2")),
        ("not_before", json!("2020-01-01T00:00:00Z")),
        ("not_after", json!("2999-12-31T23:59:59Z")),
        ("soname", json!("libfee.so")),
    ] {
        assert_eq!(statement[field], expected, "{field}");
    }
    assert_eq!(statement["digest"], inspected["digest"]);
    assert_eq!((&inspected["signature"], &inspected["content"]), (&json!("embedded"), &json!("whole")));
    assert_eq!(inspected["signed_by"], json!([{"key_id": story.id("release"), "scheme": "sm2-sm3"}]));
    let image = &inspected["image"];
    assert_eq!((&image["soname"], &image["plugin_level"]), (&json!("libfee.so"), &json!(1)));
    assert_eq!(image["stack"], "not executable");
    assert_eq!(image["refused_because"], Value::Null);
    assert_eq!(inspected["bytes"].as_u64().unwrap(), statement["covered_bytes"].as_u64().unwrap() + 4096);

    let text = story.ok("inspect v2.so");
    assert!(text.contains("\nstatement:\n  service: fee\n  version: v2\n  epoch: 7\n"), "{text}");
    assert!(text.contains("\n  not after: 2999-12-31T23:59:59Z\n"), "{text}");
}

#[test]
fn inspect_says_whether_a_file_would_be_accepted_and_why_not() {
    let story = Story::new();
    let trust = story.trust();
    story.sign_fee("v1");
    let verdict = |options: &str| {
        let inspected = story.json(&format!("inspect {trust} {options}"));
        (
            inspected["trust"]["accepted"].clone(),
            inspected["trust"]["status"].clone(),
            inspected["loading"]["accepted"].clone(),
        )
    };
    assert_eq!(verdict("v1.so"), (json!(true), Value::Null, json!(true)));
    assert_eq!(verdict("--service fx v1.so"), (json!(false), json!("WRONG_SERVICE"), Value::Null));
    assert_eq!(verdict("libfee_v1.so"), (json!(false), json!("UNSIGNED"), Value::Null));
    story.damage("v1.so", 0x300);
    assert_eq!(verdict("v1.so"), (json!(false), json!("MODIFIED"), Value::Null));
    assert_eq!(story.json("inspect v1.so")["content"], "modified");
    assert_eq!(story.json("inspect --trust trust v1.so")["development"], true);
}

#[test]
fn components_are_bound_shown_and_denied() {
    let story = Story::new();
    story.write(
        "fee.cdx.json",
        r#"{"bomFormat":"CycloneDX","specVersion":"1.5","components":[
            {"type":"library","name":"foo","version":"1.1.0","purl":"pkg:cargo/foo@1.1.0"},
            {"type":"library","name":"bar","version":"2.0.0","purl":"pkg:cargo/bar@2.0.0"}]}"#,
    );
    let sign =
        "sign --key release.pem --service fee --version v1 --out v1.so --sbom fee.cdx.json libfee_v1.so";
    assert_eq!(story.json(sign)["sbom"], "v1.so.sbom.json");
    assert_eq!(story.read("v1.so.sbom.json"), story.read("fee.cdx.json"));
    let inspected = story.json("inspect v1.so");
    assert_eq!(
        (&inspected["sbom"]["document"], &inspected["sbom"]["file"]),
        (&json!("bound"), &json!("v1.so.sbom.json"))
    );
    let foo = json!({"name": "foo", "version": "1.1.0", "purl": "pkg:cargo/foo@1.1.0", "denied_by": null});
    assert_eq!(inspected["sbom"]["components"][1], foo);

    let trust = story.trust();
    let verify = format!("verify {trust} --service fee v1.so");
    story.ok(&verify);
    story.edit_trust(|document| {
        document["sbom"] = json!({"missing": "deny", "advisories": "deny", "max_advisory_age_days": 3650,
            "deny": [{"purl": "pkg:cargo/foo", "versions": "<1.2", "reason": "unsound"}]});
    });
    story.ok("trust sign --dir trust --key root.pem");
    story.refused(&verify, 1, "TRUST_INVALID", "advisories.json");
    let check = format!("trust check --dir trust --root-id {}", story.id("root"));
    story.refused(&check, 1, "TRUST_INVALID", "advisories.json");
    story.write("trust/advisories.json", "{}");
    story.refused(
        "trust sign --dir trust --key root.pem --file advisories.json",
        1,
        "TRUST_INVALID",
        "schema",
    );
    story.write(
        "trust/advisories.json",
        r#"{"schema":1,"number":7,"published":"2026-01-31T00:00:00Z","advisories":[{"id":"RUSTSEC-1","affected":[
            {"package":{"ecosystem":"crates.io","name":"bar"},"versions":["2.0.0"]}]}]}"#,
    );
    story.refused(&verify, 1, "TRUST_INVALID", "advisories.json.sogsig");
    story.ok("trust sign --dir trust --key root.pem --file advisories.json");
    assert_eq!(story.json(&check)["advisories"]["number"], 7);
    assert_eq!(story.json(&check)["services"][0]["sbom_denies"], json!(["pkg:cargo/foo <1.2"]));
    story.refused(&verify, 1, "COMPONENT_DENIED", "pkg:cargo/bar@2.0.0");
    let inspected = story.json(&format!("inspect {trust} v1.so"));
    assert_eq!(inspected["trust"]["status"], "COMPONENT_DENIED");
    let denied = |n: usize| inspected["sbom"]["components"][n]["denied_by"].clone();
    assert_eq!(denied(0), "the advisory RUSTSEC-1, the version is listed");
    assert_eq!(denied(1), "the rule pkg:cargo/foo <1.2: unsound");

    // Elsewhere, and gone.
    std::fs::rename(story.at("v1.so.sbom.json"), story.at("moved.json")).unwrap();
    story.refused(&verify, 1, "SBOM_INVALID", "found none");
    story.refused(&format!("{verify} --sbom moved.json"), 1, "COMPONENT_DENIED", "pkg:cargo/bar");
    assert_eq!(story.json("inspect v1.so")["sbom"]["document"], "not here");
    assert_eq!(story.json("inspect --sbom moved.json v1.so")["sbom"]["document"], "bound");
    assert_eq!(
        story.json("inspect --sbom moved.json libfee_v1.so")["sbom"]["document"],
        "not bound by the statement"
    );
    assert_eq!(story.json("inspect libfee_v1.so")["sbom"], Value::Null);
    story.write("bad.json", "{}");
    let bad = "sign --key release.pem --service fee --version v2 --sbom bad.json --out v2.so libfee_v2.so";
    story.refused(bad, 1, "SBOM_INVALID", "bomFormat");
}

#[test]
fn inspect_takes_any_file() {
    let story = Story::new();
    story.sign_fee("v1");
    let signed = story.read("v1.so");
    story.write("empty", "");
    story.write("text", "just text \u{1b}[2J");
    story.write("empty.sogsig", "");
    story.write("lone.so.sogsig", "not a container");
    for file in ["empty", "text", "empty.sogsig", "lone.so.sogsig", "libfee_v1.so", "release.pem"] {
        let inspected = story.json(&format!("inspect --trust trust {file}"));
        assert_ne!(inspected["trust"]["accepted"], true, "{file}: {inspected}");
        story.ok(&format!("inspect {file}"));
    }
    // Cut within the headers, the code, the section table and the container.
    for len in [4, 20, 64, 200, 4096, signed.len() / 2, signed.len() - 16384, signed.len() - 1] {
        story.write("cut.so", &signed[..len]);
        let inspected = story.json(&format!("inspect {} cut.so", story.trust()));
        assert_eq!(inspected["trust"]["accepted"], false, "{len} bytes: {inspected}");
    }
    let root = story.json("inspect trust/trust.json.sogsig");
    assert_eq!(
        (&root["content"], &root["statement"]["of"]),
        (&json!("whole"), &json!("a document of a trust directory"))
    );
}

#[test]
fn deny_lists_and_root_sets_are_signed_and_what_was_accepted_is_shown() {
    let story = Story::new();
    let (root, stranger) = (story.id("root"), story.id("stranger"));
    let check = format!("trust check --dir trust --root-id {root}");
    story.write("trust/denylist.json", r#"{"schema":1,"number":0}"#);
    let sign = "trust sign --dir trust --key root.pem --file";
    story.refused(&format!("{sign} denylist.json"), 1, "TRUST_INVALID", "number");
    story.write(
        "trust/denylist.json",
        r#"{"schema":1,"number":3,"services":[{"name":"fee","epoch_below":2,"reason":"rounds wrong"}]}"#,
    );
    story.refused(&check, 1, "TRUST_INVALID", "denylist.json.sogsig");
    story.ok(&format!("{sign} denylist.json"));
    let checked = story.json(&check);
    assert_eq!((&checked["denylist"]["number"], &checked["denylist"]["services"]), (&json!(3), &json!(1)));
    story.copy_plugins();
    story.sign_fee("v1");
    let verify = format!("verify {} --service fee --version v1 v1.so", story.trust());
    story.refused(&verify, 1, "REVOKED", "rounds wrong");

    fs::create_dir(story.at("trust/roots")).unwrap();
    story.write(
        "trust/roots/2.json",
        format!(r#"{{"schema":1,"number":2,"threshold":1,"keys":["{stranger}"]}}"#),
    );
    story.ok(&format!("{sign} roots/2.json"));
    story.refused(&check, 1, "TRUST_INVALID", "roots/2.json");
    for file in ["roots/2.json", "denylist.json", "trust.json"] {
        story.ok(&format!("trust sign --dir trust --key stranger.pem --file {file}"));
    }
    assert_eq!(story.json(&check)["root_set"], 2);

    story.refused("trust state --state nowhere", 3, "NOT_FOUND", "expected the trust state");
    fs::create_dir(story.at("state")).unwrap();
    let confirm =
        format!("trust confirm-time --dir trust --state state --root-id {root} --actor ops --reason");
    story.ok(&format!("{confirm} moved"));
    let state = story.json("trust state --state state");
    assert_eq!(state["confirmations"][0]["actor"], "ops");
    assert_eq!(state["advisories_number"], 0);
}

#[test]
fn the_trust_directory_is_checked_extended_and_signed() {
    let story = Story::new();
    assert_eq!((story.mode("trust"), story.mode("trust/keys")), (0o700, 0o700));
    story.refused("trust init --dir trust --root root.pem", 3, "BUSY", "exists already");
    let check = format!("trust check --dir trust --root-id {}", story.id("root"));
    let checked = story.json(&check);
    assert_eq!((&checked["accepted"], &checked["epoch"]), (&json!(true), &json!(1)));
    assert_eq!(checked["keys"][0]["services"], json!(["fee", "zlib"]));
    assert_eq!(checked["keys"][0]["state"], "in force");
    assert_eq!(
        checked["signed_by"],
        json!([{"key_id": story.id("root"), "root": true, "signature": "valid"}])
    );
    assert_eq!(checked["services"][0]["name"], "*");

    // What add-key does not know of stays as it is.
    story.edit_trust(|document| {
        document["services"] = json!([{"name": "fee", "allow": {"sonames": ["libz.so.1"]}}]);
    });
    let added = story.json(
        "trust add-key --dir trust --public stranger.pub.pem --services pay-*,fx --user-id somebody \
         --not-after 2001-01-01T00:00:00Z",
    );
    assert_eq!(added["epoch"], 2);
    assert!(added["sign_again"].as_str().unwrap().contains("trust sign"));
    story.refused(&check, 1, "TRUST_INVALID", "does not belong to this trust.json");
    assert_eq!(
        story.json("trust check --dir trust --development")["signed_by"][0]["signature"],
        "not over these bytes"
    );
    story.ok("trust sign --dir trust --key root.pem");
    let checked = story.json(&check);
    assert_eq!(checked["services"][0]["allowed_sonames"], json!(["libz.so.1"]));
    let key = &checked["keys"][2];
    assert_eq!((&key["id"], &key["state"]), (&json!(story.id("stranger")), &json!("expired")));
    assert_eq!((&key["services"], &key["user_id"]), (&json!(["pay-*", "fx"]), &json!("somebody")));
    story.refused(
        "trust add-key --dir trust --public stranger.pub.pem --services fee",
        1,
        "TRUST_INVALID",
        "twice",
    );

    // A second root signs the same bytes; either root will do.
    story.ok("trust sign --dir trust --key audit.pem");
    story.ok(&check);
    story.ok(&format!("trust check --dir trust --root-id {}", story.id("audit")));
}

#[test]
fn an_unsound_trust_directory_is_refused() {
    let story = Story::new();
    let check = format!("trust check --dir trust --root-id {}", story.id("root"));
    let set_mode = |mode| {
        fs::set_permissions(story.at("trust"), std::os::unix::fs::PermissionsExt::from_mode(mode)).unwrap();
    };
    set_mode(0o777);
    story.refused(&check, 1, "TRUST_INVALID", "mode 0777");
    set_mode(0o700);

    let good = story.read("trust/trust.json");
    story.write("trust/trust.json", r#"{"schema":1,"keys":[{"id":"sm3:00"}]}"#);
    story.refused("trust check --dir trust --development", 1, "TRUST_INVALID", "keys[0].id");
    story.refused("trust sign --dir trust --key root.pem", 1, "TRUST_INVALID", "keys[0].id");
    story.write("trust/trust.json", good);
    story.ok(&check);

    let release = story.id("release").replace("sm3:", "");
    fs::remove_file(story.at(&format!("trust/keys/{release}.pem"))).unwrap();
    let ran = story.run(&format!("{check} --json"));
    let checked: Value = serde_json::from_slice(&ran.stdout).unwrap();
    assert_eq!((ran.code, &checked["accepted"]), (1, &json!(false)));
    assert!(ran.stderr.contains("expected its public key in keys/"), "{ran:?}");
}

#[test]
fn messages_are_signed_in_both_forms_and_from_standard_input() {
    let story = Story::new();
    story.write("m", "message");
    story.ok("sign --message m --key release.pem --out raw.sig");
    story.ok("sign --message m --key release.pem --der --user-id alice --out der.sig");
    assert_eq!((story.read("raw.sig").len(), story.read("der.sig")[0]), (64, 0x30));
    let verify = "verify --message m --public release.pub.pem";
    story.ok(&format!("{verify} --signature raw.sig"));
    story.ok(&format!("{verify} --signature der.sig --der --user-id alice"));
    story.refused(&format!("{verify} --signature der.sig --der"), 1, "SIGNATURE_INVALID", "this user id");
    story.refused(
        &format!("{verify} --signature der.sig --user-id alice"),
        1,
        "SIGNATURE_INVALID",
        "64 bytes",
    );
    story.write("m", "another");
    story.refused(&format!("{verify} --signature raw.sig"), 1, "SIGNATURE_INVALID", "this message");

    let ran = story.shell(
        "printf piped | sogov sign --message - --key release.pem > piped.sig && \
         printf piped | sogov verify --message - --public release.pub.pem --signature piped.sig",
    );
    assert_eq!(ran.code, 0, "{ran:?}");
    let signed = story.json("sign --message m --key release.pem --der");
    assert_eq!((&signed["format"], &signed["key_id"]), (&json!("der"), &json!(story.id("release"))));
    assert!(signed["signature"].as_str().unwrap().starts_with("30"));
}

#[test]
fn openssl_and_this_program_read_each_other() {
    let story = Story::new();
    story.write("m", "message");
    story.write("password", "correct horse");
    story.ok("keygen --out locked.pem --public locked.pub.pem --password-file password");
    story.ok("sign --message m --key release.pem --der --out m.sig");
    let id = "-sigopt distid:1234567812345678";
    for line in [
        &format!("openssl dgst -sm3 -verify release.pub.pem {id} -signature m.sig m"),
        &format!("openssl dgst -sm3 -sign release.pem {id} -out theirs.sig m"),
        "sogov verify --message m --public release.pub.pem --signature theirs.sig --der",
        &format!("openssl dgst -sm3 -sign locked.pem -passin file:password {id} -out locked.sig m"),
        "sogov verify --message m --public locked.pub.pem --signature locked.sig --der",
        "openssl genpkey -algorithm SM2 -out other.pem && openssl pkey -in other.pem -pubout -out other.pub.pem",
        "test \"$(sogov key-id other.pem)\" = \"$(sogov key-id other.pub.pem)\"",
        "sogov sign --message m --key other.pem --der --out other.sig",
        &format!("openssl dgst -sm3 -verify other.pub.pem {id} -signature other.sig m"),
    ] {
        let ran = story.shell(line);
        assert_eq!(ran.code, 0, "{line}: {ran:?}");
    }
}

#[test]
fn a_service_asks_for_sm2_and_an_international_signature() {
    let story = Story::new();
    story.ok("keygen --scheme ecdsa-p256 --out p256.pem --public p256.pub.pem");
    story.refused("keygen --scheme rsa-pss-sha512 --out rsa.pem", 3, "UNSUPPORTED", "sm2-sm3 or ecdsa-p256");
    story.ok("trust add-key --dir trust --public p256.pub.pem --services fee");
    story.edit_trust(|document| {
        assert_eq!(document["keys"].as_array().unwrap().last().unwrap()["scheme"], "ecdsa-p256");
        document["services"] =
            json!([{"name": "fee", "schemes": [["sm2-sm3"], ["ecdsa-p256", "rsa-pss-sha512"]]}]);
    });
    let verify = format!("verify {} --service fee v1.so", story.trust());
    story.sign_fee("v1");
    story.refused(&verify, 1, "UNTRUSTED_KEY", "under ecdsa-p256 or rsa-pss-sha512, found none");
    story.ok("sign --add --key p256.pem v1.so");
    story.ok(&verify);
    let seen = story.json("inspect v1.so");
    assert!(seen.to_string().contains(r#""scheme":"ecdsa-p256""#), "{seen}");
}

#[test]
fn p256_messages_go_between_openssl_and_this_program() {
    let story = Story::new();
    story.write("m", "message");
    story.ok("keygen --scheme ecdsa-p256 --out p256.pem --public p256.pub.pem");
    for line in [
        "sogov sign --message m --key p256.pem --der --out m.sig",
        "openssl dgst -sha256 -verify p256.pub.pem -signature m.sig m",
        "openssl dgst -sha256 -sign p256.pem -out theirs.sig m",
        "sogov verify --message m --public p256.pub.pem --signature theirs.sig --der",
        "test \"$(sogov key-id p256.pem)\" = \"$(sogov key-id p256.pub.pem)\"",
    ] {
        let ran = story.shell(line);
        assert_eq!(ran.code, 0, "{line}: {ran:?}");
    }
}

#[test]
fn run_answers_from_the_version_that_serves() {
    let story = Story::new();
    for version in ["v1", "v2", "v3"] {
        story.sign_fee(version);
    }
    let run = format!("run {} --service fee --load v1=v1.so --load v2=v2.so", story.trust());
    let call = |options: &str, input: &str| {
        let line = format!("{run} {options} --json");
        let words: Vec<&str> =
            line.split(' ').filter(|word| !word.is_empty()).chain(["--input", input]).collect();
        let ran = story.run_words(&words);
        assert_eq!(ran.code, 0, "{ran:?}");
        serde_json::from_slice::<Value>(&ran.stdout).unwrap()
    };
    let reply = call("", "amount=1234.56 currency=CNY");
    assert_eq!(
        (&reply["version"], &reply["answer"]),
        (&json!("v1"), &json!("fee=6.17 currency=CNY tariff=v1"))
    );
    let reply = call("--promote v2", "amount=1234.56 currency=CNY");
    assert_eq!(
        (&reply["version"], &reply["answer"]),
        (&json!("v2"), &json!("fee=5.56 currency=CNY tariff=v2"))
    );

    story.write(
        "policy.json",
        r#"{"version":"p1","stable":"v1","weight":{"v1":80,"v2":20},
            "rules":[{"id":"env","priority":1,"when":{"header":"x-env","eq":"gray"},"to":"v2"}]}"#,
    );
    let reply = call("--policy policy.json --header X-Env=gray", "amount=1 currency=CNY");
    assert_eq!((&reply["version"], &reply["reason"]), (&json!("v2"), &json!("rule")));
    let counted = call("--policy policy.json --count 2000", "amount=1 currency=CNY");
    let calls = |label: &str| counted["split"][label]["calls"].as_u64().unwrap();
    assert_eq!((calls("v1") + calls("v2"), &counted["failed"]), (2000, &json!(0)));
    assert!((320..480).contains(&calls("v2")), "20% of 2000 users: {counted}");
    let sticky = call("--policy policy.json --count 10 --user-key alice", "amount=1 currency=CNY");
    assert_eq!(sticky["split"].as_object().unwrap().len(), 1, "one user stays with one version: {sticky}");

    story.write("request", "amount=1 currency=CNY");
    let text = story.ok(&format!("{run} --promote v2 --input-file request"));
    assert!(text.contains("version: v2"), "{text}");
}

#[test]
fn a_failing_plugin_is_exit_code_4_and_a_refused_one_1() {
    let story = Story::new();
    for version in ["v1", "v3"] {
        story.sign_fee(version);
    }
    let run = format!("run {} --service fee", story.trust());
    story.write("large", "amount=99999.00 currency=CNY");
    story.refused(&format!("{run} --load v3=v3.so --input-file large"), 4, "PLUGIN_FAILED", "version v3");
    let ran = story.run(&format!("{run} --load v3=v3.so --input-file large --count 3 --json"));
    let counted: Value = serde_json::from_slice(&ran.stdout).unwrap();
    assert_eq!((ran.code, &counted["failed"]), (4, &json!(3)));
    assert_eq!(counted["split"]["v3"]["failed"], 3);
    assert_eq!(counted["first_failure"]["status"], "PLUGIN_FAILED");

    story.refused(&format!("{run} --load v1=libfee_v1.so --input x"), 1, "UNSIGNED", "libfee_v1.so");
    let told = story.run(&format!("{run} --load v1=libfee_v1.so --input x")).stderr;
    assert_eq!(told.lines().count(), 1, "a refusal is told once: {told}");
    story.refused(&format!("{run} --load v2=v1.so --input x"), 1, "WRONG_SERVICE", "expected v2");
    story.write("policy.json", r#"{"version":"p","stable":"v1","weight":{"v1":1,"v9":1}}"#);
    story.refused(
        &format!("{run} --load v1=v1.so --policy policy.json --input x"),
        1,
        "ROUTE_POLICY_INVALID",
        "v9",
    );
}

#[test]
fn a_state_directory_brings_the_stable_version_back() {
    let story = Story::new();
    story.sign_fee("v1");
    story.write("request", "amount=100 currency=CNY");
    let run = format!("run {} --service fee --state state --input-file request", story.trust());
    assert_eq!(story.json(&format!("{run} --load v1=v1.so"))["version"], "v1");
    fs::remove_file(story.at("v1.so")).unwrap();
    let reply = story.json(&run);
    assert_eq!(
        (&reply["version"], &reply["answer"]),
        (&json!("v1"), &json!("fee=0.50 currency=CNY tariff=v1"))
    );
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let story = Story::new();
    let mut child = Command::new(SOGOV)
        .args(["inspect", "libfee_v1.so"])
        .current_dir(story.at(""))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
    let full = story.shell("sogov --help > /dev/full");
    assert_eq!(full.code, 3, "what could not be written is told: {full:?}");
}

#[test]
fn packages_are_made_installed_and_checked() {
    let story = Story::new();
    story.sign_fee("v1");
    let sign = "sign --key release.pem --service fee --version v3 --epoch 1 --detached libfee_v3.so";
    story.ok(sign);
    story.ok("keygen --out host.pem --public host.pub.pem");
    story.write("receipt.key", [7; 32]);
    story.write("fee.sbom.json", "{}");
    let pack = "pack --key release.pem --recipient host.pub.pem --audience host-1 --epoch 1 --out fee.sogpkg";
    let packed = story.json(&format!("{pack} --file fee.sbom.json v1.so libfee_v3.so"));
    let files = ["v1.so", "libfee_v3.so", "libfee_v3.so.sogsig", "fee.sbom.json"];
    assert_eq!(packed["files"], serde_json::json!(files));
    let trust = story.trust();
    let places = format!("{trust} --state state --receipt-key receipt.key");
    let install = format!("install {places} --key host.pem --audience host-1 fee.sogpkg");
    let installed = story.json(&install);
    let directory = installed["directory"].as_str().unwrap().to_owned();
    for name in files {
        let installed = std::fs::read(std::path::Path::new(&directory).join(name)).unwrap();
        assert_eq!(installed, story.read(name), "{name}");
    }
    story.refused(&install, 1, "REPLAYED", "was installed before");
    story.refused(&install.replace("host-1", "host-2"), 1, "WRONG_AUDIENCE", "host-2");
    let check = format!("package check {places} {directory}/v1.so");
    assert!(story.ok(&check).contains("untouched"));
    let plugin = &installed["plugins"][1].as_str().unwrap();
    story.ok(&format!("verify {trust} --service fee {plugin}"));
    std::fs::write(format!("{directory}/v1.so"), "other").unwrap();
    let checked = story.run(&check);
    assert_eq!(checked.code, 1);
    assert!(String::from_utf8_lossy(&checked.stdout).contains("replaced"), "{checked:?}");
    for wrong in [
        "pack --key release.pem --recipient host.pub.pem --out x.sogpkg v1.so",
        "pack --recipient host.pub.pem --audience a --out x.sogpkg v1.so",
        "pack --key release.pem --recipient host.pub.pem --audience a --out x.sogpkg",
        &format!("install {places} --key host.pem --audience host-1"),
    ] {
        assert_eq!(story.run(wrong).code, 2, "{wrong}");
    }
}
