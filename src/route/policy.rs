//! The route policy: a JSON document that says who goes where, validated whole before it counts.
//!
//! ```json
//! {"version":"v2.1","weight":{"v2":80,"v2-gray":20}}
//! ```
//! is all that a gray release needs. [`RoutePolicy::parse`] lists every field.
#![forbid(unsafe_code)]

mod breaker;
mod key;
mod pins;
mod rules;
mod versions;

use super::layout::Layout;
use super::request::KeySource;
use crate::crypto::sm3::Digest;
use crate::document::{Document, Field, Object, quoted};
use crate::error::{Result, Status};

pub use breaker::{BreakerRules, MAX_WINDOW};
pub(super) use key::OnMissingKey;
pub(super) use pins::Pin;
pub use rules::MAX_RULES;
pub(super) use rules::{Rule, Test};
use versions::Versions;

/// The largest route policy document, in bytes.
pub const MAX_LEN: usize = 1 << 20;

/// The longest label of a version, a policy or a rule, in bytes.
pub const MAX_LABEL: usize = 64;

/// A route policy that was read and found consistent in itself. Whether the versions it names are loaded is
/// for the caller to check.
#[derive(Debug)]
pub struct RoutePolicy {
    version: String,
    epoch: Option<u64>,
    versions: Versions,
    not_acted_on: Vec<&'static str>,
    breaker: Option<BreakerRules>,
    pub(super) kill_switch: bool,
    pub(super) key: KeySource,
    pub(super) on_missing_key: OnMissingKey,
    pub(super) pins: Vec<Pin>,
    pub(super) rules: Vec<Rule>,
}

impl RoutePolicy {
    /// Reads the policy of `service`. Errors have [`Status::RoutePolicyInvalid`] and say where the document
    /// is wrong, what was expected there and what was found.
    ///
    /// | field | value |
    /// |---|---|
    /// | `schema` | 1; may be left out |
    /// | `service` | the service's name; may be left out |
    /// | `version` | the policy's own label, required |
    /// | `epoch` | a number that never falls from one policy of a service to the next |
    /// | `stable` | the version that serves by default; left out: the only key of `weight` without the suffix `-gray` |
    /// | `weight` | version -> relative weight, an integer of at most 10^9; the stable version is among them; left out: everything to `stable`, or what `grays[].ranges` leave |
    /// | `grays` | `[{"version","seq","digest","ranges"}]`: `seq` orders the grays and is required with several; `digest` binds the label to an artifact (`sm3:` and 64 hex digits); `ranges` are bucket ranges `[start, end)` within 0..10000, required with three or more grays, and must agree with `weight` where both are given |
    /// | `hash` | `{"version":1,"alg":"siphash24","by":[header, ...],"salt","on_missing_key":"stable" or "random"}` |
    /// | `pins` | `{"deny":[user, ...],"allow":{version:[user, ...]}}`: denied users always get stable; with several headers in `hash.by` a user is an array of their values |
    /// | `rules` | `[{"id","priority","when":{"header", one of "eq", "in", "prefix", "exists"},"to"}]`, at most [`MAX_RULES`]; the lowest priority number is looked at first |
    /// | `kill_switch` | `true` sends everyone to stable |
    /// | `breaker` | when a version is taken out of service, see [`BreakerRules`] and `docs/conventions.md` |
    ///
    /// `experiments`, `sampling`, `analysis` and `sig` are accepted and left alone
    /// ([`RoutePolicy::not_acted_on`]). Every other field is refused.
    pub fn parse(bytes: &[u8], service: &str) -> Result<Self> {
        let document = Document::parse(bytes, MAX_LEN, Status::RoutePolicyInvalid)?;
        let mut root = document.object()?;
        check_schema(&mut root)?;
        check_service(&mut root, service)?;
        let version = label(&root.required("version")?)?.to_owned();
        let epoch = root.optional("epoch").map(|epoch| epoch.unsigned()).transpose()?;
        let kill_switch = root.optional("kill_switch").map(|on| on.boolean()).transpose()?.unwrap_or(false);
        let versions = Versions::read(&mut root)?;
        let (key, on_missing_key) = key::read(&mut root, service)?;
        let pins = pins::read(&mut root, &versions, key.by.len())?;
        let rules = rules::read(&mut root, &versions)?;
        let breaker = breaker::read(&mut root)?;
        let not_acted_on = read_later_fields(&mut root)?;
        root.finish()?;
        Ok(Self {
            version,
            epoch,
            versions,
            not_acted_on,
            breaker,
            kill_switch,
            key,
            on_missing_key,
            pins,
            rules,
        })
    }

