//! The decision over one artifact: whole, signed by enough of the right keys, for this service, in time.

use super::content::content_digest;
use super::directory::TrustView;
use super::document::{SbomRule, ServiceRule};
use super::image::VerifiedImage;
use super::sbom;
use super::snapshot::{Denied, TrustSnapshot};
use crate::artifact::elf::Elf;
use crate::artifact::sbom::SECTION;
use crate::artifact::sigmeta::{self, Found, Sigmeta, SignatureEntry};
use crate::artifact::statement::{self, Statement};
use crate::crypto::key_id::KeyId;
use crate::crypto::sm3;
use crate::error::{Error, Result, Status};
use crate::sys::faults::fault;
use crate::sys::memfd::SealedMemfd;
use std::fs::File;

/// The largest artifact.
const MAX_LEN: u64 = 1 << 30;

/// What is to be decided over: an open file and, where there is one, the content of the signature file beside it.
#[derive(Debug)]
pub struct Artifact<'a> {
    /// The plugin file, read from its current position.
    pub file: &'a mut File,
    /// The detached signature.
    pub detached_signature: Option<Vec<u8>>,
    /// The bill of materials, where one was found. It counts only if the statement binds it.
    pub sbom: Option<Vec<u8>>,
}

/// What the caller wants the artifact for.
#[derive(Clone, Copy, Debug)]
pub struct Demand<'a> {
    /// The service that shall run it.
    pub service: &'a str,
    /// The label under which it shall run, which must be the statement's. `None` takes any.
    pub label: Option<&'a str>,
}

impl TrustView<'_> {
    /// Copies the artifact into sealed memory and decides over those bytes. Whatever happens to the file afterwards,
    /// the image is what was verified.
    ///
    /// Errors, in the order of the checks: [`Status::Unsigned`], [`Status::Ambiguous`], [`Status::Modified`],
    /// [`Status::WrongService`], [`Status::UntrustedKey`], [`Status::Revoked`], [`Status::NotYetValid`],
    /// [`Status::Expired`], [`Status::ClockRefused`], [`Status::BelowFloor`], [`Status::SbomInvalid`],
    /// [`Status::ComponentDenied`]. Advisories that are asked for and are not in force are refused as the trust document would be.
    pub fn admit(&self, artifact: Artifact<'_>, demand: Demand<'_>) -> Result<VerifiedImage> {
        fault!("trust.read");
        let trust = &*self.snapshot;
        let name = format!("{}@{}", demand.service, demand.label.unwrap_or("?"));
        let memory = SealedMemfd::copy_of(artifact.file, &name, MAX_LEN)?;
        let (sigmeta, covered) = signature_of(memory.bytes(), artifact.detached_signature.as_deref())?;
        let statement = Statement::from_der(&sigmeta.statement)?;
        check_whole(&statement, covered)?;
        check_service(&statement, demand)?;
        let rule = trust.rule_for(demand.service);
        let signers = self.signers(&sigmeta, statement::signed_bytes, demand)?;
        check_threshold(&sigmeta, &signers, &rule, demand)?;
        check_schemes(trust, &signers, &rule, demand)?;
        if let Some(denied) = trust.denies(demand.service, &statement.root, statement.epoch) {
            return Err(revoked(&denied));
        }
        self.check_statement(&statement, demand)?;
        let elf = Elf::parse(memory.bytes())?;
        check_described(&statement, &elf)?;
        let sbom = sbom::check_bound(&statement, artifact.sbom.as_deref())?.map(<[u8]>::to_vec);
        self.check_components(&rule.sbom, sbom.as_deref(), &elf, memory.bytes(), demand)?;
        drop(elf);
        fault!("trust.decided");
        Ok(VerifiedImage {
            memory,
            statement,
            signers: signers.counted,
            allowances: rule.allow,
            allowed_sonames: rule.allowed_sonames,
            detached_signature: artifact.detached_signature,
            sbom,
        })
    }

    /// What the service asks of the components; without any such rule nothing is read.
    fn check_components(
        &self,
        rule: &SbomRule,
        bound: Option<&[u8]>,
        elf: &Elf<'_>,
        file: &[u8],
        demand: Demand<'_>,
    ) -> Result<()> {
        if rule.is_empty() {
            return Ok(());
        }
        let gate = self.gate(demand.service)?;
        match sbom::components(bound, elf, file)? {
            Some(sbom) => gate.check(&sbom).map_err(|e| e.of(format_args!("service {}", demand.service))),
            None if rule.required => Err(Error::new(
                Status::SbomInvalid,
                format!(
                    "service {}: expected a bill of materials, bound by the statement or in a section {}, found none",
                    demand.service, SECTION
                ),
            )),
            None => Ok(()),
        }
    }
}

