//! The decision over an artifact's bill of materials: whether it is the one that was signed, and whether a component of it is
//! denied.

use super::advisories::{Advisories, Advisory};
use super::directory::TrustView;
use super::document::{DenyRule, SbomRule};
use crate::artifact::elf::Elf;
use crate::artifact::sbom::{Component, Sbom};
use crate::artifact::statement::Statement;
use crate::crypto::sm3;
use crate::error::{Error, Result, Status};
use std::fmt;
use std::sync::Arc;

/// Says of components whether a service may have them.
#[derive(Debug)]
pub struct Gate {
    rule: Arc<SbomRule>,
    advisories: Option<Arc<Advisories>>,
}

/// Why a component is denied.
#[derive(Debug)]
pub struct Denial<'a> {
    component: &'a Component,
    cause: Cause<'a>,
}

#[derive(Debug)]
enum Cause<'a> {
    Rule(&'a DenyRule),
    Advisory(&'a Advisory, String),
}

impl TrustView<'_> {
    /// What `service` asks of components, with the advisories where it asks for them: then a snapshot that is missing or
    /// unsound, too old, or older than one that was accepted before, is refused.
    pub fn gate(&self, service: &str) -> Result<Gate> {
        let rule = self.snapshot.rule_for(service).sbom;
        let advisories = rule.advisories_max_age.map(|age| self.advisories(age)).transpose()?;
        Ok(Gate { rule, advisories })
    }
}

impl Gate {
    /// Why `component` is denied, if it is.
    pub fn denial<'a>(&'a self, component: &'a Component) -> Option<Denial<'a>> {
        let of = |cause| Denial { component, cause };
        let rule = self.rule.denial(component).map(Cause::Rule).map(of);
        rule.or_else(|| {
            let (advisory, range) = self.advisories.as_deref()?.about(component)?;
            Some(of(Cause::Advisory(advisory, range)))
        })
    }

    /// The snapshot of advisories, where it is asked for.
    pub fn advisories(&self) -> Option<&Advisories> {
        self.advisories.as_deref()
    }

    /// [`Status::ComponentDenied`] if any component is denied.
    pub(super) fn check(&self, sbom: &Sbom) -> Result<()> {
        let mut denials = sbom.components().iter().filter_map(|component| self.denial(component));
        let Some(first) = denials.next() else { return Ok(()) };
        let more = match denials.count() {
            0 => String::new(),
            more => format!("; {more} more are denied"),
        };
        Err(Error::new(Status::ComponentDenied, format!("{first}{more}")))
    }
}

impl Denial<'_> {
    /// The rule or the advisory, its range and its reason, in words.
    pub fn cause(&self) -> String {
        self.cause.to_string()
    }
}

impl fmt::Display for Denial<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Component { purl, name, version } = self.component;
        match purl {
            Some(purl) => write!(f, "component {purl}")?,
            None => write!(f, "component {name}")?,
        }
        let said = purl.as_ref().is_some_and(|purl| purl.version() == Some(version));
        if !said && !version.is_empty() {
            write!(f, " (version {version})")?;
        }
        write!(f, ": denied by {}", self.cause)
    }
}

impl fmt::Display for Cause<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let reason = match self {
            Self::Rule(rule) => {
                write!(f, "the rule {} {}", rule.package, rule.versions)?;
                &rule.reason
            }
            Self::Advisory(advisory, range) => {
                write!(f, "the advisory {}", advisory.id)?;
                if !advisory.aliases.is_empty() {
                    write!(f, " ({})", advisory.aliases.join(", "))?;
                }
                write!(f, ", {range}")?;
                &advisory.summary
            }
        };
        if reason.is_empty() { Ok(()) } else { write!(f, ": {reason}") }
    }
}

/// [`Status::SbomInvalid`] unless `given` is the bill of materials that the statement binds. Where it binds one, that has to be
/// there, whoever asks for it; where it binds none, what lies beside the plugin is nobody's word.
pub(super) fn check_bound<'a>(statement: &Statement, given: Option<&'a [u8]>) -> Result<Option<&'a [u8]>> {
    let Some(expected) = &statement.sbom else { return Ok(None) };
    let wrong = |found: &str| {
        let expected = sm3::text(expected);
        Error::new(
            Status::SbomInvalid,
            format!("expected the bill of materials with the digest {expected}, found {found}"),
        )
    };
    let bytes = given.ok_or_else(|| wrong("none"))?;
    let found = sm3::digest(bytes);
    if found == *expected { Ok(Some(bytes)) } else { Err(wrong(&format!("one with {}", sm3::text(&found)))) }
}

/// The components that the bound bill of materials and the image's own section name together; `None` without either.
pub fn components(bound: Option<&[u8]>, elf: &Elf<'_>, file: &[u8]) -> Result<Option<Sbom>> {
    let bound = bound.map(Sbom::parse).transpose().map_err(|e| e.of("bill of materials"))?;
    Ok(match (bound, Sbom::of_image(elf, file)?) {
        (Some(bound), Some(own)) => Some(bound.and(own)),
        (bound, own) => bound.or(own),
    })
}
