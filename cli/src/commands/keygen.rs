//! `sogov keygen`
#![forbid(unsafe_code)]

use super::{Command, PASSWORD_FILE};
use crate::args::{Args, Opt};
use crate::exit::Failure;
use crate::input;
use crate::output::Output;
use serde_json::json;
use sogov::crypto::key::PrivateKey;
use sogov::crypto::scheme::Scheme;
use sogov::custody;
use sogov::error::{Error, Result, Status};
use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

pub const COMMAND: Command = Command {
    name: "keygen",
    summary: "makes a key pair and prints its key id",
    usage: &["--out KEY.pem [--public PUB.pem] [--password-file FILE] [--scheme NAME]"],
    about: &[
        "Files that exist are never overwritten. The private key's file has mode 0600. With a password it is \
              encrypted (PBES2: PBKDF2-HMAC-SHA256, AES-256-CBC); passwords come from files only.",
    ],
    options: &[
        Opt::value("out", "KEY.pem", "where the private key goes (PKCS#8)"),
        Opt::value("public", "PUB.pem", "where the public key goes (SubjectPublicKeyInfo)"),
        PASSWORD_FILE,
        Opt::value("scheme", "NAME", "sm2-sm3 (the default) or ecdsa-p256"),
    ],
    operands: 0,
    examples: &[
        "sogov keygen --out root.pem --public root.pub.pem",
        "sogov keygen --out release.pem --public release.pub.pem",
        "sogov keygen --scheme ecdsa-p256 --out international.pem --public international.pub.pem",
        "sogov keygen --out audit.pem --public audit.pub.pem --password-file password.txt",
    ],
    run,
};

fn run(args: &Args, output: &mut Output) -> std::result::Result<(), Failure> {
    let scheme = Scheme::from_name(args.text("scheme")?.unwrap_or("sm2-sm3"))?;
    let path = args.required_path("out")?;
    let password = input::password(args)?;
    let key = PrivateKey::generate_in(custody::rooms(), scheme)?;
    let private_pem = match password {
        Some(password) => key.to_pkcs8_encrypted_pem(&password)?,
        None => key.to_pkcs8_pem()?,
    };
    let private = NewFile::create(path, 0o600)?;
    let public = args.path("public").map(|path| NewFile::create(path, 0o644)).transpose()?;
    if let Some(public) = public {
        public.finish(key.public_key().to_pem().as_bytes())?;
    }
    private.finish(private_pem.as_bytes())?;
    let id = key.public_key().key_id().to_string();
    output.show_line(
        &id,
        &json!({
            "key_id": id,
            "scheme": scheme.name(),
            "private_key": path.display().to_string(),
            "public_key": args.path("public").map(|path| path.display().to_string()),
        }),
    );
    Ok(())
}

/// A file that did not exist before, and does not afterwards unless it is finished.
struct NewFile<'a> {
    path: &'a Path,
    file: File,
    finished: bool,
}

impl<'a> NewFile<'a> {
    fn create(path: &'a Path, mode: u32) -> Result<Self> {
        let created = File::options().write(true).create_new(true).mode(mode).open(path);
        let file = created.map_err(|e| match e.kind() {
            io::ErrorKind::AlreadyExists => {
                Error::new(Status::Busy, format!("{}: exists already; nothing was written", path.display()))
            }
            _ => Error::io(path.display(), &e),
        })?;
        Ok(Self { path, file, finished: false })
    }

    fn finish(mut self, content: &[u8]) -> Result<()> {
        let written = self.file.write_all(content).and_then(|()| self.file.sync_all());
        self.finished = written.is_ok();
        written.map_err(|e| Error::io(self.path.display(), &e))
    }
}

impl Drop for NewFile<'_> {
    fn drop(&mut self) {
        if !self.finished {
            // It is ours, and what stands in it is of no use.
            let _ = std::fs::remove_file(self.path);
        }
    }
}