/// The signature container of an artifact and the bytes it covers, nothing verified yet. One reading only: a file with a section and a signature file
/// beside it is refused.
pub fn signature_of<'a>(file: &'a [u8], detached: Option<&[u8]>) -> Result<(Sigmeta, &'a [u8])> {
    match (sigmeta::find(file)?, detached) {
        (Found::Embedded { covered, sigmeta }, None) => Ok((sigmeta, covered)),
        (Found::None, Some(detached)) => Ok((Sigmeta::from_der(detached)?, file)),
        (Found::None, None) => Err(Error::new(
            Status::Unsigned,
            "expected a .sigmeta section or a signature file beside the artifact, found neither",
        )),
        (Found::Embedded { .. }, Some(_)) => Err(Error::new(
            Status::Ambiguous,
            "expected one signature, found a .sigmeta section and a signature file beside the artifact",
        )),
    }
}

fn check_whole(statement: &Statement, covered: &[u8]) -> Result<()> {
    if statement.covered_len != covered.len() as u64 {
        return Err(Error::new(
            Status::Modified,
            format!("expected {} covered bytes, found {}", statement.covered_len, covered.len()),
        ));
    }
    let root = content_digest(statement.content_hash, covered);
    if root == statement.root {
        return Ok(());
    }
    Err(Error::new(
        Status::Modified,
        format!("expected the digest {}, found {}", sm3::text(&statement.root), sm3::text(&root)),
    ))
}

/// The keys whose signatures count, each once, and why the others do not.
pub(super) struct Signers {
    pub(super) counted: Vec<KeyId>,
    refused: Vec<Error>,
}

/// What a key signs over a document: the domain is in it, so that a signature for one kind of document is none for another.
pub(super) type SignedBytes = fn(&[u8], u8, &KeyId) -> Vec<u8>;

impl TrustView<'_> {
    pub(super) fn signers(
        &self,
        sigmeta: &Sigmeta,
        signed_bytes: SignedBytes,
        demand: Demand<'_>,
    ) -> Result<Signers> {
        let mut signers = Signers { counted: Vec::new(), refused: Vec::new() };
        for entry in &sigmeta.signatures {
            let signed = signed_bytes(&sigmeta.statement, entry.scheme, &entry.key_id);
            match self.check_signature(&signed, entry, demand) {
                Ok(()) => signers.counted.push(entry.key_id),
                // A broken signature of a known key is no signer too few: it is a forgery or damage.
                Err(broken) if broken.status() == Status::Modified => return Err(broken),
                Err(refused) => signers.refused.push(refused),
            }
        }
        signers.counted.sort_unstable();
        signers.counted.dedup();
        Ok(signers)
    }

    fn check_signature(&self, signed: &[u8], entry: &SignatureEntry, demand: Demand<'_>) -> Result<()> {
        let (trust, id) = (&*self.snapshot, entry.key_id);
        let refuse = |status, what: String| Err(Error::new(status, format!("key {id}: {what}")));
        let Some(record) = trust.record(&id) else {
            return refuse(Status::UntrustedKey, "the trust document does not name it".into());
        };
        // The record fixes the scheme: neither the file nor the key's own encoding may say another.
        let expected = record.scheme;
        if trust.number(expected) != Some(entry.scheme) {
            let known = if trust.number(expected).is_some() {
                ""
            } else {
                ", which is not registered in this process"
            };
            return refuse(
                Status::UntrustedKey,
                format!("expected the scheme {expected}{known}, found number {}", entry.scheme),
            );
        }
        let Some(public_key) = trust.public_key(&id) else {
            return refuse(Status::UntrustedKey, "its public key is not in the trust directory".into());
        };
        if public_key.scheme() != expected {
            return refuse(
                Status::UntrustedKey,
                format!(
                    "the trust document says {expected}, its public key is one of {}",
                    public_key.scheme()
                ),
            );
        }
        if !trust.verifies(public_key, &record.user_id, signed, &entry.signature) {
            return refuse(Status::Modified, "its signature does not belong to the statement".into());
        }
        if let Some(denied) = trust.denies_key(&id) {
            return Err(revoked(&denied));
        }
        if !record.covers(demand.service) {
            return refuse(
                Status::UntrustedKey,
                format!("it may not sign for the service {}", demand.service),
            );
        }
        self.time.check_period("key", record.not_before, record.not_after).map_err(|e| e.of(id))
    }

    fn check_statement(&self, statement: &Statement, demand: Demand<'_>) -> Result<()> {
        if let Some(unknown) = statement.unknown_critical().first() {
            return Err(Error::new(
                Status::Unsupported,
                format!("statement: expected critical extensions that this release knows, found {unknown}"),
            ));
        }
        self.time.check_period("statement", statement.not_before, statement.not_after)?;
        let (floor, demanded_by) = self.floor(demand.service);
        if statement.epoch < floor {
            return Err(Error::new(
                Status::BelowFloor,
                format!(
                    "service {}: expected an epoch of at least {floor}, the statement says {} (the floor is that of \
                     {demanded_by}; sign a version of a later epoch)",
                    demand.service, statement.epoch
                ),
            ));
        }
        Ok(())
    }
}

