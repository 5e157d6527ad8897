//! Bills of materials and advisories for the whole-engine tests.

use super::{Trust, run};
use sogov::artifact::statement::Domain;
use sogov::engine::{FileFacts, sign_document};
use sogov::timestamp;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A CycloneDX document with these components.
pub fn cyclonedx(components: &str) -> String {
    format!(
        r#"{{"$schema":"http://cyclonedx.org/schema/bom-1.5.schema.json","bomFormat":"CycloneDX","specVersion":"1.5",
        "serialNumber":"urn:uuid:3e671687-395b-41f5-a30f-a58921a69b79","version":1,
        "metadata":{{"timestamp":"2026-01-31T00:00:00Z","tools":{{"components":[{{"type":"application","name":"t"}}]}},
            "component":{{"bom-ref":"fee","type":"library","name":"libfee","version":"1"}}}},
        "components":[{components}],"dependencies":[{{"ref":"fee","dependsOn":[]}}]}}"#
    )
}

/// What is stated of a fee plugin.
pub fn facts(version: &str) -> FileFacts {
    FileFacts { service: "fee".into(), version: version.into(), epoch: 1, ..FileFacts::default() }
}

/// Where the bill of materials of a plugin is looked for.
pub fn beside(plugin: &Path) -> PathBuf {
    let mut path = plugin.as_os_str().to_owned();
    path.push(".sbom.json");
    path.into()
}

/// A signed copy of a plugin that binds this bill of materials, which lies beside it.
pub fn bound(trust: &Trust, plugin: &Path, version: &str, sbom: &str) -> (PathBuf, PathBuf) {
    let path = beside(&trust.path().join(format!("fee-{version}.so")));
    fs::write(&path, sbom).unwrap();
    let facts = FileFacts { sbom: Some(path.clone()), ..facts(version) };
    (trust.signed_with(plugin, &facts), path)
}

/// Writes a trust document whose rule for every service has these further fields.
pub fn rule(trust: &Trust, more: &str) {
    trust.write(&Trust::document(&Trust::key_entry(&trust.key, ""), &format!(r#"{{"name":"*"{more}}}"#)));
}

/// What `cargo auditable` writes about these crates of crates.io.
pub fn auditable(packages: &[(&str, &str)]) -> String {
    let packages: Vec<String> = packages
        .iter()
        .map(|(name, version)| {
            format!(r#"{{"name":"{name}","version":"{version}","source":"crates.io","dependencies":[]}}"#)
        })
        .collect();
    format!(r#"{{"packages":[{}],"format":0}}"#, packages.join(","))
}

/// The content of the section: compressed by zlib, as another implementation does it.
pub fn dep_v0(json: &str) -> Vec<u8> {
    let script = "import sys,zlib; sys.stdout.buffer.write(zlib.compress(sys.stdin.buffer.read()))";
    let mut child = Command::new("python3")
        .args(["-c", script])
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), json.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    output.stdout
}

/// A copy of a plugin with the section `.dep-v0`.
pub fn with_section(trust: &Trust, plugin: &Path, content: &[u8]) -> PathBuf {
    let (data, copy) = (trust.path().join("dep-v0"), trust.path().join("with-dep-v0.so"));
    fs::write(&data, content).unwrap();
    run(Command::new("objcopy")
        .arg("--add-section")
        .arg(format!(".dep-v0={}", data.display()))
        .args([plugin, &copy]));
    copy
}

/// A snapshot of advisories of so many days ago, with these records.
pub fn advisories(number: u64, days_ago: u64, records: &str) -> String {
    let published = timestamp::format(timestamp::now() - days_ago * 86_400);
    format!(r#"{{"schema":1,"number":{number},"published":"{published}","advisories":[{records}]}}"#)
}

/// A record about the crate foo.
pub fn osv(introduced: &str, fixed: &str) -> String {
    format!(
        r#"{{"schema_version":"1.6.0","id":"RUSTSEC-2026-0001","modified":"2026-01-31T00:00:00Z","published":"2026-01-30T00:00:00Z",
        "aliases":["CVE-2026-1"],"summary":"use after free","details":"…",
        "affected":[{{"package":{{"ecosystem":"crates.io","name":"foo","purl":"pkg:cargo/foo"}},
            "ranges":[{{"type":"SEMVER","events":[{{"introduced":"{introduced}"}},{{"fixed":"{fixed}"}}]}}],
            "versions":[],"ecosystem_specific":{{"affects":{{"functions":[]}}}},"database_specific":{{"cvss":null}}}}],
        "references":[{{"type":"ADVISORY","url":"https://rustsec.org/advisories/RUSTSEC-2026-0001.html"}}]}}"#
    )
}

/// Puts a snapshot into the trust directory, signed by the root key.
pub fn publish(trust: &Trust, snapshot: &str) {
    let path = trust.path().join("advisories.json");
    fs::write(&path, snapshot).unwrap();
    sign_document(&trust.root, &path, Domain::Advisories).unwrap();
}