    /// The policy's own label.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// The number that never falls, if the policy has one.
    pub fn epoch(&self) -> Option<u64> {
        self.epoch
    }

    /// The labels of the versions that the policy names: the stable one, then the grays by `seq`.
    pub fn versions(&self) -> &[String] {
        &self.versions.labels
    }

    /// The digest that `grays[].digest` demands of the artifact behind a version.
    pub fn digest(&self, version: &str) -> Option<&Digest> {
        let index = self.versions.labels.iter().position(|label| label == version)?;
        self.versions.digests.get(index)?.as_ref()
    }

    /// When a version's breaker opens; `None` where the policy says nothing of it.
    pub fn breaker(&self) -> Option<&BreakerRules> {
        self.breaker.as_ref()
    }

    /// The fields that are given but that this release does not act on.
    pub fn not_acted_on(&self) -> &[&'static str] {
        &self.not_acted_on
    }

    pub(super) fn layout(&self) -> &Layout {
        &self.versions.layout
    }
}

fn check_schema(root: &mut Object<'_>) -> Result<()> {
    let Some(schema) = root.optional("schema") else { return Ok(()) };
    match schema.unsigned()? {
        1 => Ok(()),
        other => Err(schema.error(format!("expected 1, found {other}"))),
    }
}

fn check_service(root: &mut Object<'_>, service: &str) -> Result<()> {
    let Some(field) = root.optional("service") else { return Ok(()) };
    let named = field.text(MAX_LEN)?;
    if named == service {
        return Ok(());
    }
    Err(field.error(format!("expected {}, found {}", quoted(service), quoted(named))))
}

/// Fields that later releases act on: only their kind is checked.
fn read_later_fields(root: &mut Object<'_>) -> Result<Vec<&'static str>> {
    type Check = fn(&Field<'_>) -> Result<()>;
    let mut found = Vec::new();
    let checks: [(&'static str, Check); 4] = [
        ("experiments", |field| field.array().map(drop)),
        ("sampling", |field| field.object().map(drop)),
        ("analysis", |field| field.object().map(drop)),
        ("sig", |field| field.text(MAX_LEN).map(drop)),
    ];
    for (name, check) in checks {
        if let Some(field) = root.optional(name) {
            check(&field)?;
            found.push(name);
        }
    }
    Ok(found)
}

/// Reads a label: 1 to [`MAX_LABEL`] bytes of `A-Z a-z 0-9 . _ -`.
fn label<'a>(field: &Field<'a>) -> Result<&'a str> {
    let text = field.text(MAX_LEN)?;
    check_label(text, field)?;
    Ok(text)
}

/// Refuses at `field` what is not a label.
fn check_label(text: &str, field: &Field<'_>) -> Result<()> {
    let plain = text.bytes().all(|c| c.is_ascii_alphanumeric() || b"._-".contains(&c));
    if plain && (1..=MAX_LABEL).contains(&text.len()) {
        return Ok(());
    }
    let wanted =
        format!("expected a label of 1 to {MAX_LABEL} letters, digits, dots, dashes and underscores");
    Err(field.error(format!("{wanted}, found {}", quoted(text))))
}

/// Reads a header's name (a token of RFC 9110, section 5.6.2) in lower case.
fn header_name(field: &Field<'_>) -> Result<String> {
    const MAX_HEADER: usize = 256;
    let name = field.text(MAX_HEADER)?;
    let token = |c: u8| c.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&c);
    if name.is_empty() || !name.bytes().all(token) {
        return Err(field.expected("a header name"));
    }
    Ok(name.to_ascii_lowercase())
}

#[cfg(test)]
mod tests;