pub(super) fn revoked(denied: &Denied) -> Error {
    Error::new(Status::Revoked, denied.reason())
}

pub(super) fn check_threshold(
    sigmeta: &Sigmeta,
    signers: &Signers,
    rule: &ServiceRule,
    demand: Demand<'_>,
) -> Result<()> {
    if signers.counted.len() >= rule.threshold {
        return Ok(());
    }
    let reasons: Vec<&str> = signers.refused.iter().map(Error::message).collect();
    // With one refusal and nothing that counted, its reason is the whole truth: expired, say, and not "too few".
    let status = match signers.refused.as_slice() {
        [only] if signers.counted.is_empty() => only.status(),
        refused => status_of(refused),
    };
    let status = if sigmeta.signatures.is_empty() { Status::Unsigned } else { status };
    Err(Error::new(
        status,
        format!(
            "service {}: expected signatures by {} trusted keys, found {}{}{}",
            demand.service,
            rule.threshold,
            signers.counted.len(),
            if reasons.is_empty() { "" } else { ": " },
            reasons.join("; ")
        ),
    ))
}

/// Too few signatures of trusted keys; that one was revoked is worth saying.
fn status_of(refused: &[Error]) -> Status {
    let is_revoked = |refused: &Error| refused.status() == Status::Revoked;
    if refused.iter().any(is_revoked) { Status::Revoked } else { Status::UntrustedKey }
}

/// Where the service asks for several kinds of signatures, one of each kind has to be there.
pub(super) fn check_schemes(
    trust: &TrustSnapshot,
    signers: &Signers,
    rule: &ServiceRule,
    demand: Demand<'_>,
) -> Result<()> {
    let found = signers.counted.iter().filter_map(|id| Some(trust.record(id)?.scheme));
    let Some(group) = rule.schemes.unmet(found) else { return Ok(()) };
    let reasons: Vec<&str> = signers.refused.iter().map(Error::message).collect();
    Err(Error::new(
        status_of(&signers.refused),
        format!(
            "service {}: expected a signature of a trusted key under {group}, found none{}{}",
            demand.service,
            if reasons.is_empty() { "" } else { ": " },
            reasons.join("; ")
        ),
    ))
}

/// Asked before the signatures: an honest artifact of another service is best refused by that name, and a forged
/// statement is refused either way.
fn check_service(statement: &Statement, demand: Demand<'_>) -> Result<()> {
    let wrong = |what: &str, wanted: &str, found: &str| {
        Err(Error::new(
            Status::WrongService,
            format!("{what}: expected {wanted}, the statement says {found}"),
        ))
    };
    if statement.service != demand.service {
        return wrong("service", demand.service, &statement.service);
    }
    if let Some(label) = demand.label.filter(|label| statement.version != *label) {
        return wrong("version", label, &statement.version);
    }
    if statement.architecture != Statement::NATIVE_ARCHITECTURE {
        return wrong("architecture", Statement::NATIVE_ARCHITECTURE, &statement.architecture);
    }
    Ok(())
}

/// The statement's description of the image against the image: a signer's tool that lied, or another parser's view.
fn check_described(statement: &Statement, elf: &Elf<'_>) -> Result<()> {
    let described = statement.needed.iter().map(|needed| needed.soname.as_str());
    let exports = statement::exports_digest(elf.exports().map(|export| export.name));
    if statement.soname == elf.soname().unwrap_or("")
        && described.eq(elf.needed().iter().copied())
        && statement.exports == exports
    {
        return Ok(());
    }
    Err(Error::new(
        Status::Modified,
        "statement: expected the SONAME, the needed libraries and the exports of the image, found others",
    ))
}
