//! The trust document, `trust.json`: which keys there are, and what each service asks of a signature.
//!
//! ```json
//! {"schema": 1, "epoch": 7, "not_after": "2027-12-31T00:00:00Z",
//!  "keys": [{"id": "sm3:…", "scheme": "sm2-sm3", "user_id": "1234567812345678", "services": ["fee", "pay-*"],
//!            "not_before": "2026-01-01T00:00:00Z", "not_after": "2027-12-31T00:00:00Z"}],
//!  "registered_schemes": ["x-bank-pqc"],
//!  "sbom": {"missing": "allow", "deny": [{"purl": "pkg:cargo/foo", "versions": "<1.2", "reason": "unsound"}]},
//!  "services": [{"name": "fee", "threshold": 2, "schemes": [["sm2-sm3"], ["ecdsa-p256", "rsa-pss-sha512"]], "epoch_floor": 3},
//!               {"name": "*", "threshold": 1, "allow": {"sonames": ["libz.so.1"], "run_path": true}}]}
//! ```
//!
//! A service takes the first entry of `services` whose name is its own, or a prefix followed by `*`; without one the
//! threshold is 1 and the floor 0. Of each group in `schemes` at least one counted key must be. A scheme that a host registers
//! counts only where `registered_schemes` names it; `hmac-sha256` never does. `sbom` of a service takes the place of the
//! document's. `issued` is when the document was made, `denylist` says who may sign the deny-list beside the root keys, and
//! `on_revoked` of a service what becomes of a loaded version that is revoked.

mod revocation;
mod sbom;
mod schemes;

pub use revocation::{DenylistRule, OnRevoked};
pub use sbom::{DenyRule, SbomRule};
pub use schemes::SchemeGroups;

use crate::artifact::elf::policy::LoadAllowances;
use crate::crypto::key_id::KeyId;
use crate::crypto::scheme::{Scheme, SchemeName};
use crate::crypto::sm2::UserId;
use crate::document::{Document, Field};
use crate::error::{Error, Result, Status};
use crate::timestamp::{self, UnixSeconds};
use std::fmt;
use std::sync::Arc;

/// The most bytes that a trust document may have.
pub(super) const MAX_LEN: usize = 4 << 20;
const MAX_KEYS: usize = 10_000;
const MAX_SERVICES: usize = 10_000;

/// A validated trust document.
#[derive(Clone, Debug)]
pub struct TrustDocument {
    /// The document's number, which grows with each revision.
    pub epoch: u64,
    /// When it was made: the time is not before that.
    pub issued: Option<UnixSeconds>,
    /// When it ends to be valid.
    pub not_after: Option<UnixSeconds>,
    /// What it asks of the deny-list.
    pub denylist: DenylistRule,
    /// The keys that may sign plugins.
    pub keys: Vec<TrustedKey>,
    /// The schemes of the host's whose signatures count.
    pub registered_schemes: Vec<SchemeName>,
    services: Vec<(Pattern, ServiceRule)>,
    /// What a service asks that no entry names.
    others: ServiceRule,
}

/// A key that may sign plugins of some services.
#[derive(Clone, Debug)]
pub struct TrustedKey {
    /// The digest of its SubjectPublicKeyInfo.
    pub id: KeyId,
    /// The only scheme whose signatures count.
    pub scheme: Scheme,
    /// The SM2 user id under which it signs.
    pub user_id: UserId,
    /// Its validity begins.
    pub not_before: Option<UnixSeconds>,
    /// Its validity ends.
    pub not_after: Option<UnixSeconds>,
    services: Vec<Pattern>,
}

/// What a service asks of its artifacts.
#[derive(Clone, Debug)]
pub struct ServiceRule {
    /// How many different keys must have signed.
    pub threshold: usize,
    /// Kinds of signatures of each of which there must be one.
    pub schemes: SchemeGroups,
    /// The lowest epoch of a statement.
    pub epoch_floor: u64,
    /// What becomes of a loaded version that is revoked.
    pub on_revoked: OnRevoked,
    /// Properties of an image that are refused unless named here.
    pub allow: LoadAllowances,
    /// SONAMEs of system libraries that an artifact may have.
    pub allowed_sonames: Vec<String>,
    /// What is asked of bills of materials.
    pub sbom: Arc<SbomRule>,
}

