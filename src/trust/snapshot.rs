//! The trust directory of one moment, its signatures checked.
#![forbid(unsafe_code)]

use super::advisories::Advisories;
use super::denylist::Denylist;
use super::directory::{PreparedOfProcess, SchemesOfProcess};
use super::document::{ServiceRule, TrustDocument, TrustedKey};
use super::files::{Files, Stamps};
use super::kept::Numbers;
use super::roots::Roots;
use super::signed::{Keys, Signed};
use crate::crypto::key::PublicKey;
use crate::crypto::key_id::KeyId;
use crate::crypto::scheme::Scheme;
use crate::crypto::sm2::{Claim, Signature, UserId};
use crate::crypto::sm3::{self, Digest};
use crate::error::{Error, Result, Status};
use crate::timestamp::UnixSeconds;
use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::Arc;

/// Document, deny-list and keys as they stood at one moment, signed by the root keys of that moment.
#[derive(Debug)]
pub struct TrustSnapshot {
    /// The document.
    pub document: TrustDocument,
    /// The SM3 digest of its bytes.
    pub digest: Digest,
    /// The deny-list, if there is one.
    pub denylist: Option<Denylist>,
    /// The root keys in force.
    pub roots: Roots,
    /// The latest time that the root keys have signed.
    pub signed_time: UnixSeconds,
    /// The digests of the sets of root keys by their numbers, from that of the options on.
    chain: BTreeMap<u64, Digest>,
    /// Where the record of a key stands in the document.
    records: HashMap<KeyId, usize>,
    /// The advisories, or why they are not taken; `None` where no service asks for them.
    advisories: Option<Result<Arc<Advisories>>>,
    pub(super) keys: Arc<Keys>,
    pub(super) stamps: Stamps,
    pub(super) prepared: PreparedOfProcess,
    pub(super) schemes: SchemesOfProcess,
}

/// Why something that was trusted is not any more.
pub struct Denied(String);

impl Denied {
    /// What is denied, and the reason that the deny-list gives.
    pub fn reason(&self) -> &str {
        &self.0
    }
}

impl TrustSnapshot {
    /// Checks what was read against the root keys of the options. Advisories are many, and those of the `last` snapshot are
    /// taken where nothing has changed of them and of who has to sign them.
    pub(super) fn new(
        files: Files,
        options: &Roots,
        prepared: PreparedOfProcess,
        schemes: SchemesOfProcess,
        last: Option<&Self>,
    ) -> Result<Self> {
        let Files {
            document: signed_document,
            denylist: signed_denylist,
            advisories: signed_advisories,
            roots,
            keys,
            stamps,
        } = files;
        let mut issued = Vec::new();
        let (roots, chain) = if options.is_development() {
            (options.clone(), BTreeMap::new())
        } else {
            follow(options, &roots, &keys, &mut issued)?
        };
        if !roots.is_development() {
            signed_document.check_roots(&roots, &keys)?;
        }
        let document =
            TrustDocument::parse(&signed_document.bytes).map_err(|e| e.of(&signed_document.name))?;
        let denylist =
            signed_denylist.map(|signed| check_denylist(&signed, &document, &roots, &keys)).transpose()?;
        issued.extend(document.issued);
        issued.extend(denylist.as_ref().filter(|(_, by_roots)| *by_roots).and_then(|(list, _)| list.issued));
        let denylist = denylist.map(|(list, _)| list);
        check_least(&document, denylist.as_ref())?;
        let known = last
            .filter(|last| last.stamps.same_advisories(&stamps))
            .filter(|last| Arc::ptr_eq(&last.keys, &keys) && last.roots == roots)
            .and_then(|last| last.advisories.clone());
        let advisories = document
            .asks_for_advisories()
            .then(|| known.unwrap_or_else(|| check_advisories(&signed_advisories?, &roots, &keys)));
        let records = document.keys.iter().enumerate().map(|(index, key)| (key.id, index)).collect();
        let signed_time = issued.into_iter().max().unwrap_or(0);
        Ok(Self {
            document,
            digest: sm3::digest(&signed_document.bytes),
            denylist,
            roots,
            signed_time,
            chain,
            records,
            advisories,
            keys,
            stamps,
            prepared,
            schemes,
        })
    }

