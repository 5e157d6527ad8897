//! `sogov trust check`
#![forbid(unsafe_code)]

use super::{Args, Command, DIR, Failure, Output, Path, Result, Value, json};
use crate::engine::{self, DEVELOPMENT, ROOT_ID, ROOT_SET, ROOT_THRESHOLD};
use crate::exit::Exit;
use crate::output;
use sogov::artifact::sigmeta::{Sigmeta, SignatureEntry};
use sogov::crypto::key_id::KeyId;
use sogov::crypto::scheme::Scheme;
use sogov::error::Status;
use sogov::sys::file;
use sogov::timestamp::{self, UnixSeconds};
use sogov::trust::{
    Denylist, Gate, ServiceRule, TrustDirectory, TrustSnapshot, TrustedKey, document_signed_by,
};

pub const COMMAND: Command = Command {
    name: "trust check",
    summary: "validates a trust directory as the engine does, and lists what it says",
    usage: &["--dir DIR (--root-id sm3:HEX ... [--root-threshold N] [--root-set N] | --development)"],
    about: &[
        "Owners and modes of the directory, the sets of root keys that follow the given one, the document, the \
              deny-list and the advisories, their signatures, and every key file. A key \
              that is named but has no file in keys/, or one of another scheme, is refused too: its signatures would never \
              count.",
    ],
    options: &[DIR, ROOT_ID, ROOT_THRESHOLD, ROOT_SET, DEVELOPMENT],
    operands: 0,
    examples: &["sogov trust check --dir trust --root-id \"$(sogov key-id root.pub.pem)\""],
    run,
};

fn run(args: &Args, output: &mut Output) -> std::result::Result<(), Failure> {
    let directory = args.required_path("dir")?;
    let directory_of_trust =
        TrustDirectory::new(directory.to_owned(), engine::root_set(args)?, sogov::engine::prepared_keys);
    let view = directory_of_trust.read()?;
    let (trust, now) = (&*view.snapshot, view.time.earliest);
    let roots = trust.roots.ids();
    // Advisories that would be refused at load, for whichever service is strictest, are refused here.
    let services = trust.document.services().map(|(name, _)| name).chain(["*".to_owned()]);
    let age = |name: &String| trust.document.rule_for(name).sbom.advisories_max_age;
    let strictest = services.filter_map(|name| Some((age(&name)?, name))).min();
    let gate = strictest.map(|(_, name)| view.gate(&name)).transpose()?;
    let advisories = gate.as_ref().and_then(Gate::advisories);
    let without_file: Vec<KeyId> =
        trust.document.keys.iter().map(|key| key.id).filter(|id| trust.public_key(id).is_none()).collect();
    let mislabelled: Vec<&TrustedKey> = trust
        .document
        .keys
        .iter()
        .filter(|key| trust.public_key(&key.id).is_some_and(|file| file.scheme() != key.scheme))
        .collect();
    let accepted = without_file.is_empty() && mislabelled.is_empty();
    output.show(&json!({
        "accepted": accepted,
        "directory": directory.display().to_string(),
        "development": roots.is_empty(),
        "root_set": (!roots.is_empty()).then(|| trust.roots.number()),
        "root_threshold": (!roots.is_empty()).then(|| trust.roots.threshold()),
        "epoch": trust.document.epoch,
        "issued": trust.document.issued.map(timestamp::format),
        "not_after": trust.document.not_after.map(timestamp::format),
        "signed_by": signatures(directory, trust, roots)?,
        "denylist": trust.denylist.as_ref().map(of_denylist),
        "denylist_at_least": trust.document.denylist.at_least,
        "advisories": advisories.map(|all| json!({
            "number": all.number(), "published": timestamp::format(all.published()), "records": all.len(),
        })),
        "keys": trust.document.keys.iter().map(|key| of_key(key, trust, now)).collect::<Vec<_>>(),
        "services": trust.document.services().map(|(name, rule)| of_rule(&name, rule)).collect::<Vec<_>>(),
    }));
    for id in &without_file {
        output::complain(&format!(
            "{}: key {id}: expected its public key in keys/, found none ({})",
            directory.display(),
            Status::TrustInvalid.name()
        ));
    }
    for key in &mislabelled {
        output::complain(&format!(
            "{}: key {}: the document says {}, its public key is of another scheme ({})",
            directory.display(),
            key.id,
            key.scheme,
            Status::TrustInvalid.name()
        ));
    }
    if accepted { Ok(()) } else { Err(Failure::Reported(Exit::Refused)) }
}

