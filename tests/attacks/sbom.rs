//! Bills of materials and advisories: bytes that are not those that were signed, components that hide from a rule, documents made
//! to exhaust their reader, and snapshots that are not the newest of the right hand.

use crate::support::packages::{self, Host};
use crate::support::sbom::{
    advisories, auditable, beside, bound, cyclonedx, dep_v0, facts, osv, publish, rule, with_section,
};
use crate::support::{TempDir, Trust, fee, run};
use sogov::artifact::elf::Elf;
use sogov::artifact::sbom::{MAX_LEN, Sbom};
use sogov::artifact::statement::Domain;
use sogov::crypto::sm2::{PrivateKey, UserId};
use sogov::engine::{
    Change, Engine, EngineOptions, LoadOptions, PackedPlugin, pack, sign_document, sign_message,
    sign_trust_document,
};
use sogov::error::Status;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

const HARMLESS: &str = r#"{"type":"library","name":"bar","version":"1.0.0","purl":"pkg:cargo/bar@1.0.0"}"#;
const DENY: &str = r#","sbom":{"deny":[
    {"purl":"pkg:cargo/foo_bar","versions":">=1.0,<1.2"},
    {"purl":"pkg:npm/%40scope/foo","versions":"<2"},
    {"purl":"pkg:golang/github.com/foo/bar","versions":"<1.5"},
    {"purl":"pkg:pypi/foo.bar","versions":"=1.0"},
    {"purl":"pkg:maven/org.foo/bar"}]}"#;
const ADVISORIES: &str = r#","sbom":{"advisories":"deny","max_advisory_age_days":7}"#;

fn verdict(trust: &Trust, plugin: &Path) -> Result<(), Status> {
    let engine = Engine::open(trust.options()).unwrap();
    asked(&engine, plugin)
}

fn asked(engine: &Arc<Engine>, plugin: &Path) -> Result<(), Status> {
    let verified = engine.verify_file("fee", Some("v1"), plugin, &LoadOptions::default());
    verified.map(drop).map_err(|e| e.status())
}

#[test]
fn swapped_for_a_harmless_one() {
    let trust = Trust::new();
    let denied = HARMLESS.replace("bar", "foo-bar");
    let (plugin, sbom) = bound(&trust, &fee("v1"), "v1", &cyclonedx(&denied));
    fs::write(sbom, cyclonedx(HARMLESS)).unwrap();
    assert_eq!(verdict(&trust, &plugin), Err(Status::SbomInvalid));
}

#[test]
fn edited_by_one_byte() {
    let trust = Trust::new();
    let (plugin, sbom) = bound(&trust, &fee("v1"), "v1", &cyclonedx(HARMLESS));
    assert_eq!(verdict(&trust, &plugin), Ok(()));
    let original = fs::read(&sbom).unwrap();
    for at in [0, original.len() / 2, original.len() - 1] {
        let mut edited = original.clone();
        edited[at] ^= 1;
        fs::write(&sbom, &edited).unwrap();
        assert_eq!(verdict(&trust, &plugin), Err(Status::SbomInvalid), "byte {at}");
    }
    // White space that changes nothing of what it says is an edit, too.
    fs::write(&sbom, [original.as_slice(), b"\n"].concat()).unwrap();
    assert_eq!(verdict(&trust, &plugin), Err(Status::SbomInvalid));
}

#[test]
fn taken_away() {
    let trust = Trust::new();
    rule(&trust, DENY);
    let denied = HARMLESS.replace("bar", "foo-bar");
    let (plugin, sbom) = bound(&trust, &fee("v1"), "v1", &cyclonedx(&denied));
    assert_eq!(verdict(&trust, &plugin), Err(Status::ComponentDenied));
    fs::remove_file(sbom).unwrap();
    assert_eq!(verdict(&trust, &plugin), Err(Status::SbomInvalid));
}

#[test]
fn of_another_plugin() {
    let trust = Trust::new();
    let (_, other) = bound(&trust, &fee("v2"), "v2", &cyclonedx(""));
    let (plugin, sbom) = bound(&trust, &fee("v1"), "v1", &cyclonedx(HARMLESS));
    fs::copy(other, sbom).unwrap();
    assert_eq!(verdict(&trust, &plugin), Err(Status::SbomInvalid));
}

