//! The signature of a file: inside, beside, or the file itself; what was signed, by whom, and whether it is still so.
#![forbid(unsafe_code)]

use crate::input::MAX_LEN;
use crate::output::of_error;
use serde_json::{Map, Value, json};
use sogov::artifact::sigmeta::{self, Found, Sigmeta, SignatureEntry};
use sogov::artifact::statement::{ContentHash, Statement, VersionRange};
use sogov::crypto::scheme::Scheme;
use sogov::crypto::sm3::{self, DIGEST_LEN, Digest};
use sogov::error::{Error, Result};
use sogov::sys::file;
use sogov::timestamp;
use std::borrow::Cow;
use std::path::{Path, PathBuf};

const SUFFIX: &str = "sogsig";

/// A file with the signature that belongs to it.
pub struct Subject<'a> {
    /// The path of the plugin: the file's own, or that beside a signature file.
    pub plugin: PathBuf,
    /// The path of the detached signature, where there is one.
    pub detached: Option<PathBuf>,
    /// What the signature is about, where it is here.
    content: Option<Cow<'a, [u8]>>,
    form: Form,
}

enum Form {
    None,
    Embedded {
        covered_len: usize,
        sigmeta: Sigmeta,
    },
    Detached(Sigmeta),
    /// The file is a signature.
    Own(Result<Sigmeta>),
    Ambiguous,
    Unreadable(Error),
}

impl<'a> Subject<'a> {
    pub fn new(path: &Path, bytes: &'a [u8]) -> Self {
        let own = Sigmeta::from_der(bytes);
        if path.extension().is_some_and(|ending| ending == SUFFIX) {
            return Self::signature_file(path, own);
        }
        let mut beside = path.as_os_str().to_owned();
        beside.push(format!(".{SUFFIX}"));
        let beside = PathBuf::from(beside);
        let detached = beside.exists().then_some(beside);
        let form = match (sigmeta::find(bytes), &detached) {
            (Err(e), _) => Form::Unreadable(e),
            (Ok(Found::Embedded { .. }), Some(_)) => Form::Ambiguous,
            (Ok(Found::Embedded { covered, sigmeta }), None) => {
                Form::Embedded { covered_len: covered.len(), sigmeta }
            }
            (Ok(Found::None), Some(signature)) => {
                let read = file::read(signature, sigmeta::MAX_RESERVE as u64);
                let container =
                    read.and_then(|der| Sigmeta::from_der(&der)).map_err(|e| e.of(signature.display()));
                container.map_or_else(Form::Unreadable, Form::Detached)
            }
            (Ok(Found::None), None) => Form::None,
        };
        Self { plugin: path.to_owned(), detached, content: Some(Cow::Borrowed(bytes)), form }
    }

    fn signature_file(path: &Path, own: Result<Sigmeta>) -> Self {
        let plugin = path.with_extension("");
        let content = file::read(&plugin, MAX_LEN).ok().map(Cow::Owned);
        Self { plugin, detached: Some(path.to_owned()), content, form: Form::Own(own) }
    }