impl Default for ServiceRule {
    fn default() -> Self {
        Self {
            threshold: 1,
            schemes: SchemeGroups::default(),
            epoch_floor: 0,
            on_revoked: OnRevoked::default(),
            allow: LoadAllowances::default(),
            allowed_sonames: Vec::new(),
            sbom: Arc::default(),
        }
    }
}

impl TrustDocument {
    /// Reads and validates the document.
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        let document = Document::parse(bytes, MAX_LEN, Status::TrustInvalid)?;
        let mut root = document.root().object()?;
        let schema = root.required("schema")?;
        if schema.unsigned()? != 1 {
            return Err(schema.expected("1"));
        }
        let epoch = root.optional("epoch").map_or(Ok(0), |field| field.unsigned())?;
        let not_after = root.optional("not_after").map(|field| time(&field)).transpose()?;
        let issued = root.optional("issued").map(|field| time(&field)).transpose()?;
        let denylist = root.optional("denylist").map(|field| DenylistRule::parse(&field)).transpose()?;
        let keys = list(&root.required("keys")?, MAX_KEYS, TrustedKey::parse)?;
        let sbom = root.optional("sbom").map_or(Ok(SbomRule::default()), |field| SbomRule::parse(&field))?;
        let others = ServiceRule { sbom: Arc::new(sbom), ..ServiceRule::default() };
        let services = root
            .optional("services")
            .map_or(Ok(Vec::new()), |field| list(&field, MAX_SERVICES, |entry| service(entry, &others)))?;
        let registered_schemes = root
            .optional("registered_schemes")
            .map_or(Ok(Vec::new()), |field| schemes::registered(&field))?;
        root.finish()?;
        schemes::check_named(
            &registered_schemes,
            keys.iter().map(|key| key.scheme).chain(services.iter().flat_map(|(_, rule)| rule.schemes.all())),
        )?;
        let mut ids: Vec<KeyId> = keys.iter().map(|key| key.id).collect();
        ids.sort_unstable();
        if let Some([twice, _]) = ids.array_windows::<2>().find(|[a, b]| a == b) {
            return Err(Error::new(Status::TrustInvalid, format!("keys: {twice} stands there twice")));
        }
        let denylist = denylist.unwrap_or_default();
        Ok(Self { epoch, issued, not_after, denylist, keys, registered_schemes, services, others })
    }

    /// What `service` asks.
    pub fn rule_for(&self, service: &str) -> ServiceRule {
        let entry = self.services.iter().find(|(pattern, _)| pattern.matches(service));
        entry.map_or(&self.others, |(_, rule)| rule).clone()
    }

    /// Every entry of `services`: its name, or a prefix followed by `*`, and its rule.
    pub fn services(&self) -> impl Iterator<Item = (String, &ServiceRule)> {
        self.services.iter().map(|(pattern, rule)| (pattern.to_string(), rule))
    }

    /// Whether any service asks for advisories.
    pub fn asks_for_advisories(&self) -> bool {
        let mut rules = self.services.iter().map(|(_, rule)| rule).chain([&self.others]);
        rules.any(|rule| rule.sbom.advisories_max_age.is_some())
    }

    /// The record of the key `id`.
    pub fn key(&self, id: &KeyId) -> Option<&TrustedKey> {
        self.keys.iter().find(|key| key.id == *id)
    }
}

impl TrustedKey {
    /// The services that the key may sign for: names, and prefixes followed by `*`.
    pub fn services(&self) -> impl Iterator<Item = String> {
        self.services.iter().map(ToString::to_string)
    }

    /// Whether the key may sign for `service`.
    pub fn covers(&self, service: &str) -> bool {
        self.services.iter().any(|pattern| pattern.matches(service))
    }