/// Laid beside a plugin that binds none, where one is demanded.
#[test]
fn laid_beside_by_somebody() {
    let trust = Trust::new();
    rule(&trust, r#","sbom":{"missing":"deny"}"#);
    let plugin = trust.signed(&fee("v1"), "fee", "v1");
    fs::write(beside(&plugin), cyclonedx(HARMLESS)).unwrap();
    assert_eq!(verdict(&trust, &plugin), Err(Status::SbomInvalid));
}

/// Every spelling of a package that a rule denies is denied.
#[test]
fn a_rule_evaded_by_spelling() {
    let trust = Trust::new();
    rule(&trust, DENY);
    let component = |purl: &str, name: &str, version: &str| {
        let purl = if purl.is_empty() { String::new() } else { format!(r#","purl":"{purl}""#) };
        cyclonedx(&format!(r#"{{"type":"library","name":"{name}","version":"{version}"{purl}}}"#))
    };
    let long = format!("pkg:cargo/foo_bar@1.1.0?x={}", "+".repeat(3_000));
    for (purl, name, version) in [
        // Letter case and the dashes that the registry takes for one.
        ("pkg:cargo/Foo-Bar@1.1.0", "x", "1.1.0"),
        ("PKG:CARGO/foo_bar@1.1.0", "x", "1.1.0"),
        ("pkg:pypi/Foo__Bar@1.0", "x", "1.0"),
        ("pkg:golang/GitHub.com/Foo/Bar@v1.4.9", "x", "v1.4.9"),
        // Percent-encoding.
        ("pkg:cargo/%66oo%5Fbar@1.1.0", "x", "1.1.0"),
        ("pkg:npm/@scope/foo@1.9.9", "x", "1.9.9"),
        ("pkg:npm/%40scope%2Ffoo@1.9.9", "x", "1.9.9"),
        ("pkg:cargo/foo_bar@1%2E1.0", "x", "1.1.0"),
        // Slashes, qualifiers, subpath.
        ("pkg:////cargo//foo_bar@1.1.0", "x", "1.1.0"),
        ("pkg:cargo/foo_bar@1.1.0?repository_url=https://other.example&checksum=1", "x", "1.1.0"),
        ("pkg:cargo/foo_bar@1.1.0#sub/path", "x", "1.1.0"),
        // The version: a leading v, build metadata, zeros, none at all, one that nobody can compare, two that differ.
        ("pkg:cargo/foo_bar@v1.1.0", "x", "v1.1.0"),
        ("pkg:cargo/foo_bar@1.1.0+9.9.9", "x", "1.1.0+9.9.9"),
        ("pkg:cargo/foo_bar@1.01.0", "x", "1.01.0"),
        ("pkg:cargo/foo_bar@1.1", "x", "1.1"),
        ("pkg:cargo/foo_bar", "x", ""),
        ("pkg:cargo/foo_bar@newest", "x", "newest"),
        ("pkg:cargo/foo_bar@1.1.0", "x", "9.9.9"),
        ("pkg:cargo/foo_bar@9.9.9", "x", "1.1.0"),
        ("pkg:pypi/foo-bar@v1.0", "x", "v1.0"),
        // So much that its canonical form is longer than what is read.
        (&long, "x", "1.1.0"),
        // No package URL, or an alias of the type that nobody knows.
        ("", "foo_bar", "1.1.0"),
        ("", "Foo-Bar", "1.1.0"),
        ("", "org.foo:bar", "7"),
        ("", "@scope/foo", "1.0.0"),
        ("pkg:crates/foo_bar@1.1.0", "x", "1.1.0"),
        ("pkg:rust/x@1.1.0", "foo-bar", "1.1.0"),
        ("pkg:crates/group/foo_bar@1.1.0", "x", "1.1.0"),
    ] {
        let (plugin, _) = bound(&trust, &fee("v1"), "v1", &component(purl, name, version));
        assert_eq!(verdict(&trust, &plugin), Err(Status::ComponentDenied), "{purl} {name} {version}");
    }
    for (purl, name, version) in [
        ("pkg:cargo/foo_bar@1.2.0", "x", "1.2.0"),
        ("pkg:npm/foo@1.0.0", "x", "1.0.0"),
        ("pkg:npm/foo_bar@1.1.0", "foo_bar", "1.1.0"),
        ("", "foo", "1.1.0"),
    ] {
        let (plugin, _) = bound(&trust, &fee("v1"), "v1", &component(purl, name, version));
        assert_eq!(verdict(&trust, &plugin), Ok(()), "{purl} {name} {version}");
    }
}

/// A group or a namespace in front would make another package of it.
#[test]
fn a_rule_evaded_by_a_group() {
    let trust = Trust::new();
    rule(&trust, DENY);
    let grouped = cyclonedx(r#"{"type":"library","group":"other","name":"foo_bar","version":"1.1.0"}"#);
    let (plugin, _) = bound(&trust, &fee("v1"), "v1", &grouped);
    assert_eq!(verdict(&trust, &plugin), Err(Status::ComponentDenied));
    for purl in ["pkg:cargo/other/foo_bar@1.1.0", "pkg:cargo/other%2Ffoo_bar@1.1.0"] {
        let sbom = cyclonedx(&format!(r#"{{"type":"library","name":"x","purl":"{purl}"}}"#));
        assert_eq!(Sbom::parse(sbom.as_bytes()).unwrap_err().status(), Status::SbomInvalid, "{purl}");
    }
}

/// The denied component stands inside another one, or is what the document is about.
#[test]
fn a_component_hidden_in_another() {
    let trust = Trust::new();
    rule(&trust, DENY);
    let denied = r#"{"type":"library","name":"foo_bar","version":"1.1.0","purl":"pkg:cargo/foo_bar@1.1.0"}"#;
    let nested = format!(
        r#"{{"type":"library","name":"a","components":[{{"type":"library","name":"b","components":[{denied}]}}]}}"#
    );
    let about = format!(
        r#"{{"bomFormat":"CycloneDX","specVersion":"1.6","version":1,"metadata":{{"component":{denied}}}}}"#
    );
    for sbom in [cyclonedx(&nested), about] {
        let (plugin, _) = bound(&trust, &fee("v1"), "v1", &sbom);
        assert_eq!(verdict(&trust, &plugin), Err(Status::ComponentDenied), "{sbom}");
    }
}

/// Two readers would see two documents, or one would run out of stack. Nobody signs these here, and nobody reads them.
#[test]
fn names_twice_and_nesting() {
    let twice = format!(
        r#"{{"bomFormat":"CycloneDX","specVersion":"1.5","components":[{HARMLESS}],"components":[]}}"#
    );
    let in_component = cyclonedx(r#"{"name":"bar","purl":"pkg:cargo/bar@1","purl":"pkg:cargo/foo-bar@1"}"#);
    let both =
        r#"{"bomFormat":"CycloneDX","specVersion":"1.5","spdxVersion":"SPDX-2.3","packages":[]}"#.to_owned();
    let deep =
        cyclonedx(&format!("{}{}", r#"{"name":"a","components":["#.repeat(40_000), "]}".repeat(40_000)));
    let brackets = "[".repeat(1 << 20);
    let trust = Trust::new();
    for sbom in [twice, in_component, both, deep, brackets] {
        let path = trust.path().join("hostile.json");
        fs::write(&path, &sbom).unwrap();
        let mut facts = facts("v1");
        facts.sbom = Some(path);
        let signed =
            trust.signer().sign(&fee("v1"), &trust.path().join("out.so"), &facts).map_err(|e| e.status());
        assert_eq!(signed.map(drop), Err(Status::SbomInvalid));
    }
}

/// A section that would unpack to gigabytes, and others that are not what they should be.
#[test]
fn a_bomb_in_the_section() {
    let trust = Trust::new();
    rule(&trust, r#","sbom":{"missing":"deny"}"#);
    let bomb = dep_v0(&format!("{}{{}}", " ".repeat(MAX_LEN)));
    assert!(bomb.len() < MAX_LEN / 100);
    let good = dep_v0(&auditable(&[("bar", "1.0.0")]));
    let truncated = good[..good.len() - 1].to_vec();
    let wrong_sum = [&good[..good.len() - 1], &[good[good.len() - 1] ^ 1]].concat();
    for (section, expected) in [
        (good.clone(), Ok(())),
        (bomb, Err(Status::SbomInvalid)),
        (truncated, Err(Status::SbomInvalid)),
        (wrong_sum, Err(Status::SbomInvalid)),
        (b"not compressed".to_vec(), Err(Status::SbomInvalid)),
        (dep_v0("{}"), Err(Status::SbomInvalid)),
        (dep_v0(r#"{"packages":[],"packages":[]}"#), Err(Status::SbomInvalid)),
        (dep_v0(&auditable(&[("a/../b", "1.0.0")])), Err(Status::SbomInvalid)),
    ] {
        let plugin = trust.signed(&with_section(&trust, &fee("v1"), &section), "fee", "v1");
        assert_eq!(verdict(&trust, &plugin), expected);
    }
}

/// The first section is harmless, the second is what the binary was built of.
#[test]
fn two_sections() {
    let trust = Trust::new();
    rule(&trust, r#","sbom":{"missing":"deny"}"#);
    let once = with_section(&trust, &fee("v1"), &dep_v0(&auditable(&[("bar", "1.0.0")])));
    let (twice, data) = (trust.path().join("twice.so"), trust.path().join("dep-v0"));
    // objcopy refuses a name that is there already: another one is made, and renamed.
    run(Command::new("objcopy")
        .arg("--add-section")
        .arg(format!(".dep-v1={}", data.display()))
        .args([&once, &twice]));
    let mut bytes = fs::read(&twice).unwrap();
    let at = bytes.windows(8).position(|name| name == b".dep-v1\0").unwrap();
    bytes[at + 6] = b'0';
    fs::write(&twice, &bytes).unwrap();
    let sections = Elf::parse(&bytes).unwrap().sections().iter().filter(|s| s.name == ".dep-v0").count();
    assert_eq!(sections, 2);
    let plugin = trust.signed(&twice, "fee", "v1");
    assert_eq!(verdict(&trust, &plugin), Err(Status::SbomInvalid));
}

/// The section is not in the covered bytes of the first signer's file: added after signing.
#[test]
fn a_section_added_after_signing() {
    let trust = Trust::new();
    let plugin = trust.signed(&fee("v1"), "fee", "v1");
    let changed = with_section(&trust, &plugin, &dep_v0(&auditable(&[("bar", "1.0.0")])));
    assert_eq!(verdict(&trust, &changed), Err(Status::Modified));
    let detached = trust.path().join("detached.so");
    fs::copy(fee("v1"), &detached).unwrap();
    trust.signer().sign_detached(&detached, None, &facts("v1")).unwrap();
    assert_eq!(verdict(&trust, &detached), Ok(()));
    fs::copy(with_section(&trust, &detached, &dep_v0(&auditable(&[]))), &detached).unwrap();
    assert_eq!(verdict(&trust, &detached), Err(Status::Modified));
}

#[test]
fn advisories_that_nobody_signed() {
    let trust = Trust::new();
    rule(&trust, ADVISORIES);
    let (plugin, _) = bound(&trust, &fee("v1"), "v1", &cyclonedx(HARMLESS));
    assert_eq!(verdict(&trust, &plugin), Err(Status::TrustInvalid));
    fs::write(trust.path().join("advisories.json"), advisories(1, 0, "")).unwrap();
    assert_eq!(verdict(&trust, &plugin), Err(Status::TrustInvalid));
    publish(&trust, &advisories(1, 0, ""));
    assert_eq!(verdict(&trust, &plugin), Ok(()));
    // Another snapshot under the signature of this one.
    fs::write(trust.path().join("advisories.json"), advisories(2, 0, "")).unwrap();
    assert_eq!(verdict(&trust, &plugin), Err(Status::TrustInvalid));
}

#[test]
fn advisories_by_another_key() {
    let trust = Trust::new();
    rule(&trust, ADVISORIES);
    let (plugin, _) = bound(&trust, &fee("v1"), "v1", &cyclonedx(HARMLESS));
    fs::write(trust.path().join("advisories.json"), advisories(1, 0, "")).unwrap();
    // A release key, whose public key is in the directory, and one of nobody.
    for key in [&trust.key, &PrivateKey::generate().unwrap()] {
        let _ = fs::remove_file(trust.path().join("advisories.json.sogsig"));
        sign_document(key, &trust.path().join("advisories.json"), Domain::Advisories).unwrap();
        assert_eq!(verdict(&trust, &plugin), Err(Status::TrustInvalid));
    }
}

/// The root key's signature over a trust document of the same bytes, which are both: worth nothing for the snapshot.
#[test]
fn a_signature_of_another_domain() {
    let trust = Trust::new();
    rule(&trust, ADVISORIES);
    let (plugin, _) = bound(&trust, &fee("v1"), "v1", &cyclonedx(HARMLESS));
    let other = Trust::new();
    fs::write(other.path().join("trust.json"), advisories(1, 0, "")).unwrap();
    sign_document(&trust.root, &other.path().join("trust.json"), Domain::TrustDocument).unwrap();
    for name in ["", ".sogsig"] {
        let from = other.path().join(format!("trust.json{name}"));
        let _ = fs::remove_file(trust.path().join(format!("advisories.json{name}")));
        fs::copy(from, trust.path().join(format!("advisories.json{name}"))).unwrap();
    }
    assert_eq!(verdict(&trust, &plugin), Err(Status::TrustInvalid));
    // And no key signs such bytes as a message.
    let message = b"sogov.advisories.v1\0";
    let refused = sign_message(&trust.root, &UserId::default(), message).map_err(|e| e.status());
    assert_eq!(refused.map(drop), Err(Status::InvalidArgument));
}

#[test]
fn advisories_that_are_old() {
    let trust = Trust::new();
    rule(&trust, ADVISORIES);
    let (plugin, _) = bound(&trust, &fee("v1"), "v1", &cyclonedx(HARMLESS));
    publish(&trust, &advisories(1, 6, ""));
    assert_eq!(verdict(&trust, &plugin), Ok(()));
    publish(&trust, &advisories(1, 8, ""));
    assert_eq!(verdict(&trust, &plugin), Err(Status::Expired));
}

/// A date far ahead would keep a snapshot fresh for ever.
#[test]
fn advisories_from_the_future() {
    let trust = Trust::new();
    rule(&trust, ADVISORIES);
    let (plugin, _) = bound(&trust, &fee("v1"), "v1", &cyclonedx(HARMLESS));
    let ahead = sogov::timestamp::format(sogov::timestamp::now() + 3 * 86_400);
    publish(&trust, &format!(r#"{{"schema":1,"number":1,"published":"{ahead}","advisories":[]}}"#));
    assert_eq!(verdict(&trust, &plugin), Err(Status::NotYetValid));
}

/// The snapshot before the one that knew the vulnerability, rightly signed and not yet old, is put back.
#[test]
fn advisories_rolled_back() {
    let trust = Trust::new();
    rule(&trust, ADVISORIES);
    let denied = HARMLESS.replace("bar", "foo");
    let (plugin, _) = bound(&trust, &fee("v1"), "v1", &cyclonedx(&denied));
    let engine = Engine::open(trust.options()).unwrap();
    publish(&trust, &advisories(4, 1, ""));
    assert_eq!(asked(&engine, &plugin), Ok(()));
    publish(&trust, &advisories(5, 0, &osv("0", "1.2.0")));
    assert_eq!(asked(&engine, &plugin), Err(Status::ComponentDenied));
    publish(&trust, &advisories(4, 1, ""));
    assert_eq!(asked(&engine, &plugin), Err(Status::BelowFloor));
}

/// The same on a machine whose program was restarted meanwhile.
#[test]
fn advisories_rolled_back_after_a_restart() {
    let (trust, state) = (Trust::new(), TempDir::new());
    rule(&trust, ADVISORIES);
    let (plugin, _) = bound(&trust, &fee("v1"), "v1", &cyclonedx(HARMLESS));
    let open = || {
        let state_directory = Some(state.path().to_owned());
        Engine::open(EngineOptions { state_directory, ..trust.options() }).unwrap()
    };
    publish(&trust, &advisories(5, 0, ""));
    // To look at trust is enough to have seen it.
    open().refresh_trust(&Change::default()).unwrap();
    publish(&trust, &advisories(4, 1, ""));
    assert_eq!(asked(&open(), &plugin), Err(Status::BelowFloor));
    // Whoever asks for none is not concerned.
    rule(&trust, "");
    assert_eq!(asked(&open(), &plugin), Ok(()));
    rule(&trust, ADVISORIES);
    publish(&trust, &advisories(6, 0, ""));
    assert_eq!(asked(&open(), &plugin), Ok(()));
}

/// As many root keys have to sign advisories as sign the trust document.
#[test]
fn advisories_that_too_few_root_keys_signed() {
    let trust = Trust::new();
    rule(&trust, ADVISORIES);
    let (plugin, _) = bound(&trust, &fee("v1"), "v1", &cyclonedx(HARMLESS));
    publish(&trust, &advisories(1, 0, ""));
    let second = PrivateKey::generate().unwrap();
    trust.add_key("second", &second);
    sign_trust_document(&second, trust.path()).unwrap();
    let mut options = trust.options();
    options.root_key_ids.push(second.public_key().key_id());
    options.root_threshold = 2;
    let engine = Engine::open(options).unwrap();
    assert_eq!(asked(&engine, &plugin), Err(Status::TrustInvalid));
    sign_document(&second, &trust.path().join("advisories.json"), Domain::Advisories).unwrap();
    assert_eq!(asked(&engine, &plugin), Ok(()));
}

/// What is wrong with advisories takes nothing away from services that ask for none, nor from the deny-list.
#[test]
fn broken_advisories_stop_nobody_else() {
    let trust = Trust::new();
    let services = format!(r#"{{"name":"risk"{ADVISORIES}}},{{"name":"*"}}"#);
    trust.write(&Trust::document(&Trust::key_entry(&trust.key, ""), &services));
    let (plugin, _) = bound(&trust, &fee("v1"), "v1", &cyclonedx(HARMLESS));
    let engine = Engine::open(trust.options()).unwrap();
    assert_eq!(asked(&engine, &plugin), Ok(()));
    publish(&trust, &advisories(1, 0, ""));
    fs::write(trust.path().join("advisories.json"), "{").unwrap();
    assert_eq!(asked(&engine, &plugin), Ok(()));
    let denylist = trust.path().join("denylist.json");
    fs::write(
        &denylist,
        r#"{"schema":1,"number":1,"services":[{"name":"*","epoch_below":9,"reason":"old"}]}"#,
    )
    .unwrap();
    sign_document(&trust.root, &denylist, Domain::Denylist).unwrap();
    assert_eq!(asked(&engine, &plugin), Err(Status::Revoked));
}

/// Duplicates of names in the snapshot: two readers, two verdicts.
#[test]
fn advisories_with_a_name_twice() {
    let trust = Trust::new();
    rule(&trust, ADVISORIES);
    let (plugin, _) = bound(&trust, &fee("v1"), "v1", &cyclonedx(HARMLESS));
    publish(&trust, &advisories(1, 0, &osv("0", "1").replace(r#""aliases""#, r#""affected""#)));
    assert_eq!(verdict(&trust, &plugin), Err(Status::TrustInvalid));
}

/// What is read of hostile bytes ends, whatever they are: cut, doubled and turned.
#[test]
fn hostile_bytes_are_refused_or_read() {
    let json = cyclonedx(&[HARMLESS; 20].join(","));
    for length in 0..json.len() {
        assert_eq!(Sbom::parse(&json.as_bytes()[..length]).unwrap_err().status(), Status::SbomInvalid);
    }
}

/// A package brings the bill of materials that a plugin's statement binds: without it the plugin would not load where it is
/// installed.
#[test]
fn a_package_without_the_bill_of_materials_of_its_plugin() {
    let host = Host::new();
    let (plugin, sbom) = bound(&host.trust, &fee("v1"), "v1", &cyclonedx(""));
    let packed = PackedPlugin { path: plugin, signature_path: None };
    let target = host.work.path().join("bound.sogpkg");
    let make = || {
        let recipients = std::slice::from_ref(&host.recipient);
        let plugins = std::slice::from_ref(&packed);
        pack(plugins, &[], &packages::facts(1), &[host.trust.signer()], recipients, &target)
    };
    let files = make().unwrap().files;
    assert_eq!(files, ["fee-v1.so", "fee-v1.so.sbom.json"]);
    let installed = host.install(&target).unwrap();
    host.engine().load_versioned("fee", "v1", &installed.plugins[0], &LoadOptions::default()).unwrap();

    fs::remove_file(sbom).unwrap();
    assert_eq!(make().unwrap_err().status(), Status::NotFound);
}