/// Who has signed the document as it stands.
fn signatures(directory: &Path, trust: &TrustSnapshot, roots: &[KeyId]) -> Result<Vec<Value>> {
    let path = directory.join("trust.json.sogsig");
    let container = match file::read(&path, 64 << 10) {
        // Only in the development mode: elsewhere it has been refused.
        Err(e) if e.status() == Status::NotFound => return Ok(vec![]),
        bytes => Sigmeta::from_der(&bytes?).map_err(|e| e.of(path.display()))?,
    };
    let document = super::read_document(directory)?;
    let describe = |entry: &SignatureEntry| {
        let state = match trust.public_key(&entry.key_id) {
            None => "its public key is not in keys/",
            Some(key) if document_signed_by(key, &document, entry) => "valid",
            Some(_) => "not over these bytes",
        };
        json!({ "key_id": entry.key_id.to_string(), "root": (!roots.is_empty()).then(|| roots.contains(&entry.key_id)), "signature": state })
    };
    Ok(container.signatures.iter().map(describe).collect())
}

fn of_key(key: &TrustedKey, trust: &TrustSnapshot, now: UnixSeconds) -> Value {
    let file = trust.public_key(&key.id);
    let state = if file.is_none() {
        "no file in keys/"
    } else if file.is_some_and(|file| file.scheme() != key.scheme) {
        "its public key is of another scheme"
    } else if trust.denies_key(&key.id).is_some() {
        "revoked"
    } else if key.not_before.is_some_and(|begin| now < begin) {
        "not yet valid"
    } else if key.not_after.is_some_and(|end| now > end) {
        "expired"
    } else {
        "in force"
    };
    json!({
        "id": key.id.to_string(),
        "state": state,
        "scheme": key.scheme.name(),
        "services": key.services().collect::<Vec<_>>(),
        "user_id": String::from_utf8_lossy(key.user_id.as_bytes()),
        "not_before": key.not_before.map(timestamp::format),
        "not_after": key.not_after.map(timestamp::format),
    })
}

fn of_denylist(list: &Denylist) -> Value {
    let (artifacts, keys, services) = list.counts();
    json!({
        "number": list.number,
        "issued": list.issued.map(timestamp::format),
        "not_after": list.not_after.map(timestamp::format),
        "artifacts": artifacts,
        "keys": keys,
        "services": services,
    })
}

fn of_rule(name: &str, rule: &ServiceRule) -> Value {
    json!({
        "name": name,
        "threshold": rule.threshold,
        "schemes": rule.schemes.iter().map(|group| group.iter().map(Scheme::name).collect::<Vec<_>>()).collect::<Vec<_>>(),
        "epoch_floor": rule.epoch_floor,
        "on_revoked": rule.on_revoked.name(),
        "allowed_sonames": rule.allowed_sonames,
        "sbom_required": rule.sbom.required,
        "sbom_denies": rule.sbom.denied().iter().map(|denied| format!("{} {}", denied.package, denied.versions)).collect::<Vec<_>>(),
        "advisories_max_age_days": rule.sbom.advisories_max_age.map(|age| age / 86_400),
        "allows_run_path": rule.allow.run_path,
        "allows_library_path": rule.allow.library_path,
        "allows_text_relocations": rule.allow.text_relocations,
    })
}