    /// Raises the numbers to those of this moment. [`Status::BelowFloor`] where a later document, deny-list or set of root
    /// keys was accepted before, and [`Status::TrustInvalid`] where one is gone or another one. Older advisories are refused
    /// to those who ask for them.
    pub(super) fn accept(&self, kept: &mut Numbers) -> Result<()> {
        check_number("trust.json: expected an epoch", self.document.epoch, kept.document_epoch)?;
        match &self.denylist {
            Some(list) => {
                check_number("denylist.json: expected a number", list.number, kept.denylist_number)?;
            }
            None if kept.denylist_number > 0 => {
                return Err(Error::new(
                    Status::TrustInvalid,
                    format!(
                        "denylist.json: expected one of number {} or later, which was accepted before, found none",
                        kept.denylist_number
                    ),
                ));
            }
            None => {}
        }
        if let Some((number, digest)) = kept.roots {
            check_number("roots: expected a set", self.roots.number(), number)?;
            // The set of the options is the program's to name.
            let is_later = self.chain.keys().next().is_none_or(|first| number > *first);
            if is_later && self.chain.get(&number).is_some_and(|own| *own != digest) {
                return Err(Error::new(
                    Status::TrustInvalid,
                    format!(
                        "roots/{number}.json: expected the set that was accepted before, found another one"
                    ),
                ));
            }
        }
        kept.document_epoch = self.document.epoch;
        kept.denylist_number = self.denylist_number();
        if let Some(Ok(advisories)) = &self.advisories {
            kept.advisories_number = kept.advisories_number.max(advisories.number());
        }
        if !self.roots.is_development() {
            kept.roots = Some((self.roots.number(), self.roots.digest()));
        }
        Ok(())
    }

    /// The advisories, whatever their age. [`Status::TrustInvalid`] where they are missing, malformed or not signed by the
    /// roots.
    pub(super) fn advisories(&self) -> Result<Arc<Advisories>> {
        self.advisories.clone().unwrap_or_else(|| {
            Err(Error::new(
                Status::TrustInvalid,
                "advisories.json: expected a service that asks for it, found none",
            ))
        })
    }

    /// The number of the deny-list; 0: there is none.
    pub fn denylist_number(&self) -> u64 {
        self.denylist.as_ref().map_or(0, |list| list.number)
    }

    /// The number of the set of root keys in force; 0 in the development mode.
    pub fn root_set(&self) -> u64 {
        if self.roots.is_development() { 0 } else { self.roots.number() }
    }

    /// What `service` asks.
    pub fn rule_for(&self, service: &str) -> ServiceRule {
        self.document.rule_for(service)
    }

    /// The record of the key `id`, found at once among however many.
    pub fn record(&self, id: &KeyId) -> Option<&TrustedKey> {
        self.document.keys.get(*self.records.get(id)?)
    }

    /// The public key `id`, if its file is in the directory.
    pub fn public_key(&self, id: &KeyId) -> Option<&PublicKey> {
        self.keys.get(id)
    }

    /// Why an artifact with these properties is denied to the service, whoever signed it.
    pub fn denies(&self, service: &str, digest: &Digest, epoch: u64) -> Option<Denied> {
        let list = self.denylist.as_ref()?;
        if let Some(reason) = list.artifact(digest) {
            return Some(Denied(format!("artifact denied by denylist.json {}: {reason}", list.number)));
        }
        self.denies_epoch(service, epoch)
    }

    /// Why anything of this epoch is denied to the service.
    pub fn denies_epoch(&self, service: &str, epoch: u64) -> Option<Denied> {
        let list = self.denylist.as_ref()?;
        let number = list.number;
        let (below, reason) = list.epoch(service, epoch)?;
        Some(Denied(format!(
            "service {service}: epoch {epoch} is below {below}, which denylist.json {number} demands: {reason}"
        )))
    }

    /// Why signatures of the key do not count any more.
    pub fn denies_key(&self, id: &KeyId) -> Option<Denied> {
        let list = self.denylist.as_ref()?;
        let reason = list.key(id)?;
        Some(Denied(format!("key {id}: denied by denylist.json {}: {reason}", list.number)))
    }

    /// Why a loaded version of the service is trusted no more: it is denied itself, or too few of its signers are left.
    pub fn revokes(&self, service: &str, digest: &Digest, epoch: u64, signers: &[KeyId]) -> Option<Denied> {
        if let Some(denied) = self.denies(service, digest, epoch) {
            return Some(denied);
        }
        let denied = signers.iter().find_map(|id| self.denies_key(id))?;
        let left: Vec<&KeyId> = signers.iter().filter(|id| self.denies_key(id).is_none()).collect();
        let rule = self.rule_for(service);
        let schemes = left.iter().filter_map(|id| Some(self.record(id)?.scheme));
        (left.len() < rule.threshold || rule.schemes.unmet(schemes).is_some()).then_some(denied)
    }