    /// What kind of file it is.
    pub fn kind(&self) -> &'static str {
        match self.form {
            Form::Own(_) => "signature",
            _ if self.image().is_some() => "elf",
            _ => "other",
        }
    }

    /// The plugin as an image, where it is here and one.
    pub fn image(&self) -> Option<&[u8]> {
        self.content().filter(|bytes| bytes.starts_with(b"\x7fELF"))
    }

    /// What the signature is about, where it is here.
    pub fn content(&self) -> Option<&[u8]> {
        self.content.as_deref()
    }

    /// The service that the statement names.
    pub fn service(&self) -> Option<String> {
        Some(self.statement()?.service)
    }

    /// The statement, where there is one.
    pub fn statement(&self) -> Option<Statement> {
        Statement::from_der(&self.sigmeta()?.statement).ok()
    }

    /// The fields of the report.
    pub fn describe(&self) -> Map<String, Value> {
        let (form, error) = match &self.form {
            Form::None => ("none", None),
            Form::Embedded { .. } => ("embedded", None),
            Form::Detached(_) | Form::Own(Ok(_)) => ("detached", None),
            Form::Ambiguous => ("ambiguous: one inside the file and one beside it", None),
            Form::Unreadable(error) | Form::Own(Err(error)) => ("unreadable", Some(error)),
        };
        let mut fields = Map::new();
        fields.insert("signature".into(), form.into());
        fields.insert("error".into(), error.map(of_error).into());
        if let Some(sigmeta) = self.sigmeta() {
            fields.append(&mut self.describe_container(sigmeta));
        }
        fields
    }

    fn describe_container(&self, sigmeta: &Sigmeta) -> Map<String, Value> {
        let (state, digest, statement) = match Statement::from_der(&sigmeta.statement) {
            Ok(statement) => {
                let found = self.covered().map(|covered| (covered.len() as u64, root(&statement, covered)));
                let whole = found.map(|found| found == (statement.covered_len, statement.root));
                (state_of(whole), found.map(|(_, digest)| digest), of_statement(&statement))
            }
            // What root keys sign has no statement but the digest of the document.
            Err(_) if sigmeta.statement.len() == DIGEST_LEN => {
                let digest = self.covered().map(sm3::digest);
                let whole = digest.map(|digest| digest.as_slice() == sigmeta.statement);
                (state_of(whole), digest, json!({ "of": "a document of a trust directory" }))
            }
            Err(error) => ("unknown", None, json!({ "error": of_error(&error) })),
        };
        let mut fields = Map::new();
        fields.insert("content".into(), state.into());
        fields.insert("digest".into(), digest.map(|digest| sm3::text(&digest)).into());
        fields.insert("statement".into(), statement);
        fields.insert("signed_by".into(), sigmeta.signatures.iter().map(of_signature).collect());
        fields
    }

    fn sigmeta(&self) -> Option<&Sigmeta> {
        match &self.form {
            Form::Embedded { sigmeta, .. } | Form::Detached(sigmeta) | Form::Own(Ok(sigmeta)) => {
                Some(sigmeta)
            }
            Form::None | Form::Ambiguous | Form::Unreadable(_) | Form::Own(Err(_)) => None,
        }
    }

    /// The bytes that the statement speaks of, where they are here.
    fn covered(&self) -> Option<&[u8]> {
        match &self.form {
            Form::Embedded { covered_len, .. } => self.content()?.get(..*covered_len),
            _ => self.content(),
        }
    }
}

fn state_of(whole: Option<bool>) -> &'static str {
    match whole {
        Some(true) => "whole",
        Some(false) => "modified",
        None => "not here",
    }
}

fn root(statement: &Statement, covered: &[u8]) -> Digest {
    match statement.content_hash {
        ContentHash::Sm3 => sm3::digest(covered),
        ContentHash::Sm3Tree => sm3::tree::root(covered),
    }
}

fn of_signature(entry: &SignatureEntry) -> Value {
    let scheme = Scheme::from_id(entry.scheme).map(|scheme| scheme.to_string());
    let scheme = scheme.unwrap_or_else(|_| match entry.scheme {
        number @ 128..=254 => format!("of a host, number {number}"),
        number => format!("unknown, number {number}"),
    });
    json!({ "key_id": entry.key_id.to_string(), "scheme": scheme })
}

fn of_statement(statement: &Statement) -> Value {
    json!({
        "service": statement.service,
        "version": statement.version,
        "epoch": statement.epoch,
        "name": statement.name,
        "semver": statement.semver,
        "issuer": statement.issuer,
        "signed_at": timestamp::format(statement.signed_at),
        "not_before": statement.not_before.map(timestamp::format),
        "not_after": statement.not_after.map(timestamp::format),
        "channel": statement.channel,
        "audience": statement.audience,
        "architecture": statement.architecture,
        "plugin_abi": of_range(statement.plugin_abi),
        "state_schema": of_range(statement.state_schema),
        "soname": statement.soname,
        "needed": statement.needed.iter().map(|needed| needed.soname.as_str()).collect::<Vec<_>>(),
        "needed_digests": needed_digests(statement),
        "content_hash": match statement.content_hash {
            ContentHash::Sm3 => "sm3",
            ContentHash::Sm3Tree => "sm3-tree",
        },
        "digest": sm3::text(&statement.root),
        "covered_bytes": statement.covered_len,
        "exports_digest": sm3::text(&statement.exports),
        "sbom_digest": statement.sbom.as_ref().map(sm3::text),
        "critical": statement.critical,
    })
}

/// The needed libraries of which a digest is demanded.
fn needed_digests(statement: &Statement) -> serde_json::Map<String, serde_json::Value> {
    let demanded = statement.needed.iter().filter_map(|needed| Some((needed.soname.clone(), needed.digest?)));
    demanded.map(|(soname, digest)| (soname, sm3::text(&digest).into())).collect()
}

fn of_range(range: VersionRange) -> String {
    let VersionRange { min, max } = range;
    if min == max { min.to_string() } else { format!("{min} to {max}") }
}
