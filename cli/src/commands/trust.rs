//! `sogov trust`: makes, checks, extends and signs a trust directory.
#![forbid(unsafe_code)]

mod add_key;
mod check;
mod confirm_time;
mod init;
mod sign;
mod state;

pub use add_key::COMMAND as ADD_KEY;
pub use check::COMMAND as CHECK;
pub use confirm_time::COMMAND as CONFIRM_TIME;
pub use init::COMMAND as INIT;
pub use sign::COMMAND as SIGN;
pub use state::COMMAND as STATE;

use super::Command;
use crate::args::{Args, Opt};
use crate::exit::Failure;
use crate::output::{self, Output};
use serde_json::{Value, json};
use sogov::crypto::key::PublicKey;
use sogov::error::{Error, Result, Status};
use sogov::sys::file;
use sogov::trust::TrustDocument;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

const DIR: Opt = Opt::value("dir", "DIR", "the trust directory");
const MAX_DOCUMENT_LEN: u64 = 4 << 20;
const MAX_ADVISORIES_LEN: u64 = 64 << 20;

fn document_path(directory: &Path) -> PathBuf {
    directory.join("trust.json")
}

/// The document as it stands, valid in itself.
fn read_document(directory: &Path) -> Result<Vec<u8>> {
    let path = document_path(directory);
    let bytes = file::read(&path, MAX_DOCUMENT_LEN)?;
    TrustDocument::parse(&bytes).map_err(|e| e.of(path.display()))?;
    Ok(bytes)
}

/// Writes the document if it is valid.
fn write_document(directory: &Path, document: &Value) -> Result<()> {
    let path = document_path(directory);
    let text = format!("{document:#}\n");
    TrustDocument::parse(text.as_bytes()).map_err(|e| e.of(path.display()))?;
    file::replace(&path, text.as_bytes(), path.exists().then_some(&path))
}

/// Puts the public key into `keys/`, where its id is its name; one that is there stays.
fn put_public_key(directory: &Path, key: &PublicKey) -> Result<()> {
    let name = format!("{}.pem", output::hex(key.key_id().as_bytes()));
    let path = directory.join("keys").join(name);
    match path.try_exists() {
        Ok(true) => Ok(()),
        _ => file::replace(&path, key.to_pem().as_bytes(), None),
    }
}

/// An entry of `keys` in the document.
fn key_entry(key: &PublicKey, services: &str) -> Value {
    json!({
        "id": key.key_id().to_string(),
        "scheme": key.scheme().name(),
        "services": services.split(',').collect::<Vec<_>>(),
    })
}