    fn parse(field: &Field<'_>) -> Result<Self> {
        let mut key = field.object()?;
        let id = key.required("id")?;
        let id = id.text(128)?.parse().map_err(|e: Error| id.error(e.message()))?;
        let scheme = schemes::scheme(&key.required("scheme")?)?;
        let user_id = match key.optional("user_id") {
            Some(field) => UserId::new(field.text(8191)?.as_bytes()).map_err(|e| field.error(e.message()))?,
            None => UserId::default(),
        };
        let services = list(&key.required("services")?, MAX_SERVICES, Pattern::parse)?;
        let not_before = key.optional("not_before").map(|field| time(&field)).transpose()?;
        let not_after = key.optional("not_after").map(|field| time(&field)).transpose()?;
        key.finish()?;
        Ok(Self { id, scheme, user_id, not_before, not_after, services })
    }
}

/// A service's name, or the beginning of names.
#[derive(Clone, Debug)]
pub(super) enum Pattern {
    Exact(String),
    Prefix(String),
}

impl Pattern {
    pub(super) fn parse(field: &Field<'_>) -> Result<Self> {
        let text = field.text(128)?;
        let (name, pattern) = match text.strip_suffix('*') {
            Some(prefix) => (prefix, Self::Prefix(prefix.to_owned())),
            None => (text, Self::Exact(text.to_owned())),
        };
        if name.contains('*') || text.is_empty() {
            return Err(field.error("expected a service's name, or a prefix followed by one *"));
        }
        Ok(pattern)
    }

    pub(super) fn matches(&self, service: &str) -> bool {
        match self {
            Self::Exact(name) => name == service,
            Self::Prefix(prefix) => service.starts_with(prefix.as_str()),
        }
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exact(name) => f.write_str(name),
            Self::Prefix(prefix) => write!(f, "{prefix}*"),
        }
    }
}

/// An entry of `services`; what it does not say is that of `others`.
fn service(field: &Field<'_>, others: &ServiceRule) -> Result<(Pattern, ServiceRule)> {
    let mut entry = field.object()?;
    let pattern = Pattern::parse(&entry.required("name")?)?;
    let mut rule = others.clone();
    if let Some(field) = entry.optional("threshold") {
        rule.threshold = usize::try_from(field.unsigned()?)
            .ok()
            .filter(|threshold| (1..=16).contains(threshold))
            .ok_or_else(|| field.error("expected a number of keys from 1 to 16"))?;
    }
    if let Some(field) = entry.optional("schemes") {
        rule.schemes = SchemeGroups::parse(&field)?;
    }
    if let Some(field) = entry.optional("epoch_floor") {
        rule.epoch_floor = field.unsigned()?;
    }
    if let Some(field) = entry.optional("on_revoked") {
        rule.on_revoked = OnRevoked::parse(&field)?;
    }
    if let Some(field) = entry.optional("allow") {
        let mut allow = field.object()?;
        rule.allow.library_path =
            allow.optional("library_path").map_or(Ok(false), |field| field.boolean())?;
        rule.allow.run_path = allow.optional("run_path").map_or(Ok(false), |field| field.boolean())?;
        rule.allow.text_relocations =
            allow.optional("text_relocations").map_or(Ok(false), |field| field.boolean())?;
        rule.allow.go_runtime = allow.optional("go_runtime").map_or(Ok(false), |field| field.boolean())?;
        if let Some(names) = allow.optional("sonames") {
            rule.allowed_sonames = list(&names, 1024, |name| name.text(256).map(str::to_owned))?;
        }
        allow.finish()?;
    }
    if let Some(field) = entry.optional("sbom") {
        rule.sbom = Arc::new(SbomRule::parse(&field)?);
    }
    entry.finish()?;
    Ok((pattern, rule))
}

pub(super) fn list<T>(
    field: &Field<'_>,
    limit: usize,
    parse: impl Fn(&Field<'_>) -> Result<T>,
) -> Result<Vec<T>> {
    let entries = field.array()?;
    if entries.len() > limit {
        return Err(field.error(format!("expected at most {limit} entries, found {}", entries.len())));
    }
    entries.iter().map(parse).collect()
}

pub(super) fn time(field: &Field<'_>) -> Result<UnixSeconds> {
    timestamp::parse(field.text(32)?)
        .ok_or_else(|| field.error("expected a time in UTC such as 2027-01-31T00:00:00Z"))
}