    /// The number of a scheme in signed bytes; `None` for a registered one that this process does not know.
    pub(super) fn number(&self, scheme: Scheme) -> Option<u8> {
        match scheme {
            Scheme::Registered(name) => (self.schemes)().number(name),
            built_in => built_in.id(),
        }
    }

    /// Whether `signature` is `key`'s over `message`, by the tables of prepared keys where there are such.
    pub(super) fn verifies(
        &self,
        key: &PublicKey,
        user_id: &UserId,
        message: &[u8],
        signature: &[u8],
    ) -> bool {
        match key {
            PublicKey::Sm2(key) => Signature::from_bytes(signature).is_ok_and(|signature| {
                (self.prepared)().verify(&Claim { key, user_id, message, signature: &signature })
            }),
            other => other.verify((self.schemes)(), user_id, message, signature).is_ok(),
        }
    }
}

impl fmt::Display for TrustSnapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (epoch, denylist, roots) = (self.document.epoch, self.denylist_number(), self.root_set());
        write!(f, "document {epoch}, deny-list {denylist}, root keys {roots}")
    }
}

/// Walks from the set of the options to the last one in the directory, each signed by the one before it and by itself.
/// Answers the last one, and all of them by their digests.
fn follow(
    options: &Roots,
    sets: &BTreeMap<u64, Signed>,
    keys: &Keys,
    issued: &mut Vec<UnixSeconds>,
) -> Result<(Roots, BTreeMap<u64, Digest>)> {
    let mut current = options.clone();
    let mut chain = BTreeMap::from([(current.number(), current.digest())]);
    for (&number, signed) in sets.range(options.number()..) {
        let refuse = |what: String| Err(Error::new(Status::TrustInvalid, format!("{}: {what}", signed.name)));
        let (set, set_issued) = Roots::parse(&signed.bytes).map_err(|e| e.of(&signed.name))?;
        if set.number() != number {
            return refuse(format!("expected the number of its name, found {}", set.number()));
        }
        if number == options.number() {
            if set != *options {
                return refuse(
                    "expected the root keys and the threshold of the options, found others".into(),
                );
            }
            continue;
        }
        if Some(number) != current.number().checked_add(1) {
            return refuse(format!("expected set {} before it, found none", number.saturating_sub(1)));
        }
        let whose = format!("a root key of set {}", current.number());
        signed.check(&whose, current.ids(), current.threshold(), keys)?;
        signed.check("a root key of its own", set.ids(), set.threshold(), keys)?;
        issued.extend(set_issued);
        chain.insert(number, set.digest());
        current = set;
    }
    Ok((current, chain))
}

/// The deny-list, and whether the root keys have signed it rather than deny keys: those may deny, but not say what time it
/// is.
fn check_denylist(
    signed: &Signed,
    document: &TrustDocument,
    roots: &Roots,
    keys: &Keys,
) -> Result<(Denylist, bool)> {
    let rule = &document.denylist;
    let by_roots = if roots.is_development() { Ok(()) } else { signed.check_roots(roots, keys) };
    let is_by_roots = by_roots.is_ok();
    if let Err(refused) = by_roots
        && (rule.keys.is_empty() || signed.check("a deny key", &rule.keys, rule.threshold, keys).is_err())
    {
        return Err(refused);
    }
    let list = Denylist::parse(&signed.bytes).map_err(|e| e.of(&signed.name))?;
    Ok((list, is_by_roots))
}

fn check_advisories(signed: &Signed, roots: &Roots, keys: &Keys) -> Result<Arc<Advisories>> {
    if !roots.is_development() {
        signed.check_roots(roots, keys)?;
    }
    Advisories::parse(&signed.bytes).map(Arc::new).map_err(|e| e.of(&signed.name))
}

/// The deny-list that the document asks for: so that a directory whose files are of different moments is refused even where
/// nothing was accepted before.
fn check_least(document: &TrustDocument, denylist: Option<&Denylist>) -> Result<()> {
    let found = denylist.map_or(0, |list| list.number);
    if found >= document.denylist.at_least {
        return Ok(());
    }
    let found = if found == 0 { "none".to_owned() } else { found.to_string() };
    Err(Error::new(
        Status::TrustInvalid,
        format!(
            "denylist.json: expected number {} or later, as trust.json says, found {found}",
            document.denylist.at_least
        ),
    ))
}

pub(super) fn check_number(what: &str, found: u64, accepted: u64) -> Result<()> {
    if found >= accepted {
        return Ok(());
    }
    Err(Error::new(
        Status::BelowFloor,
        format!("{what} of at least {accepted}, found {found}: a later one was accepted before"),
    ))
}
