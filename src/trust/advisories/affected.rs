//! Which versions of a package a record is about: OSV's `affected` entries.

use crate::artifact::sbom::order::{Version, VersionOrder};
use crate::artifact::sbom::purl::Purl;
use crate::document::{Field, Object};
use crate::error::Result;
use std::cmp::Ordering;

const MAX_EVENTS: usize = 10_000;
const MAX_VERSIONS: usize = 100_000;
const MAX_VERSION_LEN: usize = 256;

/// The versions of one package that one record is about.
#[derive(Debug)]
pub(super) struct Affected {
    /// The record, by its number.
    pub(super) advisory: usize,
    order: VersionOrder,
    versions: Vec<Version>,
    spans: Vec<Span>,
    /// Nothing here could be compared: every version is meant.
    all: bool,
}

/// What a record calls a range: where a vulnerability comes and goes, in ascending order.
#[derive(Debug)]
struct Span {
    events: Vec<Event>,
    /// The end of what is looked at, where there is one: any of these.
    limits: Vec<Version>,
    text: String,
}

#[derive(Debug)]
struct Event {
    kind: Kind,
    /// `None`: before every version.
    version: Option<Version>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Introduced,
    Fixed,
    LastAffected,
}

impl Affected {
    pub(super) fn parse(affected: &mut Object<'_>, package: &Purl, advisory: usize) -> Result<Self> {
        let order = VersionOrder::of(package);
        let mut entry = Self { advisory, order, versions: Vec::new(), spans: Vec::new(), all: false };
        if let Some(field) = affected.optional("versions") {
            for version in elements(&field, MAX_VERSIONS)? {
                entry.versions.extend(order.read(version.text(MAX_VERSION_LEN)?));
            }
        }
        if let Some(field) = affected.optional("ranges") {
            for range in elements(&field, MAX_EVENTS)? {
                entry.add_range(&mut range.object()?)?;
            }
        }
        // Said of the package, but not of which versions: what cannot be compared is not let through.
        entry.all |= entry.versions.is_empty() && entry.spans.is_empty();
        Ok(entry)
    }

    /// Whether `version` is affected; if so, by which range, in words.
    pub(super) fn covers(&self, version: &str) -> Option<String> {
        if self.all {
            return Some("every version".into());
        }
        let Some(version) = self.order.read(version) else {
            return Some("a version that cannot be compared".into());
        };
        if self.versions.iter().any(|listed| listed.compare(&version) == Some(Ordering::Equal)) {
            return Some("the version is listed".into());
        }
        self.spans.iter().find(|span| span.contains(&version)).map(|span| span.text.clone())
    }

    fn add_range(&mut self, range: &mut Object<'_>) -> Result<()> {
        let kind = range.required("type")?.one_of(&["SEMVER", "ECOSYSTEM", "GIT"])?;
        let events = range.required("events")?;
        // Commits are not versions.
        if kind == "GIT" {
            return Ok(());
        }
        match Span::parse(&elements(&events, MAX_EVENTS)?, self.order)? {
            Some(span) => self.spans.push(span),
            // Where there is no order, the record has to list the versions (OSV 1.6, "affected[].versions").
            None => self.all |= self.order.is_total() || self.versions.is_empty(),
        }
        Ok(())
    }
}

impl Span {
    /// `None` where an event cannot be compared.
    fn parse(fields: &[Field<'_>], order: VersionOrder) -> Result<Option<Self>> {
        let mut span = Self { events: Vec::new(), limits: Vec::new(), text: String::new() };
        let mut comparable = true;
        for field in fields {
            let mut event = field.object()?;
            let kinds = [
                ("introduced", event.optional("introduced"), Some(Kind::Introduced)),
                ("fixed", event.optional("fixed"), Some(Kind::Fixed)),
                ("last affected", event.optional("last_affected"), Some(Kind::LastAffected)),
                ("limit", event.optional("limit"), None),
            ];
            event.finish()?;
            for (word, value, kind) in kinds {
                let Some(value) = value else { continue };
                let text = value.text(MAX_VERSION_LEN)?;
                let separator = if span.text.is_empty() { "" } else { ", " };
                span.text.extend([separator, word, " ", text]);
                match kind {
                    Some(kind @ Kind::Introduced) if text == "0" => {
                        span.events.push(Event { kind, version: None });
                    }
                    None if text == "*" => {}
                    kind => match (kind, order.read(text).filter(|_| order.is_total())) {
                        (_, None) => comparable = false,
                        (Some(kind), version) => span.events.push(Event { kind, version }),
                        (None, Some(version)) => span.limits.push(version),
                    },
                }
            }
        }
        // Stable: events of one version stay in the record's order.
        span.events.sort_by(|a, b| match (&a.version, &b.version) {
            (Some(a), Some(b)) => a.compare(b).unwrap_or(Ordering::Equal),
            (a, b) => a.is_some().cmp(&b.is_some()),
        });
        Ok(comparable.then_some(span))
    }

    /// The evaluation that OSV's schema describes.
    fn contains(&self, version: &Version) -> bool {
        let stands = |bound: &Version| version.compare(bound);
        if !self.limits.is_empty() && !self.limits.iter().any(|limit| stands(limit) == Some(Ordering::Less)) {
            return false;
        }
        self.events.iter().fold(false, |affected, event| {
            let order = event.version.as_ref().map_or(Some(Ordering::Greater), stands);
            match (event.kind, order) {
                (Kind::Introduced, Some(Ordering::Equal | Ordering::Greater)) => true,
                (Kind::Fixed, Some(Ordering::Equal | Ordering::Greater))
                | (Kind::LastAffected, Some(Ordering::Greater)) => false,
                _ => affected,
            }
        })
    }
}

fn elements<'a>(field: &Field<'a>, limit: usize) -> Result<Vec<Field<'a>>> {
    let elements = field.array()?;
    if elements.len() > limit {
        return Err(field.error(format!("expected at most {limit} entries, found {}", elements.len())));
    }
    Ok(elements)
}
