//! `sogov trust init`
#![forbid(unsafe_code)]

use super::{Args, Command, DIR, Error, ErrorKind, Failure, Opt, Output, Path, Result, Status, Value, json};
use crate::commands::PASSWORD_FILE;
use crate::input;
use sogov::crypto::key::{PublicKey, Signer};
use sogov::engine::sign_trust_document;
use std::fs::DirBuilder;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::DirBuilderExt;

pub const COMMAND: Command = Command {
    name: "trust init",
    summary: "makes a trust directory and signs it with a root key",
    usage: &["--dir DIR --root KEY.pem [--password-file FILE] [--key PUB.pem:SERVICE[,SERVICE...] ...]"],
    about: &[
        "The directory must not exist; it is made with mode 0700, trust.json and keys/. A service is a name, or \
              a prefix followed by *. Edit trust.json for thresholds, epoch floors and validity, then sign it again.",
    ],
    options: &[
        DIR,
        Opt::value("root", "KEY.pem", "the private root key that signs the document"),
        PASSWORD_FILE,
        Opt::many("key", "PUB.pem:SERVICES", "a key and the services that it may sign for"),
    ],
    operands: 0,
    examples: &["sogov trust init --dir trust --root root.pem --key 'release.pub.pem:fee,pay-*'"],
    run,
};

fn run(args: &Args, output: &mut Output) -> std::result::Result<(), Failure> {
    let directory = args.required_path("dir")?;
    let root = input::private_key(args, "root")?;
    let keys = args.all("key").map(parse_key).collect::<std::result::Result<Vec<_>, _>>()?;
    DirBuilder::new().mode(0o700).create(directory).map_err(|e| match e.kind() {
        ErrorKind::AlreadyExists => {
            Error::new(Status::Busy, format!("{}: exists already; nothing was written", directory.display()))
        }
        _ => Error::io(directory.display(), &e),
    })?;
    fill(directory, &*root, &keys).inspect_err(|_| {
        // Half a trust directory is of no use, and it is this call that made it.
        let _ = std::fs::remove_dir_all(directory);
    })?;
    output.show(&json!({
        "directory": directory.display().to_string(),
        "root_key_id": root.public_key().key_id().to_string(),
        "keys": keys.iter().map(|(key, _)| key.key_id().to_string()).collect::<Vec<_>>(),
    }));
    Ok(())
}

fn fill(directory: &Path, root: &dyn Signer, keys: &[(PublicKey, String)]) -> Result<()> {
    let subdirectory = directory.join("keys");
    DirBuilder::new().mode(0o700).create(&subdirectory).map_err(|e| Error::io(subdirectory.display(), &e))?;
    for key in keys.iter().map(|(key, _)| key).chain([&root.public_key()]) {
        super::put_public_key(directory, key)?;
    }
    let entries: Vec<Value> = keys.iter().map(|(key, services)| super::key_entry(key, services)).collect();
    let everything_else = json!([{ "name": "*", "threshold": 1, "epoch_floor": 0 }]);
    let document = json!({ "schema": 1, "epoch": 1, "keys": entries, "services": everything_else });
    super::write_document(directory, &document)?;
    sign_trust_document(root, directory)
}

/// `PUB.pem:service,service`; the last colon counts, because a path may have some.
fn parse_key(value: &std::ffi::OsStr) -> std::result::Result<(PublicKey, String), Failure> {
    let wrong = || Failure::Usage(format!("--key: expected PUB.pem:SERVICES, found {}", value.display()));
    let mut parts = value.as_bytes().rsplitn(2, |byte| *byte == b':');
    let (services, path) = parts.next().zip(parts.next()).ok_or_else(wrong)?;
    let services = std::str::from_utf8(services).map_err(|_| wrong())?;
    Ok((input::public_key(Path::new(std::ffi::OsStr::from_bytes(path)))?, services.to_owned()))
}
